"""Who runs the turns of which thread, and when: one task for each busy thread, in this process.

The turn table is the queue. Waking a thread that is being drained already makes its drainer look once more, so that a
turn recorded just as it ends is never left lying.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from core.errors import DatabaseError
from core.model import ThreadId

log = logging.getLogger(__name__)

RETRY_DELAY = 1.0
"""Seconds until a thread is looked at again after the database failed; doubled each time up to 30."""


class Scheduler:
    """`drain(thread)` answers the open turns of a thread until there is none; it raises `DatabaseError` at most."""

    def __init__(self, drain: Callable[[ThreadId], Awaitable[None]]) -> None:
        self._drain = drain
        self._tasks: dict[ThreadId, asyncio.Task[None]] = {}
        self._woken: set[ThreadId] = set()
        self._closed = False
        self.on_idle: Callable[[], None] = lambda: None
        """Called whenever a thread has nothing left to do."""

    @property
    def busy(self) -> int:
        return len(self._tasks)

    def wake(self, thread: ThreadId) -> None:
        """There is something to do in this thread. Waking it twice does no harm."""
        self._woken.add(thread)
        if thread not in self._tasks and not self._closed:
            task = asyncio.create_task(self._run(thread), name=f"drain {thread}")
            self._tasks[thread] = task
            task.add_done_callback(lambda _: self._ended(thread))

    async def _run(self, thread: ThreadId) -> None:
        delay = RETRY_DELAY
        while thread in self._woken and not self._closed:
            self._woken.discard(thread)
            try:
                await self._drain(thread)
            except DatabaseError as error:
                log.error("%s Trying again in %.0f s. (%s)", error.sentence, delay, error.detail)
                self._woken.add(thread)
                await asyncio.sleep(delay)
                delay = min(delay * 2, 30.0)

    def _ended(self, thread: ThreadId) -> None:
        task = self._tasks.pop(thread, None)
        if task is not None and not task.cancelled() and (error := task.exception()) is not None:
            log.error("the drainer of %s ended by a fault of this program", thread, exc_info=error)
        if thread in self._woken:
            self.wake(thread)
        self.on_idle()

    async def close(self, within: float) -> int:
        """Starts nothing more, gives what runs so many seconds to end, then abandons it. Returns how many threads
        were abandoned: their turns stay open for the next runner."""
        self._closed = True
        running = list(self._tasks.values())
        try:
            if running:
                await asyncio.wait(running, timeout=within)
        finally:
            # also when whoever waits here is told to wait no longer
            left = [task for task in running if not task.done()]
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
        return len(left)

    @property
    def closing(self) -> bool:
        """No further turn is to be begun."""
        return self._closed
