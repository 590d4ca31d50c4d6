"""Writing one message: grown, finished, taken away, repeated, refused."""

from __future__ import annotations

import asyncio

import pytest

from bridges.discord import DiscordBridge
from core.errors import MessageMissing, PlatformError, PlatformRefused, PlatformUnavailable, SlowDown
from core.model import MessageId, ThreadId
from sandbox.discord import DiscordServer, Message
from sandbox.discord.limits import Limits, Window
from sandbox.discord.records import SUPPRESS_EMBEDS
from sandbox.faults import Fault
from tests.bridges.discord.conftest import settings
from tests.fakes import at_once


def lounge(server: DiscordServer) -> ThreadId:
    return ThreadId(f"discord:{server.world.guild}:{server.lounge}")


def written(server: DiscordServer, place: str | None = None) -> list[Message]:
    """What the bot has written."""
    return [m for m in server.world.history(place or server.lounge) if m.author == server.world.bot and m.kind != 21]


def calls(server: DiscordServer, name: str) -> int:
    return sum(h.kind == "call" and h.data["name"] == name for h in server.feed.past)


async def test_a_message_grows_by_edits(bridge: DiscordBridge, server: DiscordServer) -> None:
    surface = bridge.open(lounge(server), "k1")
    assert (surface.message, surface.shown) == (None, None)
    await surface.show("The", final=False)
    assert surface.shown == "The"
    await surface.show("The **tide**", final=False)
    await surface.show("The **tide** is out.", final=True)
    (message,) = written(server)
    assert surface.message == message.id
    assert surface.shown == "The **tide** is out."
    assert (message.content, message.edits) == ("The **tide** is out.", 2)


async def test_what_is_shown_already_costs_no_call(bridge: DiscordBridge, server: DiscordServer) -> None:
    """Neither the same text nor one that looks the same."""
    surface = bridge.open(lounge(server), "k1")
    for text in ("one", "one", "one\n", "one"):
        await surface.show(text, final=False)
        assert surface.shown == text
    await surface.show("one", final=True)
    assert calls(server, "messages.edit") == 0


@pytest.mark.parametrize("replying", [True, False])
async def test_no_previews_and_no_pings(bridge: DiscordBridge, server: DiscordServer, replying: bool) -> None:
    """Neither when it is written nor after an edit, whatever the text says, and no ping for whoever is answered."""
    text = f"@everyone @here `x` <@{server.world.ann}> <@&{server.world.crew}> https://example.org"
    asked = MessageId(await server.say(server.lounge, "hi there"))
    surface = bridge.open(lounge(server), "k1", reply_to=asked if replying else None)
    await surface.show(text, final=False)
    await surface.show(f"{text} more", final=True)
    (message,) = written(server)
    assert (message.reference is not None) == replying
    assert [h for h in server.feed.past if h.kind == "ping"] == []
    assert message.pings == []
    assert message.flags & SUPPRESS_EMBEDS
    assert not message.unfurls


async def test_a_reply_names_what_it_answers(bridge: DiscordBridge, server: DiscordServer) -> None:
    asked = await server.say(server.lounge, "@bot hi")
    await bridge.open(lounge(server), "k1", reply_to=MessageId(asked)).show("hello", final=True)
    assert written(server)[0].reference == asked


async def test_what_it_answers_may_be_gone(bridge: DiscordBridge, server: DiscordServer) -> None:
    asked = await server.say(server.lounge, "@bot hi")
    server.remove(asked)
    await bridge.open(lounge(server), "k1", reply_to=MessageId(asked)).show("hello", final=True)
    assert (written(server)[0].reference, written(server)[0].content) == (None, "hello")


async def test_where_it_may_not_reply_it_just_writes(bridge: DiscordBridge, server: DiscordServer) -> None:
    asked = await server.say(server.lounge, "@bot hi")
    await server.deny(server.lounge, "READ_MESSAGE_HISTORY")
    await bridge.open(lounge(server), "k1", reply_to=MessageId(asked)).show("hello", final=True)
    assert [m.content for m in written(server)] == ["hello"]


