"""Who runs which thread, and when."""

from __future__ import annotations

import asyncio

from core.errors import DatabaseError
from core.model import ThreadId
from core.scheduler import Scheduler
from tests.virtual_time import run

A, B = ThreadId("fake:a"), ThreadId("fake:b")


def test_a_thread_woken_while_it_is_drained_is_looked_at_once_more() -> None:
    async def main() -> list[str]:
        drained: list[str] = []
        go = asyncio.Event()

        async def drain(thread: ThreadId) -> None:
            drained.append(thread)
            await go.wait()

        scheduler = Scheduler(drain)
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


def test_threads_do_not_wait_for_each_other() -> None:
    async def main() -> None:
        never, done = asyncio.Event(), asyncio.Event()

        async def drain(thread: ThreadId) -> None:
            await never.wait() if thread == A else done.set()

        scheduler = Scheduler(drain)
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

        scheduler = Scheduler(drain)
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

        scheduler = Scheduler(drain)
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

        scheduler = Scheduler(drain)
        scheduler.wake(A)
        scheduler.wake(B)
        await asyncio.sleep(0)
        assert await scheduler.close(10) == 1
        assert ended == [A]
        scheduler.wake(A)
        assert scheduler.busy == 0

    run(main())
