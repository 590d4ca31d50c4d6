"""Answers that grow as Slack's own streams, seen from the reader's side; whatever goes wrong, one message, once."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from bridges.slack import SlackBridge
from bridges.slack.askers import Askers
from bridges.slack.stream import StreamSurface
from bridges.slack.streams import BEGUN_A_MINUTE, LIFE, MOST, Streams
from bridges.slack.surface import SlackSurface
from bridges.slack.thread import Thread
from core.bridge import Growing, Surface, Wanted
from core.errors import MessageMissing, PlatformUnavailable, SlowDown
from core.model import MessageId, ThreadId
from sandbox.faults import Fault
from sandbox.slack import SlackServer
from sandbox.slack.world import TEAM
from tests.bridges.slack.conftest import Heard, listening, settings
from tests.bridges.slack.test_surface import DIRECT, GENERAL, calls, ours, thread

STREAM = "chat.*Stream"


def growing(text: str, status: str = "") -> Wanted:
    shown = f"{text}\n\n*{status} …*" if text and status else f"*{status} …*" if status else text
    return Wanted(shown, final=False, written=text, status=status)


def final(text: str) -> Wanted:
    return Wanted(text, final=True)


SIMPLE = (growing("One"), growing("One **two"), growing("One **two** three"), final("One **two** three."))
STATUS = (growing("", "Searching"), growing("One"), growing("One", "Drawing"), growing("One two"), final("One two."))
REPLACED = (growing("One two"), growing("1, 2"), growing("1, 2, 3"), final("1, 2, 3."))
STORIES = {"simple": SIMPLE, "status": STATUS, "replaced": REPLACED}


async def step(surface: Surface, wanted: Wanted) -> None:
    if isinstance(surface, Growing) and not wanted.final:
        await surface.grow(wanted)
    else:
        await surface.show(wanted.text, final=wanted.final)


async def show(bridge: SlackBridge, where: ThreadId, key: str, surface: Surface, wanted: Wanted) -> Surface:
    """As the live reply does it, only without waiting. Returns the surface that the message has then."""
    unsure = False
    for _ in range(12):
        try:
            if unsure and (message := await bridge.find(where, key)) is not None:
                surface = bridge.open(where, key, message)
            unsure = False
            await step(surface, wanted)
        except SlowDown:
            continue
        except PlatformUnavailable:
            unsure = surface.message is None
        if surface.shown == wanted.text:
            return surface
    raise AssertionError(f"{wanted} is not shown after twelve steps, but {surface.shown!r}")


async def tell(bridge: SlackBridge, root: str, story: Sequence[Wanted], channel: str = GENERAL) -> Surface:
    where = thread(root, channel)
    surface: Surface = bridge.open(where, "k1", reply_to=MessageId(root))
    for wanted in story:
        surface = await show(bridge, where, "k1", surface, wanted)
    return surface


def names(slack: SlackServer) -> list[str]:
    """The calls that wrote something, in their order."""
    made = [one.data["name"] for one in slack.feed.past if one.kind == "call"]
    return [name.removeprefix("chat.") for name in made if name.startswith("chat.")]


@pytest.mark.parametrize("channel", [GENERAL, DIRECT])
async def test_an_answer_grows_as_a_stream(slack: SlackServer, streaming: SlackBridge, channel: str) -> None:
    root = await slack.say(channel, "question")
    surface: Surface = streaming.open(thread(root, channel), "k1", reply_to=MessageId(root))
    seen = []
    for wanted in SIMPLE:
        surface = await show(streaming, thread(root, channel), "k1", surface, wanted)
        seen += [(view.text, view.draft) for view in ours(slack, channel)]
    assert seen == [("One", True), ("One", True), ("One two three", True), ("One two three.", False)]
    assert names(slack) == ["startStream", "appendStream", "stopStream"]
    (view,) = ours(slack, channel)
    assert (view.parent, view.edits, surface.message) == (root, 0, view.id)
    assert await streaming.find(thread(root, channel), "k1") == view.id


async def test_the_calls_that_it_needs_are_foretold(slack: SlackServer, streaming: SlackBridge) -> None:
    """For each method has a budget of its own; and what needs no call waits for none."""
    root = await slack.say(GENERAL, "question")
    surface = streaming.open(thread(root), "k1", reply_to=MessageId(root))
    assert isinstance(surface, StreamSurface)
    foretold = []
    for wanted in (growing("**On"), *SIMPLE):
        foretold.append(surface.call(wanted))
        await step(surface, wanted)
    foretold.append(surface.call(SIMPLE[-1]))
    assert foretold == [None, "create", None, "append", "close", None]
    assert names(slack) == ["startStream", "appendStream", "stopStream"]


async def test_for_whom_it_is_in_a_channel(slack: SlackServer, streaming: SlackBridge) -> None:
    """The one who asked: as heard, or as read from Slack where another process heard it."""
    root = await slack.say(GENERAL, "question", author="bob")
    await tell(streaming, root, SIMPLE)
    assert len(calls(slack, "conversations.replies")) == 1
    heard = Heard(slack)
    async with listening(streaming, heard):
        root = await slack.say(GENERAL, "@bot question", author="ann")
        await slack.feed.until(lambda: root in [message.id for message in heard.messages])
        await tell(streaming, root, SIMPLE)
    assert len(calls(slack, "conversations.replies")) == 1
    started = calls(slack, "chat.startStream")
    assert [(one["recipient_team_id"], one["recipient_user_id"]) for one in started] == [
        (TEAM, "U0BOBMOSS1"),
        (TEAM, "U0ANNKERN1"),
    ]


async def test_the_second_part_of_an_answer_is_for_the_same_person(slack: SlackServer, streaming: SlackBridge) -> None:
    root = await slack.say(GENERAL, "question")
    await tell(streaming, root, SIMPLE)
    part = streaming.open(thread(root), "k2")
    await step(part, growing("More"))
    assert [view.draft for view in ours(slack)] == [False, True]


async def test_somebody_of_another_workspace(slack: SlackServer, streaming: SlackBridge) -> None:
    guest = slack.invite_foreigner(GENERAL)
    heard = Heard(slack)
    async with listening(streaming, heard):
        root = await slack.say(GENERAL, "@bot question", author=guest.handle)
        await slack.feed.until(lambda: root in [message.id for message in heard.messages])
    await tell(streaming, root, SIMPLE)
    (started,) = calls(slack, "chat.startStream")
    assert (started["recipient_team_id"], started["recipient_user_id"]) == (guest.team, guest.id)


async def test_where_nobody_knows_who_asked_it_is_edited(slack: SlackServer, streaming: SlackBridge) -> None:
    root = await slack.say(GENERAL, "question")
    slack.faults.add(Fault("conversations.replies", "status", error="missing_scope"))
    await tell(streaming, root, SIMPLE)
    assert names(slack)[0] == "postMessage"
    assert [view.text for view in ours(slack)] == ["One two three."]


async def test_outside_of_threads_it_is_edited(slack: SlackServer, streaming: SlackBridge) -> None:
    surface = streaming.open(Thread(TEAM, DIRECT, None).id(), "k1")
    await step(surface, growing("One"))
    assert names(slack) == ["postMessage"]


async def test_an_answer_that_is_there_at_once_is_posted(slack: SlackServer, streaming: SlackBridge) -> None:
    root = await slack.say(GENERAL, "question")
    await tell(streaming, root, [final("All of it.")])
    assert names(slack) == ["postMessage"]


async def test_it_can_be_switched_off(slack: SlackServer) -> None:
    async with SlackBridge(settings(slack, streaming="off")) as bridge:
        root = await slack.say(GENERAL, "question")
        await tell(bridge, root, SIMPLE)
    assert names(slack)[0] == "postMessage"


# --- status -----------------------------------------------------------------------------------------------------


async def test_what_is_being_done_is_a_task_and_goes_with_the_end(slack: SlackServer, streaming: SlackBridge) -> None:
    root = await slack.say(GENERAL, "question")
    surface: Surface = streaming.open(thread(root), "k1", reply_to=MessageId(root))
    seen = []
    for wanted in STATUS:
        surface = await show(streaming, thread(root), "k1", surface, wanted)
        seen.append(ours(slack)[0].html)
    assert ['"task in_progress">Searching' in html for html in seen] == [True, False, False, False, False]
    assert ['"task in_progress">Drawing' in html for html in seen] == [False, False, True, False, False]
    assert ["Drawing" in html for html in seen] == [False, False, True, True, False]
    assert [view.text for view in ours(slack)] == ["One two."]


# --- the ends of a stream ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("late", [SIMPLE, REPLACED, STATUS], ids=["simple", "replaced", "status"])
@pytest.mark.parametrize("after", range(1, 4))
async def test_a_stream_that_slack_has_ended(
    slack: SlackServer, streaming: SlackBridge, late: Sequence[Wanted], after: int
) -> None:
    """After five minutes, whatever is still appended."""
    root = await slack.say(GENERAL, "question")
    surface = await tell(streaming, root, late[:after])
    slack.stream_lifetime = 0
    for wanted in late[after:]:
        surface = await show(streaming, thread(root), "k1", surface, wanted)
    assert [(view.text.replace("*", ""), view.draft) for view in ours(slack)] == [
        (late[-1].text.replace("*", ""), False)
    ]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_a_stream_is_left_before_slack_ends_it(slack: SlackServer, streaming: SlackBridge) -> None:
    root = await slack.say(GENERAL, "question")
    clock, web = Clock(), streaming._web
    place = Thread(TEAM, GENERAL, root)

    def edited(message: MessageId | None, shown: str | None) -> SlackSurface:
        return SlackSurface(web, place, "k1", message, shown=shown)

    streams = Streams(web, Askers(web), clock)
    surface = StreamSurface(streams, place, "k1", None, MessageId(root), edited)
    await surface.grow(growing("One"))
    clock.now = LIFE - 1
    await surface.grow(growing("One two"))
    clock.now = LIFE + 1
    assert surface.call(growing("One two three")) == "close"
    await surface.grow(growing("One two three"))
    assert surface.call(growing("One two three")) == "edit"
    await surface.grow(growing("One two three"))
    await surface.show("One two three four.", final=True)
    assert names(slack) == ["startStream", "appendStream", "stopStream", "update", "update"]
    assert [view.text for view in ours(slack)] == ["One two three four."]


async def test_an_answer_that_slack_shows_otherwise_is_written_by_an_edit(
    slack: SlackServer, streaming: SlackBridge
) -> None:
    """What the end of a stream answers is looked at: a server that dropped an append is found out."""
    root = await slack.say(GENERAL, "question")
    surface = await tell(streaming, root, SIMPLE[:-1])
    post = slack.world.posts[GENERAL][str(surface.message)]
    post.text, post.blocks = "One", [{"type": "markdown", "text": "One"}]
    await show(streaming, thread(root), "k1", surface, SIMPLE[-1])
    assert names(slack)[-2:] == ["stopStream", "update"]
    assert [view.text for view in ours(slack)] == ["One two three."]


async def test_an_empty_end_takes_the_stream_away(slack: SlackServer, streaming: SlackBridge) -> None:
    root = await slack.say(GENERAL, "question")
    surface = await tell(streaming, root, [growing("One")])
    await surface.show("", final=True)
    await surface.show("", final=True)
    assert surface.message is None
    assert ours(slack) == []


async def test_somebody_took_the_stream_away(slack: SlackServer, streaming: SlackBridge) -> None:
    root = await slack.say(GENERAL, "question")
    surface = await tell(streaming, root, [growing("One")])
    await slack.delete(GENERAL, str(surface.message))
    for wanted in (growing("One two"), final("One two.")):
        with pytest.raises(MessageMissing):
            await step(surface, wanted)


# --- what goes wrong --------------------------------------------------------------------------------------------

WAYS: dict[str, dict[str, Any]] = {
    "refused": {"kind": "status", "error": "some_new_refusal"},
    "not streaming": {"kind": "status", "error": "message_not_in_streaming_state"},
    "too long": {"kind": "status", "error": "msg_too_long"},
    "slow down": {"kind": "status", "status": 429, "retry_after": 1},
    "slow down for long": {"kind": "status", "status": 429, "retry_after": 60},
    "fault": {"kind": "status", "status": 500},
    "lost before": {"kind": "drop"},
    "lost after": {"kind": "lost"},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("times", [1, 2])
async def test_whatever_call_fails_in_whatever_way(
    slack: SlackServer, streaming: SlackBridge, story: str, way: str, times: int
) -> None:
    """Each call of a stream in its turn: the text that stands there in the end is the same, once."""
    slack.limits = None
    told = STORIES[story]
    number = 0
    while True:
        slack.faults.clear()
        fault = Fault(STREAM, skip=number, times=times, **WAYS[way])
        slack.faults.add(fault)
        async with SlackBridge(settings(slack)) as bridge:  # each knows nothing of what was refused before
            root = await slack.say(GENERAL, f"question {number}")
            await tell(bridge, root, told)
        views = [(view.text, view.draft) for view in ours(slack) if view.parent == root]
        assert views == [(told[-1].text.replace("*", ""), False)], f"call {number}"
        if fault in slack.faults.waiting and fault.skip:
            break
        number += 1
    assert number >= 3


@pytest.mark.parametrize("performed", [False, True], ids=["not performed", "performed"])
@pytest.mark.parametrize("known", [False, True], ids=["not recorded", "recorded"])
@pytest.mark.parametrize("story", STORIES)
async def test_a_process_killed_at_whatever_call(slack: SlackServer, story: str, performed: bool, known: bool) -> None:
    """What it began is found and finished by the next, whether its id had been recorded or not."""
    slack.limits = None
    told = STORIES[story]
    number = 0
    while True:
        slack.faults.clear()
        fault = Fault("chat.*", "lost" if performed else "drop", skip=number)
        slack.faults.add(fault)
        root = await slack.say(GENERAL, f"question {number}")
        recorded: MessageId | None = None
        async with SlackBridge(settings(slack)) as killed:
            surface = killed.open(thread(root), "k1", reply_to=MessageId(root))
            try:
                for wanted in told:
                    while surface.shown != wanted.text:
                        await step(surface, wanted)
                        recorded = surface.message
            except PlatformUnavailable:
                pass
            else:
                break
        async with SlackBridge(settings(slack)) as second:
            if recorded is None or not known:
                recorded = await second.find(thread(root), "k1")
            surface = second.open(thread(root), "k1", recorded, reply_to=MessageId(root))
            for wanted in (growing("Once more"), final("Once more, whole.")):
                surface = await show(second, thread(root), "k1", surface, wanted)
        views = [(view.text, view.draft) for view in ours(slack) if view.parent == root]
        assert views == [("Once more, whole.", False)], f"call {number}"
        number += 1
    assert number >= 3


async def test_an_earlier_answer_is_never_taken_for_what_was_left_open(slack: SlackServer) -> None:
    """Even where the server keeps no metadata of it."""
    root = await slack.say(GENERAL, "question")
    async with SlackBridge(settings(slack)) as bridge:
        surface = await tell(bridge, root, SIMPLE)
        slack.world.posts[GENERAL][str(surface.message)].metadata = None
        assert await bridge.find(thread(root), "k2") is None


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault("chat.startStream", "status", error="unknown_method"), "unknown_method"),
        (Fault("chat.startStream", "status", error="missing_scope"), "missing_scope"),
        (Fault("chat.startStream", "status", status=404), "status 404"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_the_workspace_refuses_is_remembered_and_told_once(
    slack: SlackServer, streaming: SlackBridge, caplog: pytest.LogCaptureFixture, fault: Fault, told: str
) -> None:
    caplog.set_level(logging.INFO, "bridges.slack")
    slack.faults.add(replace(fault))
    for channel in (GENERAL, GENERAL, DIRECT):
        root = await slack.say(channel, "question")
        await tell(streaming, root, SIMPLE, channel)
    assert len(calls(slack, "chat.startStream")) == 1
    assert [one.getMessage() for one in caplog.records if "streams" in one.getMessage()] == [
        f"no native streams in Slack ({told}): answers grow by edits there"
    ]


async def test_what_a_channel_refuses_is_remembered_for_it_alone(slack: SlackServer, streaming: SlackBridge) -> None:
    slack.faults.add(Fault("chat.startStream", "status", error="channel_type_not_supported"))
    for channel in (GENERAL, GENERAL, DIRECT):
        root = await slack.say(channel, "question")
        await tell(streaming, root, SIMPLE, channel)
    assert [one["channel"] for one in calls(slack, "chat.startStream")] == [GENERAL, DIRECT]


async def test_what_concerns_one_question_is_not_remembered(slack: SlackServer, streaming: SlackBridge) -> None:
    slack.faults.add(Fault("chat.startStream", "status", error="user_not_found"))
    for _ in range(2):
        root = await slack.say(GENERAL, "question")
        await tell(streaming, root, SIMPLE)
    assert [name for name in names(slack) if name != "update"] == [
        "startStream",
        "postMessage",
        "startStream",
        "appendStream",
        "stopStream",
    ]


async def test_no_more_streams_than_their_calls_allow(slack: SlackServer, streaming: SlackBridge) -> None:
    """The real limits, 20 starts and 20 ends a minute, never refuse anything; beyond a few at once there are edits."""
    surfaces = []
    for number in range(MOST + 2):
        root = await slack.say(DIRECT, str(number))
        surface = streaming.open(thread(root, DIRECT), "k1", reply_to=MessageId(root))
        await step(surface, growing("One"))
        surfaces.append(surface)
    assert names(slack) == ["startStream"] * MOST + ["postMessage"] * 2
    for surface in surfaces:
        await surface.show("One two.", final=True)
    for number in range(BEGUN_A_MINUTE):
        root = await slack.say(DIRECT, str(number))
        surface = streaming.open(thread(root, DIRECT), "k1", reply_to=MessageId(root))
        await step(surface, growing("One"))
        await surface.show("One two.", final=True)
        if number == 3:
            slack.limits = None  # those of posting one's are not meant here
    assert names(slack).count("startStream") == names(slack).count("stopStream") == BEGUN_A_MINUTE


async def test_the_rest_is_shown_while_the_end_has_to_wait(slack: SlackServer, streaming: SlackBridge) -> None:
    root = await slack.say(GENERAL, "question")
    surface = await tell(streaming, root, SIMPLE[:-1])
    slack.faults.add(Fault("chat.stopStream", "status", status=429, retry_after=60))
    with pytest.raises(SlowDown) as refusal:
        await surface.show(SIMPLE[-1].text, final=True)
    assert refusal.value.budget == f"slack:{TEAM}:chat.stopStream"
    assert isinstance(surface, StreamSurface)
    assert surface.call(SIMPLE[-1]) == "append"
    await surface.show(SIMPLE[-1].text, final=True)
    assert [(view.text, view.draft) for view in ours(slack)] == [("One two three.", True)]
    assert surface.call(SIMPLE[-1]) == "close"
    await surface.show(SIMPLE[-1].text, final=True)
    assert [(view.text, view.draft) for view in ours(slack)] == [("One two three.", False)]


@pytest.mark.parametrize("text", ["<!channel> all", "<@U0BOBMOSS1> you", "a <!here>"])
async def test_nobody_is_notified_by_what_the_assistant_writes(
    slack: SlackServer, streaming: SlackBridge, text: str
) -> None:
    root = await slack.say(GENERAL, "question")
    story = [growing(text[:end]) for end in range(1, len(text))]
    await tell(streaming, root, [*story, final(text)])
    assert not [one for one in slack.feed.past if one.kind == "ping"]
    assert [view.text.replace("\u2060", "") for view in ours(slack)] == [text]