async def test_empty_text(bridge: DiscordBridge, server: DiscordServer) -> None:
    """Creates nothing; shows a placeholder where something was; and at the end takes the message away."""
    surface = bridge.open(lounge(server), "k1")
    await surface.show("", final=False)
    assert (surface.message, surface.shown, calls(server, "messages.create")) == (None, "", 0)
    await surface.show("text", final=False)
    await surface.show(" \n", final=False)
    assert (surface.shown, written(server)[0].content) == (" \n", "…")
    await surface.show("", final=True)
    assert (surface.message, surface.shown, written(server)) == (None, "", [])
    await surface.show("", final=True)


async def test_taking_away_what_is_gone_is_no_error(bridge: DiscordBridge, server: DiscordServer) -> None:
    surface = bridge.open(lounge(server), "k1")
    await surface.show("text", final=False)
    server.remove(str(surface.message))
    await surface.show("", final=True)
    assert surface.message is None


async def test_a_message_is_taken_up_again(bridge: DiscordBridge, server: DiscordServer) -> None:
    """By another process, which knows its id only."""
    first = bridge.open(lounge(server), "k1")
    await first.show("half", final=False)
    async with DiscordBridge(settings(server)) as other:
        second = other.open(lounge(server), "k1", first.message)
        assert second.shown is None
        await second.show("half", final=False)
        assert second.shown == "half"
        await second.show("whole", final=True)
    assert [m.content for m in written(server)] == ["whole"]


@pytest.mark.parametrize("replying", [True, False])
async def test_a_creation_whose_answer_was_lost_is_repeated_without_harm(
    bridge: DiscordBridge, server: DiscordServer, replying: bool
) -> None:
    """The nonce brings the first message back; its older text is not taken for the new one."""
    asked = MessageId(await server.say(server.lounge, "@bot hi")) if replying else None
    server.faults.add(Fault("messages.create", "lost"))
    first = bridge.open(lounge(server), "k1", reply_to=asked)
    with pytest.raises(PlatformUnavailable):
        await first.show("half", final=False)
    assert first.message is None
    second = bridge.open(lounge(server), "k1", reply_to=asked)
    await second.show("half and more", final=False)
    (message,) = written(server)
    assert second.message == message.id
    assert second.shown is None
    await second.show("half and more", final=False)
    assert second.shown == "half and more"
    assert [m.content for m in written(server)] == ["half and more"]


async def test_two_parts_with_two_keys_are_two_messages(bridge: DiscordBridge, server: DiscordServer) -> None:
    for key in ("k1", "k2"):
        await bridge.open(lounge(server), key).show("same text", final=True)
    assert len(written(server)) == 2


async def test_discord_cannot_find_by_key(bridge: DiscordBridge, server: DiscordServer) -> None:
    await bridge.open(lounge(server), "k1").show("text", final=True)
    assert await bridge.find(lounge(server), "k1") is None


async def test_formatting_is_put_discords_way(bridge: DiscordBridge, server: DiscordServer) -> None:
    await bridge.open(lounge(server), "k1").show("__bold__\n\n|a|\n|-|\n|b|", final=True)
    assert written(server)[0].content == "**bold**\n\n```\na\n─\nb\n```"


async def test_a_rendering_that_is_refused_is_sent_as_it_was_written(
    bridge: DiscordBridge, server: DiscordServer
) -> None:
    """No formatting error costs a message: once more, in the same call, plainly."""
    server.faults.add(Fault("messages.create", "status", status=400, error="50035"))
    surface = bridge.open(lounge(server), "k1")
    await surface.show("__bold__", final=False)
    assert surface.shown == "__bold__"
    assert written(server)[0].content == "__bold__"
    server.faults.add(Fault("messages.edit", "status", status=400, error="50035"))
    await surface.show("__bolder__", final=True)
    assert written(server)[0].content == "__bolder__"


async def test_a_text_that_is_too_long_is_refused_and_not_cut(bridge: DiscordBridge, server: DiscordServer) -> None:
    text = "x" * 2001
    assert not bridge.fits(text)
    with pytest.raises(PlatformRefused):
        await bridge.open(lounge(server), "k1").show(text, final=True)
    assert written(server) == []


