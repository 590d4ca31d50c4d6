"""Keeping bridges listening: one that fails comes back, one that never can is left, and none stops another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from time import monotonic

import pytest

from bridges.listeners import Listeners
from core.bridge import Accept, Recollect
from core.errors import ConfigError
from core.inbox import Inbox
from core.model import Message
from core.observing import Accepted, Happening, Heard, ids
from core.scheduler import LocalScheduler
from core.settings import Access, Relaying
from core.store import Store
from tests import virtual_time
from tests.fakes import FakeBridge
from tests.messages import message

REVOKED = ConfigError("The token was revoked.")


class Ear(FakeBridge):
    """Listens as `script` says, one step for each time that it is started; the last again and again."""

    def __init__(self, name: str, *script: Callable[[Accept], Awaitable[None]]) -> None:
        super().__init__()
        self.name = name
        self._script = script
        self.starts: list[float] = []

    async def listen(self, accept: Accept, recollect: Recollect) -> None:
        step = self._script[min(len(self.starts), len(self._script) - 1)]
        self.starts.append(asyncio.get_running_loop().time())
        await step(accept)


async def for_ever(_: Accept) -> None:
    await asyncio.Event().wait()


async def fail(_: Accept) -> None:
    raise OSError("the network is away")


async def never(_: Accept) -> None:
    raise REVOKED


class NoInbox(Inbox):
    def __init__(self) -> None:
        self.taken: list[tuple[Message, object]] = []

    async def accept(self, bridge: str, message: Message) -> None:
        self.taken.append((message, ids().get("thread_id")))


@asynccontextmanager
async def running(*bridges: Ear, observe: Callable[[Happening], None] = lambda _: None) -> AsyncIterator[Listeners]:
    listeners = Listeners({bridge.name: bridge for bridge in bridges}, NoInbox(), observe)
    stop = asyncio.Event()
    task = asyncio.create_task(listeners.run(stop))
    try:
        yield listeners
    finally:
        stop.set()
        await asyncio.gather(task, return_exceptions=True)


def test_one_that_fails_is_started_again_ever_more_seldom_and_stops_no_other() -> None:
    async def story() -> None:
        ill, well = Ear("ill", fail), Ear("well", for_ever)
        async with running(ill, well) as listeners:
            await asyncio.sleep(600)
            assert listeners.state()["ill"].trouble == "OSError in its listener"
            assert listeners.state()["well"].trouble is None
        pauses = [round(later - earlier) for earlier, later in zip(ill.starts, ill.starts[1:], strict=False)]
        assert pauses[:8] == [1, 2, 4, 8, 16, 32, 60, 60]
        assert len(well.starts) == 1

    virtual_time.run(story())


def test_one_that_can_never_work_is_reported_and_left() -> None:
    async def story() -> None:
        revoked, well = Ear("revoked", never), Ear("well", for_ever)
        async with running(revoked, well) as listeners:
            await asyncio.sleep(600)
            assert listeners.state()["revoked"].trouble == REVOKED.sentence
            assert listeners.state()["well"].trouble is None
        assert len(revoked.starts) == 1

    virtual_time.run(story())


def test_with_nobody_left_the_program_ends_and_says_why() -> None:
    async def story() -> None:
        listeners = Listeners({"one": Ear("one", never), "two": Ear("two", never)}, NoInbox())
        with pytest.raises(ConfigError, match=r"one: The token was revoked\.; two: The token was revoked\."):
            await listeners.run(asyncio.Event())

    virtual_time.run(story())


def test_one_that_listens_again_is_well_again() -> None:
    async def story() -> None:
        async with running(Ear("ill", fail, for_ever)) as listeners:
            await asyncio.sleep(0.5)
            assert listeners.state()["ill"].trouble is not None
            await asyncio.sleep(1)
            assert listeners.state()["ill"].trouble is None

    virtual_time.run(story())


async def test_what_a_bridge_knows_of_itself_is_told() -> None:
    ear = Ear("ear", for_ever)
    listeners = Listeners({"ear": ear}, NoInbox())
    assert (listeners.state()["ear"].trouble, listeners.state()["ear"].silence) == (None, None)
    ear.unready, ear.heard_at = "another program polls.", monotonic() - 30
    told = listeners.state()["ear"]
    assert told.trouble == "another program polls."
    assert told.silence == pytest.approx(30, abs=10)


async def test_every_message_is_a_sign_and_only_the_recorded_are_turns(store: Store) -> None:
    seen: list[Happening] = []

    class NoRelay:
        closing = True

    scheduler = LocalScheduler(NoRelay(), Relaying())  # type: ignore[arg-type]  # nothing is to be run
    access = Access(policy="list", users=("u1",), denied="silence")
    inbox = Inbox(store, {"ear": access}, Relaying(), scheduler, observe=seen.append)
    done = asyncio.Event()

    async def say(accept: Accept) -> None:
        one = message()
        for said in (one, one, message(author="stranger")):
            await accept(said)
        done.set()
        await asyncio.Event().wait()

    listeners = Listeners({"ear": Ear("ear", say)}, inbox, seen.append)
    stop = asyncio.Event()
    task = asyncio.create_task(listeners.run(stop))
    await done.wait()
    stop.set()
    await task
    assert [type(one) for one in seen] == [Heard, Accepted, Heard, Heard]


async def test_what_is_logged_about_a_message_carries_its_thread() -> None:
    said = message()
    done = asyncio.Event()

    async def say(accept: Accept) -> None:
        await accept(said)
        done.set()
        await asyncio.Event().wait()

    inbox = NoInbox()
    listeners = Listeners({"ear": Ear("ear", say)}, inbox)
    stop = asyncio.Event()
    task = asyncio.create_task(listeners.run(stop))
    await done.wait()
    stop.set()
    await task
    assert inbox.taken == [(said, said.thread)]
