"""Several workers on one PostgreSQL: every turn is answered once and in order, whoever dies, freezes or is cut off."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from sqlalchemy import URL

from core.answering import Assistant
from core.database import libpq, opened, parse
from core.inbox import Inbox
from core.lease import Lease, clock
from core.model import Done, Message, MessageId, Opened, Text, ThreadId
from core.queue import JobQueue
from core.relay import Relay, Route
from core.settings import Access, Relaying
from core.store import Store
from core.tables import OPEN, State, Turn
from core.worker import Worker
from tests.core.conftest import turns_of
from tests.cut import Way, way_to
from tests.fakes import FakeBridge, FakeUpstream
from tests.messages import THREAD, message
from tests.postgresql import copied

QUICK, PATIENT = 1.5, 60.0
"""Seconds after which a worker is taken for dead: where that is what is waited for, and where it must not happen."""
_numbers = itertools.count()
HELLO = (Opened("c-1"), Text("Hello"), Text(" Ann."), Done())


@pytest.fixture
def url(postgresql: str) -> URL:
    return parse(copied(postgresql, f"worker_{next(_numbers)}"))


@dataclass
class Running:
    """One worker in this process, with its own way to the database."""

    way: Way
    upstream: FakeUpstream
    relay: Relay
    lease: Lease
    task: asyncio.Task[None]
    stop: asyncio.Event


@dataclass
class Site:
    """One platform, one database, any number of listeners and workers."""

    url: URL
    bridge: FakeBridge
    store: Store
    inbox: Inbox
    stack: AsyncExitStack
    workers: list[Running] = field(default_factory=list)

    async def work(
        self,
        upstream: FakeUpstream,
        *,
        stalled_after: float = QUICK,
        away_until: Callable[[], object] | None = None,
        **settings: Any,
    ) -> Running:
        """`away_until`: when it begins the database is away, until this is so."""
        way = await self.stack.enter_async_context(way_to(self.url))
        store = Store(await self.stack.enter_async_context(opened(way.url)))
        relaying = Relaying(**{"drain_within": 5, **settings})
        lease, stop = Lease(stalled_after), asyncio.Event()
        routes = {"fake": Route(self.bridge, (Assistant(upstream, 20, 48_000),))}
        relay = Relay(store, routes, relaying, held=lambda: lease.held(clock()))
        if away_until is not None:
            way.cut()
        task = asyncio.create_task(Worker(way.url, relay, relaying, lease).run(stop))
        running = Running(way, upstream, relay, lease, task, stop)
        self.stack.push_async_callback(self._end, running)
        self.workers.append(running)
        if away_until is not None:
            await until(lambda: away_until() or task.done())
            way.mend()
        await until(lambda: lease.held(clock()) or task.done())
        return running

    async def _end(self, running: Running) -> None:
        running.way.mend()
        running.task.cancel()
        await asyncio.gather(running.task, return_exceptions=True)

    async def say(self, text: str = "Hello", **changed: Any) -> Message:
        one = message(text, **changed)
        await self.inbox.accept("fake", one)
        return one

    async def settled(self) -> list[Turn]:
        async with asyncio.timeout(40):
            while True:
                turns = await turns_of(self.store)
                if not any(turn.state in OPEN for turn in turns):
                    return turns
                await asyncio.sleep(0.02)

    def jobs(self) -> int:
        with psycopg.connect(libpq(self.url), autocommit=True) as connection:
            return len(connection.execute("SELECT id FROM procrastinate_jobs").fetchall())


async def until(condition: Callable[[], object], within: float = 40.0) -> None:
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - a database, and another's lease, tell nobody
            await asyncio.sleep(0.01)


@pytest.fixture
async def site(url: URL) -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        store = Store(await stack.enter_async_context(opened(url)))
        inbox = Inbox(store, {"fake": Access(policy="open")}, Relaying(), JobQueue())
        yield Site(url, FakeBridge(), store, inbox, stack)


async def test_a_message_is_answered_and_leaves_no_job(site: Site) -> None:
    await site.work(FakeUpstream(HELLO))
    await site.say()
    [turn] = await site.settled()
    assert (turn.state, turn.attempt) == (State.ANSWERED, 1)
    assert site.bridge.texts() == ["Hello Ann."]
    await until(lambda: site.jobs() == 0)


async def test_threads_are_answered_in_order_and_without_overlap_by_any_of_the_workers(site: Site) -> None:
    upstreams = [FakeUpstream(HELLO), FakeUpstream(HELLO)]
    for upstream in upstreams:
        await site.work(upstream, stalled_after=PATIENT)
    threads = [ThreadId(f"fake:{number}") for number in range(20)]
    await asyncio.gather(*(site.say(f"{n}", thread=thread) for n in range(5) for thread in threads))
    turns = await site.settled()
    assert len(turns) == 100
    assert {(turn.state, turn.attempt) for turn in turns} == {(State.ANSWERED, 1)}
    assert len(site.bridge.messages) == 100
    for thread in threads:
        mine = sorted((turn for turn in turns if turn.thread == thread), key=lambda turn: turn.id or 0)
        for one, next_one in itertools.pairwise(mine):
            assert one.ended_at is not None
            assert next_one.started_at is not None
            assert one.ended_at <= next_one.started_at
    assert sum(len(upstream.prompts) for upstream in upstreams) == 100
    assert all(upstream.prompts for upstream in upstreams)
    await until(lambda: site.jobs() == 0)


async def test_another_worker_takes_over_from_one_that_is_cut_off_which_shows_nothing_more(site: Site) -> None:
    """The one that is cut off has the platform and the upstream still, and goes on hearing from it."""
    go = asyncio.Event()
    first = await site.work(FakeUpstream((Opened("c-1"), Text("Half an ans"), go, Text("wer of the first."), Done())))
    await site.say()
    await site.bridge.until(lambda: site.bridge.texts() == ["Half an ans"])
    await until(lambda: first.lease.settled(clock()))
    second = await site.work(FakeUpstream((Text("The whole answer."), Done())))
    first.way.hold()
    await until(lambda: not first.lease.held(clock()))
    go.set()
    [turn] = await site.settled()
    assert (turn.state, turn.attempt, turn.crashes, turn.reply) == (State.ANSWERED, 2, 1, "The whole answer.")
    assert second.upstream.prompts[0].conversation_id == "c-1"
    first.way.mend()
    await until(lambda: first.lease.held(clock()))  # it begins anew, as a newcomer
    assert site.bridge.texts() == ["The whole answer."]
    assert not [text for text in site.bridge.messages[0].history if "first" in text]


async def test_a_short_absence_of_the_database_ends_no_turn(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    go = asyncio.Event()
    worker = await site.work(
        FakeUpstream((Opened("c-1"), Text("One"), go, Text(" two."), Done()), HELLO), stalled_after=PATIENT
    )
    await site.say()
    await site.bridge.until(lambda: site.bridge.texts() == ["One"])
    worker.way.cut()
    await until(lambda: caplog.text.count("The heartbeat did not reach the database") > 1)
    worker.way.mend()
    go.set()
    [turn] = await site.settled()
    assert (turn.state, turn.attempt) == (State.ANSWERED, 1)
    await site.say("And now?")
    await site.settled()
    assert site.bridge.texts() == ["One two.", "Hello Ann."]


async def test_a_worker_that_finds_the_database_gone_as_it_begins_waits_for_it(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """It was there a moment ago, when its schema was looked at."""
    await site.say()
    worker = await site.work(FakeUpstream(HELLO), away_until=lambda: "went away as this worker began" in caplog.text)
    assert not worker.task.done()
    [turn] = await site.settled()
    assert turn.state == State.ANSWERED


async def test_a_stop_reaches_the_worker_that_has_the_turn(site: Site) -> None:
    never = asyncio.Event()
    await site.work(FakeUpstream((Text("So far"), never), HELLO))
    await site.say()
    await site.bridge.until(lambda: site.bridge.texts() == ["So far"])
    await site.say("next")
    began = asyncio.get_running_loop().time()
    await site.say("", command="stop")
    await site.bridge.until(lambda: "Stopped" in site.bridge.texts()[0])
    assert asyncio.get_running_loop().time() - began < 5
    turns = await site.settled()
    assert [turn.state for turn in turns] == [State.STOPPED, State.ANSWERED, State.ANSWERED]


async def test_a_worker_that_is_told_to_stop_leaves_what_is_unfinished_to_the_others(site: Site) -> None:
    never = asyncio.Event()
    first = await site.work(FakeUpstream((Opened("c-1"), Text("Half"), never)), drain_within=0.1)
    await site.say()
    await site.say("second")
    await site.bridge.until(lambda: site.bridge.texts() == ["Half"])
    first.stop.set()
    await site.work(FakeUpstream(HELLO))
    turns = await site.settled()
    await first.task
    assert [(turn.state, turn.attempt, turn.crashes) for turn in turns] == [
        (State.ANSWERED, 2, 0),
        (State.ANSWERED, 1, 0),
    ]
    assert site.bridge.texts() == ["Hello Ann.", "Hello Ann."]


async def test_what_was_recorded_while_no_worker_was_there_is_answered(site: Site) -> None:
    for number in range(3):
        await site.say(f"{number}")
    await site.work(FakeUpstream(HELLO))
    turns = await site.settled()
    assert [turn.state for turn in turns] == [State.ANSWERED] * 3


async def test_open_turns_without_a_job_get_one(site: Site) -> None:
    """Whatever it was that left them so."""
    await site.store.record("fake", message())
    await site.store.record("fake", message(id=MessageId("m-2"), thread=ThreadId("fake:other")))
    await site.store.claim(THREAD)
    assert site.jobs() == 0
    await site.work(FakeUpstream(HELLO))
    turns = await site.settled()
    assert [turn.state for turn in turns] == [State.ANSWERED] * 2


async def test_a_worker_that_others_took_for_dead_drops_what_it_has(site: Site) -> None:
    never = asyncio.Event()
    worker = await site.work(FakeUpstream((Text("Mine"), never), HELLO))
    await site.say()
    await site.bridge.until(lambda: site.bridge.texts() == ["Mine"])
    with psycopg.connect(libpq(site.url), autocommit=True) as connection:
        connection.execute("DELETE FROM procrastinate_workers")
    [turn] = await site.settled()
    assert (turn.state, turn.attempt) == (State.ANSWERED, 2)
    assert worker.upstream.abandoned == 1
    assert site.bridge.texts() == ["Hello Ann."]