async def test_the_longest_text_that_fits(bridge: DiscordBridge, server: DiscordServer) -> None:
    for index, text in enumerate(["x" * 2000, "👍" * 1000, "日" * 2000, "*_" * 500]):
        assert bridge.fits(text)
        await bridge.open(lounge(server), f"k{index}").show(text, final=True)
    assert not bridge.fits("👍" * 10_000)


@pytest.mark.parametrize(
    "text", ["a\ud83d", "\udc00", "a\0b", "\u202eevil\u202c", "a\u200b\u200d", "नमस्ते 日本 👨‍👩‍👧", "\u200b"]
)
async def test_any_characters_can_be_shown(bridge: DiscordBridge, server: DiscordServer, text: str) -> None:
    surface = bridge.open(lounge(server), "k1")
    await surface.show(text, final=True)
    assert surface.shown == text


# --- errors -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("messages.*", "status", status=500), PlatformUnavailable),
        (Fault("messages.*", "status", status=503), PlatformUnavailable),
        (Fault("messages.*", "drop"), PlatformUnavailable),
        (Fault("messages.*", "lost"), PlatformUnavailable),
        (Fault("messages.*", "status", status=403), PlatformRefused),
        (Fault("messages.*", "status", status=401), PlatformRefused),
        (Fault("messages.*", "status", status=404, error="10003"), PlatformRefused),
        (Fault("messages.*", "status", status=404, error="10008"), MessageMissing),
    ],
    ids=lambda value: f"{value.kind}-{value.status}-{value.error}" if isinstance(value, Fault) else "",
)
async def test_every_failure_has_its_error(
    bridge: DiscordBridge, server: DiscordServer, fault: Fault, error: type[PlatformError]
) -> None:
    """On writing and on editing, at once and after one call: nothing is repeated inside."""
    surface = bridge.open(lounge(server), "k1")
    server.faults.add(fault)
    with pytest.raises(error) as caught:
        await surface.show("one", final=False)
    assert calls(server, "messages.create") == 1
    assert "sandbox-discord-token" not in caught.value.detail
    await surface.show("one", final=False)
    server.faults.add(Fault(fault.on, fault.kind, status=fault.status, error=fault.error))
    before = surface.shown
    with pytest.raises(error):
        await surface.show("two", final=False)
    assert calls(server, "messages.edit") <= 2
    assert surface.shown == before
    await surface.show("two", final=True)
    assert written(server)[0].content == "two"


async def test_real_rules_have_their_errors(bridge: DiscordBridge, server: DiscordServer) -> None:
    surface = bridge.open(lounge(server), "k1")
    await surface.show("one", final=False)
    server.remove(str(surface.message))
    with pytest.raises(MessageMissing):
        await surface.show("two", final=False)
    foreign = bridge.open(lounge(server), "k2", MessageId(await server.say(server.lounge, "mine")))
    with pytest.raises(PlatformRefused):
        await foreign.show("not yours", final=False)
    await server.deny(server.lounge, "SEND_MESSAGES")
    with pytest.raises(PlatformRefused):
        await bridge.open(lounge(server), "k3").show("x", final=False)
    server.close_channel(server.lounge)
    with pytest.raises(PlatformRefused):
        await bridge.open(lounge(server), "k4").show("x", final=False)


async def test_a_key_whose_message_was_deleted_is_told(bridge: DiscordBridge, server: DiscordServer) -> None:
    """A moderator took it away before its id was known: it is missing, not to be written again under the same key."""
    surface = bridge.open(lounge(server), "k1")
    await surface.show("one", final=False)
    server.remove(str(surface.message))
    with pytest.raises(MessageMissing):
        await bridge.open(lounge(server), "k1").show("one", final=False)


