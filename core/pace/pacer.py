"""Waiting for one's turn."""

from __future__ import annotations

import asyncio

from core.model import ThreadId
from core.pace.buckets import IDLE, Buckets
from core.pace.budgets import Call, Pace
from core.pace.queue import Queue, Waiting


class Leave:
    """The leave to make one call, which was asked for."""

    def __init__(self, pacer: Pacer, waiting: Waiting, granted: asyncio.Future[None]) -> None:
        self._pacer = pacer
        self._waiting = waiting
        self._granted = granted

    async def granted(self) -> None:
        """Waits until the call may go; it counts as made from then on. Who is cancelled makes no call."""
        try:
            await self._granted
        finally:
            self._pacer.withdraw(self._waiting)

    def hurry(self) -> None:
        """The call is urgent from now on. Saying so late, or twice, does no harm."""
        self._pacer.hurry(self._waiting)


class Pacer:
    """One for each bot: hands out leave to call. See `core.pace`."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._buckets = Buckets()
        self._queue = Queue(self._buckets)
        self._timer: asyncio.TimerHandle | None = None
        self._opens = float("inf")
        self._tidied = 0.0

    def ask(self, thread: ThreadId, call: Call, *, urgent: bool) -> Leave:
        """Asks for leave to make one call; it may be granted at once."""
        granted = asyncio.get_running_loop().create_future()
        waiting = Waiting(tuple(self._pace.budgets(thread, call)), urgent, lambda: _grant(granted))
        now = _now()
        self._queue.add(waiting, now)
        self._set_timer(now)
        return Leave(self, waiting, granted)

    async def leave(self, thread: ThreadId, call: Call, *, urgent: bool) -> None:
        """Asks, and waits until the call may go."""
        await self.ask(thread, call, urgent=urgent).granted()

    def refused(self, thread: ThreadId, call: Call, retry_after: float, budget: str | None = None) -> None:
        """The platform refused a call for so many seconds; `budget` names the one that is spent, if it is known,
        else it is the narrowest one of the call: the last that the bridge lists."""
        budgets = tuple(self._pace.budgets(thread, call))
        found = next((b for b in budgets if b.name == budget), budgets[-1] if budgets else None)
        if found is not None:
            self._buckets.refused(found, retry_after, _now())

    def share(self, workers: int) -> None:
        """So many workers are alive and speak for this bot: what all of them draw on is divided among them, at once.
        Nobody keeps less than one call in a budget's seconds."""
        now = _now()
        self._queue.share(workers, now)
        self._set_timer(now)

    def hurry(self, waiting: Waiting) -> None:
        """See `Leave.hurry`."""
        now = _now()
        self._queue.hurry(waiting, now)
        self._set_timer(now)

    def withdraw(self, waiting: Waiting) -> None:
        """See `Leave.granted`."""
        self._queue.withdraw(waiting)

    def _release(self) -> None:
        self._timer, self._opens = None, float("inf")
        now = _now()
        self._queue.release(now)
        self._set_timer(now)

    def _set_timer(self, now: float) -> None:
        """For the next moment at which somebody may go, if it is not set for an earlier one."""
        opens = self._queue.opens_at()
        if opens < self._opens:
            if self._timer is not None:
                self._timer.cancel()
            self._opens = opens
            self._timer = asyncio.get_running_loop().call_later(max(opens - now, 0.001), self._release)
        if now - self._tidied > IDLE:
            self._tidied = now
            self._buckets.forget_idle(now)


def _grant(granted: asyncio.Future[None]) -> None:
    if not granted.done():
        granted.set_result(None)


def _now() -> float:
    return asyncio.get_running_loop().time()
