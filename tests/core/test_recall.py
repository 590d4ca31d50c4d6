"""What was asked and not heard to its end: shown from the upstream's own record where it has one, never asked twice.

The real adapters against the stand-ins of their systems, on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from core.errors import AnswerInterrupted
from core.model import Done, Prompt, Text, ThreadId
from core.tables import State
from core.upstream.http import AMBIGUOUS
from sandbox.faults import Fault
from sandbox.faults import Kind as Trouble
from sandbox.upstream import UpstreamServer
from sandbox.upstream.mygptassistants_stream import IdIn
from tests.core.conftest import Start
from tests.core.upstream.standing import SENT, make
from tests.fakes import FakeBridge, FakeUpstream
from tests.messages import THREAD, message

RECALLING = ["gptbots", "mygptassistants"]
QUESTION = "Please tell me a long story"


@pytest.fixture
async def server() -> AsyncIterator[UpstreamServer]:
    async with UpstreamServer() as server:
        server.finishes_abandoned = True
        yield server


def questions(server: UpstreamServer) -> list[str]:
    """All that was asked, in whatever conversation."""
    return [said.text for one in server.conversations for said in one.messages if said.role == "user"]


def answers(server: UpstreamServer) -> list[str]:
    return [said.text for one in server.conversations for said in one.messages if said.role == "assistant"]


def never_asked() -> FakeUpstream:
    return FakeUpstream((AssertionError("the backup was asked"),), name="second")


def bridge() -> FakeBridge:
    return FakeBridge(limit=100_000)


async def cut_off(start: Start, server: UpstreamServer, kind: str, platform: FakeBridge) -> None:
    """A run that ends while an answer is being written, of which something is shown."""
    async with make(server, kind) as upstream:
        server.hold_after = 5
        async with start(upstream, platform, drain_within=0) as run:
            await run.say(QUESTION)
            await platform.until(lambda: any(platform.texts()))
        await server.feed.until(lambda: [one for one in server.feed.past if one.kind == "abandoned"])


# --- after a stop or a crash ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("id_in", ["first", "last", "nothing"])
@pytest.mark.parametrize("kind", RECALLING)
async def test_an_answer_that_was_finished_meanwhile_is_shown(
    start: Start, server: UpstreamServer, kind: str, id_in: IdIn
) -> None:
    server.mygptassistants.id_in = id_in
    platform = bridge()
    await cut_off(start, server, kind, platform)
    server.hold_after = None
    await server.feed.until(lambda: answers(server))
    async with make(server, kind) as upstream, start(upstream, platform) as run:
        [turn] = await run.settled()
        assert questions(server) == [QUESTION]
        assert platform.texts() == answers(server)
        assert (turn.state, turn.reply, turn.attempt) == (State.ANSWERED, answers(server)[0], 2)
        assert len(platform.messages[0].history) > 1, "the message of the earlier run is the one"
        await run.say("And then?")
        await run.settled()
        if kind == "gptbots" or id_in == "first":
            assert [one.turns for one in server.conversations] == [2]
        else:  # one that was only found in the list is not gone on with: what was said in it goes with the next prompt
            assert [one.turns for one in server.conversations] == [1, 1]
            assert QUESTION in questions(server)[-1]


@pytest.mark.parametrize("kind", RECALLING)
async def test_an_answer_that_is_still_being_written_is_waited_for(
    start: Start, server: UpstreamServer, kind: str
) -> None:
    server.mygptassistants.id_in = "first"
    platform = bridge()
    await cut_off(start, server, kind, platform)

    async def wait(_: float) -> None:
        server.hold_after = None
        await server.feed.until(lambda: answers(server))

    async with make(server, kind, sleep=wait) as upstream, start(upstream, platform) as run:
        await run.settled()
        assert questions(server) == [QUESTION]
        assert platform.texts() == answers(server)


@pytest.mark.parametrize("kind", ["gptbots", "mygptassistants", "goapi", "openai"])
async def test_an_answer_that_never_comes_is_asked_for_again(start: Start, server: UpstreamServer, kind: str) -> None:
    server.mygptassistants.id_in = "first"
    server.finishes_abandoned = False
    platform = bridge()
    await cut_off(start, server, kind, platform)
    server.hold_after = None
    async with make(server, kind) as upstream, start(upstream, platform) as run:
        [turn] = await run.settled()
        assert turn.state == State.ANSWERED
        assert len(platform.texts()) == 1
        if kind != "openai":
            assert questions(server) == [QUESTION, QUESTION]
            assert platform.texts() == answers(server)


@pytest.mark.parametrize("kind", RECALLING)
async def test_the_answer_to_the_same_question_asked_before_is_not_taken_for_this_ones(
    start: Start, server: UpstreamServer, kind: str
) -> None:
    platform = bridge()
    async with make(server, kind) as upstream, start(upstream, platform) as run:
        await run.say("Which message is this?")
        await run.settled()
        again = message("Which message is this?")
        await run.store.record("fake", again)
        claimed = await run.store.claim(THREAD)  # by a runner that dies before it asks
        await run.store.conversations.of(claimed, "main")
    async with make(server, kind) as upstream, start(upstream, platform) as run:
        await run.settled()
    assert platform.texts() == [
        "This is message 1 of our conversation.",
        "This is message 2 of our conversation.",
    ]


async def test_what_the_backup_was_asked_is_recalled_from_the_backup(start: Start, server: UpstreamServer) -> None:
    server.hold_after = 5
    platform, away = bridge(), Fault("goapi.*", "status", status=401, times=9)
    server.faults.add(away)
    main, second = make(server, "goapi"), make(server, "gptbots", name="second")
    async with main, second:
        async with start(main, platform, backups=(second,), drain_within=0, announce_backup=True) as run:
            await run.say(QUESTION)
            await platform.until(lambda: any(platform.texts()))
        server.hold_after = None
        await server.feed.until(lambda: answers(server))
        server.faults.clear()
        async with start(main, platform, backups=(second,), announce_backup=True) as run:
            [turn] = await run.settled()
    assert questions(server) == [QUESTION]
    assert turn.reply == answers(server)[0]
    assert platform.texts() == [f"{turn.reply}\n\n*Answered by second, because main is unavailable.*"]


# --- the conversation that nobody named -----------------------------------------------------------------------------


async def test_two_that_began_alike_are_not_mixed_up(start: Start, server: UpstreamServer) -> None:
    """Neither of two conversations in the list is taken when both may be it: the question is asked again."""
    server.mygptassistants.id_in = "last"
    platform = bridge()
    await cut_off(start, server, "mygptassistants", platform)
    server.hold_after = None
    async with make(server, "mygptassistants") as stranger:
        async for _ in stranger.stream(Prompt(QUESTION, "stranger")):
            pass
    async with make(server, "mygptassistants") as upstream, start(upstream, platform) as run:
        await run.settled()
    assert questions(server) == [QUESTION] * 3


async def test_a_conversation_of_another_thread_is_not_taken(start: Start, server: UpstreamServer) -> None:
    server.mygptassistants.id_in = "last"
    platform = bridge()
    async with make(server, "mygptassistants") as upstream, start(upstream, platform) as run:
        await run.say(QUESTION, thread=ThreadId("fake:harbour:2"))
        await run.settled()
        await run.store.record("fake", message(QUESTION))
        claimed = await run.store.claim(THREAD)  # by a runner that dies before it asks
        await run.store.conversations.of(claimed, "main")
    async with make(server, "mygptassistants") as upstream, start(upstream, platform) as run:
        await run.settled()
    assert questions(server) == [QUESTION] * 2


# --- when the connection is lost ------------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", ["lost", "break", "cut", "garbage"])
@pytest.mark.parametrize("kind", RECALLING)
async def test_what_was_answered_and_not_heard_is_shown_whole(
    start: Start, server: UpstreamServer, kind: str, trouble: Trouble
) -> None:
    platform = bridge()
    async with make(server, kind) as upstream, start(upstream, platform, backups=(never_asked(),)) as run:
        await run.say("Hello")
        await run.settled()
        server.faults.add(Fault(SENT[kind], trouble, words=5))
        await run.say(QUESTION)
        _, turn = await run.settled()
        assert (turn.state, turn.error) == (State.ANSWERED, None)
        assert questions(server) == ["Hello", QUESTION]
        assert platform.texts() == answers(server)


async def test_also_where_an_answer_comes_in_one_piece(start: Start, server: UpstreamServer) -> None:
    platform = bridge()
    async with make(server, "gptbots", response_mode="blocking") as upstream, start(upstream, platform) as run:
        for trouble in ("lost", "break", "cut"):
            server.faults.add(Fault("gptbots.message", trouble))
            await run.say(f"{QUESTION} with {trouble}")
            await run.settled()
        assert platform.texts() == answers(server)
        assert len(questions(server)) == 3


@pytest.mark.parametrize("kind", RECALLING)
async def test_what_never_arrived_is_the_backups_to_answer(start: Start, server: UpstreamServer, kind: str) -> None:
    platform, backup = bridge(), FakeUpstream((Text("from second"), Done()), name="second")
    async with make(server, kind) as upstream, start(upstream, platform, backups=(backup,)) as run:
        server.faults.add(Fault(SENT[kind], "drop"))
        await run.say(QUESTION)
        await run.settled()
    assert platform.texts() == ["from second"]


@pytest.mark.parametrize("kind", ["gptbots", "mygptassistants", "goapi", "openai"])
async def test_what_never_arrived_is_said(start: Start, server: UpstreamServer, kind: str) -> None:
    platform = bridge()
    async with make(server, kind) as upstream, start(upstream, platform) as run:
        server.faults.add(Fault(SENT[kind], "drop"))
        await run.say(QUESTION)
        [turn] = await run.settled()
    assert (turn.state, turn.error) == (State.FAILED, AMBIGUOUS)
    assert platform.texts() == [f"⚠️ {AMBIGUOUS}"]


@pytest.mark.parametrize(
    ("kind", "trouble"),
    [("gptbots", "error"), ("mygptassistants", "error"), ("goapi", "break"), ("openai", "break")],
)
async def test_half_an_answer_without_a_record_stays_marked_and_nobody_else_goes_on(
    start: Start, server: UpstreamServer, kind: str, trouble: Trouble
) -> None:
    platform = bridge()
    async with make(server, kind) as upstream, start(upstream, platform, backups=(never_asked(),)) as run:
        server.faults.add(Fault(SENT[kind], trouble, words=5))
        await run.say(QUESTION)
        [turn] = await run.settled()
    assert turn.state == State.FAILED
    assert turn.reply
    assert platform.texts() == [f"{turn.reply.rstrip()}\n\n⚠️ {AnswerInterrupted().sentence}"]
    assert "**retry**" in platform.texts()[0]


async def test_a_record_that_cannot_be_read_is_as_none(start: Start, server: UpstreamServer) -> None:
    platform = bridge()
    async with make(server, "gptbots", retries=0) as upstream, start(upstream, platform) as run:
        server.faults.add(Fault("gptbots.message", "break", words=5))
        server.faults.add(Fault("gptbots.history", "status", status=500))
        await run.say(QUESTION)
        [turn] = await run.settled()
    assert (turn.state, turn.error) == (State.FAILED, AnswerInterrupted().sentence)
