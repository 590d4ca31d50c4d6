"""What an operator does is on the record, and whoever has the thread carries it out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine

from core.banning import Bans
from core.database import opened
from core.errors import ThreadbridgeError
from core.model import Done, Opened, Text, ThreadId
from core.operating import Operating, by_operator
from core.reading import Paging, Reading, Sought
from core.settings import Access
from core.tables import State
from tests.core.conftest import Harness, Start, turns_of
from tests.fakes import FakeUpstream


@pytest.fixture
async def engine(url: URL) -> AsyncIterator[AsyncEngine]:
    async with opened(url) as found:
        yield found


def operating(engine: AsyncEngine, harness: Harness) -> Operating:
    return Operating(engine, harness.relay.scheduler)


async def newest(engine: AsyncEngine) -> int:
    found = await Reading(engine).conversations(Sought(), Paging())
    id = found.items[0].conversation.id
    assert id is not None
    return id


async def test_retry_asks_again_in_the_same_thread_and_answers_no_message(start: Start, engine: AsyncEngine) -> None:
    upstream = FakeUpstream([Opened("up"), Text("An answer"), Done()])
    async with start(upstream) as harness:
        await harness.say("How high is it?")
        await harness.settled()
        turn = await operating(engine, harness).command(await newest(engine), "retry")
        [_, again] = await harness.settled()
        assert (again.id, again.state, again.author, again.prompt) == (turn, "answered", "u1", "How high is it?")
        assert by_operator(again)
        assert [prompt.text for prompt in upstream.prompts] == ["How high is it?"] * 2


async def test_new_begins_another_conversation(start: Start, engine: AsyncEngine) -> None:
    upstream = FakeUpstream([Opened("first"), Text("1"), Done()], [Opened("second"), Text("2"), Done()])
    async with start(upstream) as harness:
        await harness.say()
        await harness.settled()
        await operating(engine, harness).command(await newest(engine), "new")
        await harness.settled()
        await harness.say()
        await harness.settled()
        assert [prompt.conversation_id for prompt in upstream.prompts] == [None, None]


async def test_rebind_goes_on_in_the_conversation_that_was_named(start: Start, engine: AsyncEngine) -> None:
    upstream = FakeUpstream([Opened("first"), Text("1"), Done()])
    async with start(upstream) as harness:
        await harness.say()
        await harness.settled()
        await operating(engine, harness).rebind(await newest(engine), "main", "another")
        await harness.say("Where were we?")
        await harness.settled()
        assert (upstream.prompts[-1].conversation_id, upstream.prompts[-1].history) == ("another", ())


async def test_stop_ends_what_is_being_answered(start: Start, engine: AsyncEngine) -> None:
    upstream = FakeUpstream([Text("The beginning"), asyncio.Event()])
    async with start(upstream) as harness:
        await harness.say()
        await upstream.asked.wait()
        await harness.bridge.until(lambda: "The beginning" in str(harness.relay.relay.said(1)))
        await operating(engine, harness).stop(1)
        [turn] = await harness.settled()
        assert (turn.state, turn.reply) == ("stopped", "The beginning")
        assert harness.relay.relay.said(1) is None
        with pytest.raises(ThreadbridgeError, match="nothing to stop"):
            await operating(engine, harness).stop(1)


async def test_what_there_is_not_is_one_sentence(start: Start, engine: AsyncEngine) -> None:
    async with start(FakeUpstream([Done()])) as harness:
        with pytest.raises(ThreadbridgeError, match="Nothing was said"):
            await operating(engine, harness).command(99, "retry")
        with pytest.raises(ThreadbridgeError, match="no such conversation"):
            await operating(engine, harness).rebind(99, "main", "x")


@pytest.mark.parametrize("access", [Access(policy="open"), Access(policy="open", operators=("u1",))])
async def test_a_ban_works_at_once_and_until_it_is_lifted(start: Start, engine: AsyncEngine, access: Access) -> None:
    upstream = FakeUpstream([Text("An answer"), Done()])
    bans = Bans(engine)
    async with start(upstream, access=access) as harness:
        await harness.say()
        await harness.settled()
        assert await bans.ban("fake", "u1") == []
        assert await bans.ban("fake", "u1") == []
        assert [(one.author, one.author_name) for one in await bans.banned()] == [("u1", "Ann")]
        refused = await harness.say("And now?")
        await harness.relay.accept(refused)
        await harness.say("Others are answered", author="u2", thread=ThreadId("fake:harbour:2"))
        turns = await harness.settled()
        assert [turn.author for turn in turns] == ["u1", "u2"]
        assert await bans.lift("fake", "u1")
        assert not await bans.lift("fake", "u1")
        await harness.relay.accept(refused)
        await harness.say("Hello again")
        assert [turn.prompt for turn in await harness.settled()][2:] == ["Hello again"]


async def test_a_ban_stops_what_is_open(start: Start, engine: AsyncEngine) -> None:
    upstream = FakeUpstream([Text("The beginning"), asyncio.Event()])
    async with start(upstream) as harness:
        await harness.say()
        await harness.say()
        await upstream.asked.wait()
        stopped = await Bans(engine).ban("fake", "u1")
        assert len(stopped) == 2
        for turn in stopped:
            operating(engine, harness).stopped(turn)
        assert {turn.state for turn in await harness.settled()} == {State.STOPPED}
        assert len(await turns_of(harness.store)) == 2
