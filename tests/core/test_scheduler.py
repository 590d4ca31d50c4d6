"""Who runs which thread, and when."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, cast

from sqlalchemy.ext.asyncio import AsyncConnection

from core.errors import DatabaseError
from core.model import ThreadId
from core.scheduler import LocalScheduler
from core.settings import Relaying
from core.tables import Turn
from tests.virtual_time import run

A, B, C = ThreadId("fake:a"), ThreadId("fake:b"), ThreadId("fake:c")
connection = cast("AsyncConnection", None)

Drain = Callable[[ThreadId], Coroutine[Any, Any, None]]


class Drained:
    """Stands for the relay."""

    bridges = ("fake",)

    def __init__(self, drain: Drain, left: list[ThreadId]) -> None:
        self._drain = drain
        self.left = left
        self.closing = False
        self.running: set[int] = set()
        self.stopped: list[int] = []
        self.begun: list[Turn | None] = []

    async def recover(self) -> list[ThreadId]:
        return self.left

    async def claim(self, connection: object, thread: ThreadId) -> Turn | None:
        return cast("Turn", f"turn of {thread}")

    async def drain(self, thread: ThreadId, turn: Turn | None = None) -> None:
        self.begun.append(turn)
        await self._drain(thread)

    def stop_turn(self, turn: int) -> None:
        self.stopped.append(turn)

    def share(self, workers: int) -> None: ...


def started(drain: Drain, **settings: int) -> LocalScheduler:
    return LocalScheduler(Drained(drain, []), Relaying(**settings))


def test_a_thread_woken_while_it_is_drained_is_looked_at_once_more() -> None:
    async def main() -> list[str]:
        drained: list[str] = []
        go = asyncio.Event()

        async def drain(thread: ThreadId) -> None:
            drained.append(thread)
            await go.wait()

        scheduler = started(drain)
        scheduler.wake(A)
        await asyncio.sleep(0)
        for _ in range(3):
            scheduler.wake(A)
        assert drained == [A]
        go.set()
        await asyncio.sleep(1)
        assert scheduler.busy == 0
        return drained

    assert run(main()) == [A, A]


def test_a_turn_is_begun_as_it_is_recorded_in_a_thread_that_is_at_rest() -> None:
    async def main() -> None:
        go = asyncio.Event()

        async def drain(_: ThreadId) -> None:
            await go.wait()

        relay = Drained(drain, [])
        scheduler = LocalScheduler(relay, Relaying(concurrency=2))
        turn = await scheduler.enlist(connection, A)
        assert turn is not None
        scheduler.wake(A, turn)
        # before the drainer has begun, and while it runs
        for _ in range(2):
            assert await scheduler.enlist(connection, A) is None
            scheduler.wake(A)
            await asyncio.sleep(0)
        scheduler.wake(B, await scheduler.enlist(connection, B))
        await asyncio.sleep(0)
        assert await scheduler.enlist(connection, C) is None, "there is no place"
        assert relay.begun == [turn, "turn of fake:b"]
        go.set()
        await asyncio.sleep(1)
        assert relay.begun == [turn, "turn of fake:b", None]
        relay.closing = True
        assert await scheduler.enlist(connection, A) is None

    run(main())


def test_a_turn_that_was_begun_too_late_is_left_to_whoever_drains_the_thread() -> None:
    async def main() -> None:
        go = asyncio.Event()

        async def drain(_: ThreadId) -> None:
            await go.wait()

        relay = Drained(drain, [])
        scheduler = LocalScheduler(relay, Relaying())
        turn = await scheduler.enlist(connection, A)
        scheduler.wake(A)
        await asyncio.sleep(0)
        scheduler.wake(A, turn)
        go.set()
        await asyncio.sleep(1)
        assert relay.begun == [None, None]

    run(main())


def test_threads_do_not_wait_for_each_other() -> None:
    async def main() -> None:
        never, done = asyncio.Event(), asyncio.Event()

        async def drain(thread: ThreadId) -> None:
            await never.wait() if thread == A else done.set()

        scheduler = started(drain)
        scheduler.wake(A)
        scheduler.wake(B)
        await done.wait()
        assert await scheduler.close(0) == 1

    run(main())


def test_a_database_that_fails_is_tried_again_later_and_later() -> None:
    async def main() -> list[float]:
        times: list[float] = []

        async def drain(thread: ThreadId) -> None:
            times.append(asyncio.get_running_loop().time())
            if len(times) < 5:
                raise DatabaseError

        scheduler = started(drain)
        scheduler.wake(A)
        await asyncio.sleep(100)
        return times

    assert run(main()) == [0, 1, 3, 7, 15]


def test_a_fault_of_ours_ends_one_drain_and_not_the_scheduler() -> None:
    async def main() -> int:
        count = 0

        async def drain(thread: ThreadId) -> None:
            nonlocal count
            count += 1
            if count == 1:
                raise KeyError("inside")

        scheduler = started(drain)
        scheduler.wake(A)
        await asyncio.sleep(1)
        scheduler.wake(A)
        await asyncio.sleep(1)
        return count

    assert run(main()) == 2


def test_closing_waits_for_what_ends_in_time_and_abandons_the_rest() -> None:
    async def main() -> None:
        ended: list[str] = []

        async def drain(thread: ThreadId) -> None:
            await asyncio.sleep(5 if thread == A else 50)
            ended.append(thread)

        scheduler = started(drain)
        scheduler.wake(A)
        scheduler.wake(B)
        await asyncio.sleep(0)
        assert await scheduler.close(10) == 1
        assert ended == [A]
        scheduler.wake(A)
        assert scheduler.busy == 0

    run(main())


def test_no_more_threads_are_drained_at_once_than_allowed_and_those_that_wait_come_in_their_order() -> None:
    async def main() -> list[str]:
        began: list[str] = []
        at_once = most = 0

        async def drain(thread: ThreadId) -> None:
            nonlocal at_once, most
            began.append(thread)
            at_once += 1
            most = max(most, at_once)
            await asyncio.sleep(1)
            at_once -= 1

        scheduler = started(drain, concurrency=3)
        threads = [ThreadId(f"fake:{number}") for number in range(10)]
        for thread in threads:
            scheduler.wake(thread)
        await asyncio.sleep(10)
        assert most == 3
        assert began == threads
        return began

    run(main())


def test_a_run_takes_up_what_was_left_and_gives_what_runs_time_to_end() -> None:
    async def main() -> list[tuple[str, float]]:
        ended: list[tuple[str, float]] = []

        async def drain(thread: ThreadId) -> None:
            await asyncio.sleep(5)
            ended.append((thread, asyncio.get_running_loop().time()))

        relay = Drained(drain, [A, B])
        scheduler, stop = LocalScheduler(relay, Relaying(drain_within=10)), asyncio.Event()
        asyncio.get_running_loop().call_later(2, stop.set)
        await scheduler.run(stop)
        assert relay.closing
        return ended

    assert run(main()) == [(A, 5), (B, 5)]
