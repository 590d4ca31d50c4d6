"""Who runs the turns of which thread, and when. The turn table is the queue; the only question is who is told.

`LocalScheduler` is one task for each busy thread, in this process. Where many processes share a database, the jobs of
`core.queue` take its place, and `core.worker` runs them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from core.errors import DatabaseError
from core.model import ThreadId
from core.observing import saying
from core.settings import Relaying
from core.tables import Turn

log = logging.getLogger(__name__)

RETRY_DELAY = 1.0
"""Seconds until a thread is looked at again after the database failed; doubled each time up to 30."""


class Scheduler(Protocol):
    """What is told of a message that has been recorded."""

    async def enlist(self, connection: AsyncConnection, thread: ThreadId) -> Turn | None:
        """Within the transaction that records a turn: from its commit on, there is something to do in this thread.
        Gives the turn to begin with if it is claimed already. Raises `DatabaseError`."""

    def wake(self, thread: ThreadId, turn: Turn | None = None) -> None:
        """After that commit, with what `enlist` gave. Waking a thread twice does no harm."""

    def stop_turn(self, turn: int) -> None:
        """After the commit that marked this turn as not wanted any more."""


class Drainer(Protocol):
    """What runs turns: the relay."""

    closing: bool
    """No further turn is to be begun."""

    @property
    def bridges(self) -> Collection[str]:
        """Whose turns it can run."""

    @property
    def running(self) -> Collection[int]:
        """The turns that are being answered just now."""

    async def recover(self) -> list[ThreadId]:
        """Called once, before anything is drained; gives the threads with open turns. Raises `DatabaseError`."""

    async def claim(self, connection: AsyncConnection, thread: ThreadId) -> Turn | None:
        """Takes the oldest open turn of a thread, within the caller's transaction. Raises `DatabaseError`."""

    async def drain(self, thread: ThreadId, turn: Turn | None = None) -> None:
        """Answers the open turns of a thread until there is none, beginning with one that is claimed already, if it is
        given. Raises `DatabaseError` at most."""

    def stop_turn(self, turn: int) -> None:
        """A person does not want this one any more."""

    def share(self, workers: int) -> None:
        """So many processes run turns at this moment, this one among them."""


class LocalScheduler:
    """Runs turns in this process, the only one on its database: one task for each busy thread.

    Waking a thread that is being drained already makes its drainer look once more, so that a turn recorded just as it
    ends is never left lying. At most `concurrency` threads are drained at once, first come, first served."""

    def __init__(self, relay: Drainer, settings: Relaying) -> None:
        self._relay = relay
        self._settings = settings
        self._places = asyncio.Semaphore(settings.concurrency)
        self._tasks: dict[ThreadId, asyncio.Task[None]] = {}
        self._woken: dict[ThreadId, Turn | None] = {}
        """With the turn to begin with."""
        self.on_idle: Callable[[], None] = lambda: None
        """Called whenever a thread has nothing left to do."""

    async def run(self, stop: asyncio.Event) -> None:
        """Takes up what an earlier run left open, and runs turns until `stop`; then running ones get `drain_within`
        seconds. Cancelled, it leaves everything at once. What is left stays open for the next run. Raises
        `DatabaseError` only before it begins."""
        for thread in await self._relay.recover():
            self.wake(thread)
        try:
            await stop.wait()
        except asyncio.CancelledError:
            await self.close(0)
            raise
        if left := await self.close(self._settings.drain_within):
            log.warning("%d turns were not finished in time; the next start takes them up", left)

    @property
    def busy(self) -> int:
        """How many threads have something to do."""
        return len(self._tasks)

    async def enlist(self, connection: AsyncConnection, thread: ThreadId) -> Turn | None:
        """In a thread that is at rest the turn is begun at once: that is one transaction less before its answer. If
        somebody wakes the thread first, its drainer takes the turn up like any that was left behind."""
        if thread in self._tasks or self._relay.closing or self._places.locked():
            return None
        return await self._relay.claim(connection, thread)

    def wake(self, thread: ThreadId, turn: Turn | None = None) -> None:
        if thread in self._tasks:
            self._woken.setdefault(thread, None)
            return
        self._woken[thread] = turn
        if not self._relay.closing:
            with saying(thread_id=thread):
                task = asyncio.create_task(self._run(thread), name=f"drain {thread}")
            self._tasks[thread] = task
            task.add_done_callback(lambda _: self._ended(thread))

    def stop_turn(self, turn: int) -> None:
        self._relay.stop_turn(turn)

    async def _run(self, thread: ThreadId) -> None:
        delay = RETRY_DELAY
        async with self._places:
            while thread in self._woken and not self._relay.closing:
                try:
                    await self._relay.drain(thread, self._woken.pop(thread))
                except DatabaseError as error:
                    log.error("%s Trying again in %.0f s. (%s)", error.sentence, delay, error.detail)
                    self._woken[thread] = None
                    await asyncio.sleep(delay)
                    delay = min(delay * 2, 30.0)

    def _ended(self, thread: ThreadId) -> None:
        task = self._tasks.pop(thread, None)
        if task is not None and not task.cancelled() and (error := task.exception()) is not None:
            log.error("the drainer of %s ended by a fault of this program", thread, exc_info=error)
        if thread in self._woken:
            self.wake(thread, self._woken[thread])
        self.on_idle()

    async def close(self, within: float) -> int:
        """Starts nothing more, gives what runs so many seconds to end, then abandons it. Returns how many threads
        were abandoned: their turns stay open for the next runner."""
        self._relay.closing = True
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
