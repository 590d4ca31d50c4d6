"""Writing messages, seen from the reader's side."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from bridges.slack import SlackBridge
from bridges.slack.thread import Thread
from core.errors import MessageMissing, PlatformError, PlatformRefused, PlatformUnavailable, SlowDown
from core.model import MessageId, ThreadId
from sandbox.faults import Fault
from sandbox.slack import SlackServer
from sandbox.slack.world import BOT_USER, TEAM
from sandbox.stand_in import View
from tests.bridges.slack.conftest import settings
from tests.bridges.slack.test_format import TEXTS
from tests.fakes import at_once

GENERAL, DIRECT = "C0GENERAL1", "D0ANNKERN1"


def thread(root: str, channel: str = GENERAL) -> ThreadId:
    return Thread(TEAM, channel, root).id()


def ours(slack: SlackServer, place: str = GENERAL) -> list[View]:
    return [view for view in slack.view(place) if view.author == "Threadbridge"]


def calls(slack: SlackServer, name: str) -> list[dict[str, Any]]:
    return [one.data["arguments"] for one in slack.feed.past if one.kind == "call" and one.data["name"] == name]


async def test_an_answer_grows_in_the_thread_and_stays(slack: SlackServer, bridge: SlackBridge) -> None:
    root = await slack.say(GENERAL, "question")
    surface = bridge.open(thread(root), "k1")
    assert (surface.message, surface.shown) == (None, None)
    for text, final in (("One", False), ("One **two**", False), ("One **two** three.", True)):
        await surface.show(text, final=final)
        assert surface.shown == text
    (view,) = ours(slack)
    assert (view.id, view.parent, view.edits) == (surface.message, root, 2)
    assert view.text == "One two three."
    assert "<strong>two</strong>" in view.html


async def test_the_same_text_again_calls_nobody(slack: SlackServer, bridge: SlackBridge) -> None:
    root = await slack.say(GENERAL, "question")
    surface = bridge.open(thread(root), "k1")
    await surface.show("Done.", final=False)
    await surface.show("Done.", final=True)
    await surface.show("Done.", final=True)
    assert len(calls(slack, "chat.postMessage")) == 1
    assert calls(slack, "chat.update") == []


async def test_at_the_top_of_a_direct_message(slack: SlackServer, bridge: SlackBridge) -> None:
    """Where that is one conversation, the answer stands there too."""
    surface = bridge.open(Thread(TEAM, DIRECT, None).id(), "k1")
    await surface.show("Hello.", final=True)
    (view,) = ours(slack, DIRECT)
    assert view.parent is None


async def test_nothing_unfurls_and_nothing_is_linked(slack: SlackServer, bridge: SlackBridge) -> None:
    root = await slack.say(GENERAL, "question")
    await bridge.open(thread(root), "k1").show("see https://example.com", final=True)
    (call,) = calls(slack, "chat.postMessage")
    assert (call["unfurl_links"], call["unfurl_media"], call["link_names"], call["parse"]) == (
        False,
        False,
        False,
        "none",
    )


async def test_the_text_for_notifications_is_the_whole_answer(slack: SlackServer, bridge: SlackBridge) -> None:
    root = await slack.say(GENERAL, "question")
    await bridge.open(thread(root), "k1").show("a < b & *c*", final=True)
    (call,) = calls(slack, "chat.postMessage")
    assert call["text"] == "a &lt; b &amp; *c*"
    assert call["blocks"] == [{"type": "markdown", "text": "a < b & *c*"}]


async def test_a_message_is_taken_up_by_its_id(slack: SlackServer, bridge: SlackBridge) -> None:
    root = await slack.say(GENERAL, "question")
    first = bridge.open(thread(root), "k1")
    await first.show("half an ans", final=False)
    second = bridge.open(thread(root), "k1", first.message)
    assert second.shown is None
    await second.show("half an answer, and the rest.", final=True)
    assert [view.text for view in ours(slack)] == ["half an answer, and the rest."]


@pytest.mark.parametrize("empty", ["", " \n", "\u200b\u2060"])
async def test_empty_text(slack: SlackServer, bridge: SlackBridge, empty: str) -> None:
    """Nothing appears; what is there shows that it is empty for now; at the end it is taken away."""
    root = await slack.say(GENERAL, "question")
    surface = bridge.open(thread(root), "k1")
    await surface.show(empty, final=False)
    assert surface.message is None
    assert ours(slack) == []
    await surface.show("Hm", final=False)
    await surface.show(empty, final=False)
    assert [view.text for view in ours(slack)] == ["…"]
    await surface.show(empty, final=True)
    assert (surface.message, surface.shown) == (None, empty)
    assert ours(slack) == []
    await surface.show(empty, final=True)


async def test_taking_away_what_is_gone_is_success(slack: SlackServer, bridge: SlackBridge) -> None:
    root = await slack.say(GENERAL, "question")
    surface = bridge.open(thread(root), "k1")
    await surface.show("Hm", final=False)
    assert surface.message is not None
    await slack.delete(GENERAL, surface.message)
    await surface.show("", final=True)
    assert surface.message is None


async def test_an_edit_of_what_is_gone(slack: SlackServer, bridge: SlackBridge) -> None:
    root = await slack.say(GENERAL, "question")
    surface = bridge.open(thread(root), "k1", MessageId("1700000000.000001"))
    with pytest.raises(MessageMissing):
        await surface.show("text", final=False)


async def test_a_message_of_somebody_else_cannot_be_edited(slack: SlackServer, bridge: SlackBridge) -> None:
    root = await slack.say(GENERAL, "question")
    with pytest.raises(PlatformRefused) as refusal:
        await bridge.open(thread(root), "k1", MessageId(root)).show("text", final=False)
    assert refusal.value.detail == "cant_update_message"


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault("chat.*", "status", status=429, retry_after=7), SlowDown),
        (Fault("chat.*", "status", error="rate_limited"), SlowDown),
        (Fault("chat.*", "status", status=500), PlatformUnavailable),
        (Fault("chat.*", "status", status=503), PlatformUnavailable),
        (Fault("chat.*", "status", error="internal_error"), PlatformUnavailable),
        (Fault("chat.*", "drop"), PlatformUnavailable),
        (Fault("chat.*", "lost"), PlatformUnavailable),
        (Fault("chat.*", "status", error="is_archived"), PlatformRefused),
        (Fault("chat.*", "status", error="not_in_channel"), PlatformRefused),
        (Fault("chat.*", "status", error="thread_not_found"), PlatformRefused),
        (Fault("chat.*", "status", error="token_revoked"), PlatformRefused),
        (Fault("chat.*", "status", status=403), PlatformUnavailable),
    ],
    ids=lambda value: f"{value.kind}-{value.error or value.status}" if isinstance(value, Fault) else None,
)
@pytest.mark.parametrize("edit", [False, True], ids=["post", "edit"])
async def test_what_goes_wrong_is_told_in_our_words(
    slack: SlackServer, bridge: SlackBridge, fault: Fault, expected: type[PlatformError], edit: bool
) -> None:
    """And the same surface works when it is over."""
    root = await slack.say(GENERAL, "question")
    surface = bridge.open(thread(root), "k1")
    if edit:
        await surface.show("first", final=False)
    before = surface.shown
    # faults are used up: each case needs its own
    slack.faults.add(Fault(fault.on, fault.kind, status=fault.status, retry_after=fault.retry_after, error=fault.error))
    with pytest.raises(expected) as caught:
        await surface.show("second", final=False)
    assert type(caught.value) is expected or expected is PlatformRefused
    assert surface.shown == before
    if isinstance(caught.value, SlowDown) and fault.retry_after:
        assert caught.value.retry_after == 7
    assert "xoxb" not in caught.value.detail
    if not (fault.kind == "lost" and not edit):
        await surface.show("second", final=True)
        assert [view.text for view in ours(slack)] == ["second"]


async def test_a_rate_limit_is_passed_on_and_not_waited_for(slack: SlackServer, bridge: SlackBridge) -> None:
    """The real limit of the workspace: 50 edits a minute."""
    root = await slack.say(GENERAL, "question")
    surface = bridge.open(thread(root), "k1")
    for count in range(51):
        await surface.show(str(count), final=False)
    with pytest.raises(SlowDown) as refusal:
        await surface.show("one more", final=False)
    assert surface.shown == "50"
    assert 1 <= refusal.value.retry_after <= 60


@pytest.mark.parametrize("word", ["invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"])
async def test_refused_blocks_never_cost_a_message(slack: SlackServer, bridge: SlackBridge, word: str) -> None:
    """The same text is sent without them, in the same call; the final text tries them again."""
    root = await slack.say(GENERAL, "question")
    surface = bridge.open(thread(root), "k1")
    slack.faults.add(Fault("chat.postMessage", "status", error=word))
    await surface.show("a **b** <c>", final=False)
    assert [view.text for view in ours(slack)] == ["a **b** <c>"]
    await surface.show("a **b** <c> d", final=False)
    assert [view.text for view in ours(slack)] == ["a **b** <c> d"]
    await surface.show("a **b** <c> d", final=True)
    assert [view.text for view in ours(slack)] == ["a b <c> d"]
    await surface.show("a **b** <c> d", final=True)
    assert len(calls(slack, "chat.update")) == 2


async def test_blocks_refused_on_an_edit_are_taken_away(slack: SlackServer, bridge: SlackBridge) -> None:
    """Or the reader would see the old ones for ever."""
    root = await slack.say(GENERAL, "question")
    surface = bridge.open(thread(root), "k1")
    await surface.show("old", final=False)
    slack.faults.add(Fault("chat.update", "status", error="invalid_blocks"))
    await surface.show("new", final=True)
    assert [view.text for view in ours(slack)] == ["new"]


async def test_a_text_that_slack_finds_too_long_is_still_shown_whole(slack: SlackServer, bridge: SlackBridge) -> None:
    """The block holds all of it; only the text for notifications is cut."""
    root = await slack.say(GENERAL, "question")
    surface = bridge.open(thread(root), "k1")
    await surface.show("a", final=False)
    slack.faults.add(Fault("chat.update", "status", error="msg_too_long"))
    text = "word & " * 300
    await surface.show(text, final=True)
    assert ours(slack)[0].text == text.strip()
    assert len(calls(slack, "chat.update")[-1]["text"]) < 1_100


async def test_a_part_is_found_by_its_key(slack: SlackServer, bridge: SlackBridge) -> None:
    """Also when the answer to the call that posted it was lost."""
    root = await slack.say(GENERAL, "question")
    slack.faults.add(Fault("chat.postMessage", "lost"))
    surface = bridge.open(thread(root), "lostkey1")
    with pytest.raises(PlatformUnavailable):
        await surface.show("Is it there?", final=False)
    assert surface.message is None
    (view,) = ours(slack)
    assert await bridge.find(thread(root), "lostkey1") == view.id
    assert await bridge.find(thread(root), "otherkey") is None
    again = bridge.open(thread(root), "lostkey1", MessageId(view.id))
    await again.show("It is.", final=True)
    assert await bridge.find(thread(root), "lostkey1") == view.id


async def test_a_part_is_found_among_many(slack: SlackServer, bridge: SlackBridge) -> None:
    """Over pages, and at the top of a direct message."""
    place = Thread(TEAM, DIRECT, None).id()
    surface = bridge.open(place, "needle")
    await surface.show("here", final=True)
    for count in range(450):
        await slack.say(DIRECT, str(count), author="ann")
    assert await bridge.find(place, "needle") == surface.message


async def test_a_key_in_somebody_elses_message_is_not_ours(slack: SlackServer, bridge: SlackBridge) -> None:
    root = await slack.say(GENERAL, "question")
    slack.world.posts[GENERAL][root].metadata = {
        "event_type": "threadbridge_part",
        "event_payload": {"key": "stolen"},
    }
    assert await bridge.find(thread(root), "stolen") is None


async def test_finding_fails_loudly_where_it_may_work_later(slack: SlackServer, bridge: SlackBridge) -> None:
    """None would mean: post it once more."""
    root = await slack.say(GENERAL, "question")
    slack.faults.add(Fault("conversations.replies", "status", status=500))
    with pytest.raises(PlatformUnavailable):
        await bridge.find(thread(root), "k1")
    slack.faults.add(Fault("conversations.replies", "status", status=429, retry_after=3))
    with pytest.raises(SlowDown):
        await bridge.find(thread(root), "k1")
    slack.faults.add(Fault("conversations.replies", "status", error="missing_scope"))
    assert await bridge.find(thread(root), "k1") is None


async def test_typing_is_shown_and_cleared(slack: SlackServer, bridge: SlackBridge) -> None:
    root = await slack.say(GENERAL, "question")
    async with bridge.typing(thread(root), at_once):
        await slack.feed.until(lambda: slack.world.posts[GENERAL][root].status)
    assert slack.world.posts[GENERAL][root].status == ""


@pytest.mark.parametrize("fault", ["unknown_method", "missing_scope", "internal_error", "ratelimited"])
async def test_typing_that_fails_disturbs_nobody(slack: SlackServer, bridge: SlackBridge, fault: str) -> None:
    root = await slack.say(GENERAL, "question")
    slack.faults.add(Fault("assistant.threads.setStatus", "status", times=2, error=fault))
    async with bridge.typing(thread(root), at_once):
        await slack.feed.until(lambda: calls(slack, "assistant.threads.setStatus"))
    async with bridge.typing(Thread(TEAM, DIRECT, None).id(), at_once):
        pass


async def test_typing_ends_with_the_task(slack: SlackServer, bridge: SlackBridge) -> None:
    root = await slack.say(GENERAL, "question")

    async def write() -> None:
        async with bridge.typing(thread(root), at_once):
            await asyncio.Event().wait()

    task = asyncio.create_task(write())
    await slack.feed.until(lambda: slack.world.posts[GENERAL][root].status)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert slack.world.posts[GENERAL][root].status == ""


HOSTILE = [
    "<!channel> <!here|here> <!everyone> <!subteam^S0123|@team> <!date^1^x|y>",
    f"<@{BOT_USER}> <@U0ANNKERN1|ann> <#C0GENERAL1>",
    "&lt;!channel&gt; &#60;!here> &#x3C;!everyone> \\<!channel> <\\!channel>",
    "`<!channel>` ```\n<!here>\n```",
    "[x](<!channel>) [<!here>](http://e.example)",
    "@channel @here @everyone @ann",
]


async def test_nothing_that_is_written_notifies_anybody(slack: SlackServer, bridge: SlackBridge) -> None:
    slack.limits = None
    root = await slack.say(GENERAL, "question")
    surface = bridge.open(thread(root), "k1")
    for text in HOSTILE:
        await surface.show(text, final=False)
        slack.faults.add(Fault("chat.update", "status", error="invalid_blocks"))
        await surface.show(text + " again", final=True)
    assert [one for one in slack.feed.past if one.kind == "ping"] == []
    assert 'class="mention"' not in "".join(view.html for view in ours(slack))


def test_whatever_fits_is_taken() -> None:
    """Any text that `fits` is posted, edited and posted as plain text, and arrives whole."""

    @examples(max_examples=60, deadline=None)
    @given(st.lists(TEXTS, min_size=1, max_size=5))
    def check(texts: list[str]) -> None:
        asyncio.run(show(texts))

    async def show(texts: list[str]) -> None:
        async with SlackServer() as slack, SlackBridge(settings(slack)) as bridge:
            slack.limits = None
            root = await slack.say(GENERAL, "question")
            surface = bridge.open(thread(root), "k1")
            for text in filter(bridge.fits, texts):
                await surface.show(text, final=False)
                assert surface.shown == text or surface.message is None

    check()


@pytest.mark.parametrize(
    "text",
    ["x" * 3_900, "&" * 780, "<!here>" * 250, "😀" * 1_950, "\ud800" * 3_900, "\x00a" * 1_950, "| a | b |\n" * 300],
    ids=["plain", "ampersands", "broadcasts", "emoji", "surrogates", "nul", "table"],
)
async def test_the_longest_that_fits_is_taken(slack: SlackServer, bridge: SlackBridge, text: str) -> None:
    while not bridge.fits(text):
        text = text[:-10]
    assert len(text) > 400
    root = await slack.say(GENERAL, "question")
    surface = bridge.open(thread(root), "k1")
    await surface.show(text, final=False)
    await surface.show(text[:-1], final=True)
    assert len(calls(slack, "chat.update")) == 1