async def test_a_refusal_for_too_many_calls_is_the_callers_to_wait_for(
    bridge: DiscordBridge, server: DiscordServer
) -> None:
    """It comes at once, with Discord's own number, and until it is over no call is made."""
    server.faults.add(Fault("messages.create", "status", status=429, retry_after=40))
    surface = bridge.open(lounge(server), "k1")
    with pytest.raises(SlowDown) as caught:
        await surface.show("one", final=False)
    assert caught.value.retry_after == 40
    assert caught.value.budget is None
    with pytest.raises(SlowDown) as again:
        await surface.show("one", final=False)
    assert 30 < again.value.retry_after <= 40
    assert calls(server, "messages.create") == 1
    other = ThreadId(f"discord:@me:{server.direct}")
    await bridge.open(other, "k2").show("elsewhere it goes on", final=True)


@pytest.mark.parametrize("scope", ["global", "cloudflare"])
async def test_a_refusal_for_the_whole_bot_names_its_budget(
    bridge: DiscordBridge, server: DiscordServer, scope: str
) -> None:
    server.faults.add(Fault("messages.create", "status", status=429, retry_after=40, error=scope))
    with pytest.raises(SlowDown) as caught:
        await bridge.open(lounge(server), "k1").show("one", final=False)
    assert caught.value.retry_after == 40
    named = {budget.name for budget in bridge.pace.budgets(lounge(server), "create")}
    assert caught.value.budget in named
    assert caught.value.budget in {b.name for b in bridge.pace.budgets(ThreadId("discord:@me:1"), "edit")}


async def test_the_headers_of_a_used_up_bucket_are_heeded(bridge: DiscordBridge, server: DiscordServer) -> None:
    """The call that would be refused is not made, and the one that takes the last token returns at once."""
    server.limits = Limits({"messages.create": Window(2, 30)})
    for key in ("k1", "k2"):
        await bridge.open(lounge(server), key).show("x", final=True)
    with pytest.raises(SlowDown) as caught:
        await bridge.open(lounge(server), "k3").show("x", final=True)
    assert 20 < caught.value.retry_after <= 30
    assert calls(server, "messages.create") == 2
    assert not [h for h in server.feed.past if h.kind == "slow_down"]


# --- threads ------------------------------------------------------------------------------------------------------


async def test_a_thread_is_created_with_the_first_part(server: DiscordServer) -> None:
    """Named after the question; and only then, and once."""
    asked = await server.say(server.lounge, "@bot how deep is the **harbour** at low tide?")
    thread = ThreadId(f"{lounge(server)}:{asked}")
    async with DiscordBridge(settings(server, answer_in="thread")) as bridge:
        surface = bridge.open(thread, "k1", reply_to=MessageId(asked))
        assert asked not in server.world.channels
        await surface.show("Six", final=False)
        await surface.show("Six metres", final=True)
        await bridge.open(thread, "k2").show("and a half", final=True)
    assert server.world.channels[asked].name == "how deep is the **harbour** at low tide?"
    assert [m.content for m in written(server, asked)] == ["Six metres", "and a half"]
    assert calls(server, "threads.create") == 1
    assert written(server) == []


async def test_a_thread_that_exists_by_then_is_used(server: DiscordServer) -> None:
    """Somebody else, or an earlier attempt whose answer was lost, has created it."""
    asked = await server.say(server.lounge, "@bot hello")
    server.faults.add(Fault("threads.create", "lost"))
    async with DiscordBridge(settings(server, answer_in="thread")) as bridge:
        surface = bridge.open(ThreadId(f"{lounge(server)}:{asked}"), "k1")
        with pytest.raises(PlatformUnavailable):
            await surface.show("hi", final=True)
        await surface.show("hi", final=True)
    assert [m.content for m in written(server, asked)] == ["hi"]


async def test_two_that_create_one_thread_at_once_do_no_harm(server: DiscordServer) -> None:
    """Two workers, or the typing indicator and the first part: both messages get there."""
    server.limits = None
    async with (
        DiscordBridge(settings(server, answer_in="thread")) as one,
        DiscordBridge(settings(server, answer_in="thread")) as two,
    ):
        for round_ in range(10):
            asked = await server.say(server.lounge, "@bot hello")
            thread = ThreadId(f"{lounge(server)}:{asked}")
            await asyncio.gather(
                one.open(thread, f"a{round_}").show("from one", final=True),
                two.open(thread, f"b{round_}").show("from two", final=True),
            )
            assert sorted(m.content for m in written(server, asked)) == ["from one", "from two"]


async def test_a_thread_that_somebody_deleted_is_not_made_again(server: DiscordServer) -> None:
    asked = await server.say(server.lounge, "@bot hello")
    async with DiscordBridge(settings(server, answer_in="thread")) as bridge:
        await bridge.open(ThreadId(f"{lounge(server)}:{asked}"), "k1").show("hi", final=True)
        server.close_channel(asked)
        with pytest.raises(PlatformRefused):
            await bridge.open(ThreadId(f"{lounge(server)}:{asked}"), "k2").show("more", final=True)
    assert asked not in server.world.channels


async def test_a_thread_of_a_message_that_is_gone_cannot_be_made(server: DiscordServer) -> None:
    """That is a refusal, and not a missing message of the bot's own."""
    async with DiscordBridge(settings(server, answer_in="thread")) as bridge:
        with pytest.raises(PlatformRefused):
            await bridge.open(ThreadId(f"{lounge(server)}:12345"), "k1").show("hi", final=True)


async def test_an_archived_thread_is_opened_again(bridge: DiscordBridge, server: DiscordServer) -> None:
    post = await server.post("Anchors", "Which one?")
    surface = bridge.open(ThreadId(f"discord:{server.world.guild}:{server.help}:{post}"), "k1")
    await surface.show("This", final=False)
    await server.archive(post)
    await surface.show("This one", final=True)
    assert written(server, post)[0].content == "This one"
    await server.archive(post)
    await bridge.open(ThreadId(f"discord:{server.world.guild}:{server.help}:{post}"), "k2").show("or that", final=True)
    assert not server.world.channels[post].archived


async def test_a_locked_thread_is_a_refusal(bridge: DiscordBridge, server: DiscordServer) -> None:
    post = await server.post("Anchors", "Which one?")
    surface = bridge.open(ThreadId(f"discord:{server.world.guild}:{server.help}:{post}"), "k1")
    await surface.show("This", final=False)
    await server.archive(post, locked=True)
    with pytest.raises(PlatformRefused):
        await surface.show("This one", final=True)


# --- typing -------------------------------------------------------------------------------------------------------


async def test_typing_is_shown_as_long_as_the_block_runs(bridge: DiscordBridge, server: DiscordServer) -> None:
    async with bridge.typing(lounge(server), at_once):
        await server.feed.until(lambda: [h for h in server.feed.past if h.kind == "typing"])
    assert [h.data["place"] for h in server.feed.past if h.kind == "typing"] == [server.lounge]


async def test_typing_waits_for_its_leave(bridge: DiscordBridge, server: DiscordServer) -> None:
    asked, leave = asyncio.Event(), asyncio.Event()

    async def may() -> None:
        asked.set()
        await leave.wait()

    async with bridge.typing(lounge(server), may):
        await asked.wait()
        assert not calls(server, "typing")
        leave.set()
        await server.feed.until(lambda: calls(server, "typing"))


async def test_typing_creates_the_thread_too(server: DiscordServer) -> None:
    asked = await server.say(server.lounge, "@bot hello")
    thread = ThreadId(f"{lounge(server)}:{asked}")
    async with DiscordBridge(settings(server, answer_in="thread")) as bridge, bridge.typing(thread, at_once):
        await server.feed.until(lambda: [h for h in server.feed.past if h.kind == "typing"])
    assert asked in server.world.channels


@pytest.mark.parametrize(
    "fault",
    [
        Fault("typing", "drop"),
        Fault("typing", "status", status=403),
        Fault("typing", "status", status=429, retry_after=50),
        Fault("typing", "status", status=500),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}",
)
async def test_typing_that_cannot_be_shown_is_nobodys_trouble(
    bridge: DiscordBridge, server: DiscordServer, fault: Fault
) -> None:
    server.faults.add(fault)
    async with bridge.typing(lounge(server), at_once):
        await server.feed.until(lambda: calls(server, "typing"))
        await bridge.open(lounge(server), "k1").show("the answer", final=True)
    assert [m.content for m in written(server)] == ["the answer"]
