"""How often a platform may be called. Deciding is pure, in `Buckets`: no clock, no sleep; waiting is `Pacer`'s.

A budget is a token bucket with a name. A call draws on one or more of them (the bot's, the channel's, the message's)
and may go when every one has a token. A refusal (`retry_after`) closes the one budget it belongs to until then, and
makes it slower for a while: whoever waits for another budget is not held up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

from core.model import ThreadId

Call = Literal["create", "edit", "append", "close"]
"""`append` and `close`: growing a message, and ending that, where a platform has calls of their own for it."""

SLOWER = 0.75
"""What one refusal leaves of a budget's speed: they come in rows where the stated speed is wrong, and one alone may be
the rest of what somebody else sent before."""
SLOWEST = 0.125
"""A budget never gets slower than this part of its stated speed."""
RECOVERY = 30.0
"""Seconds without a refusal until a slowed budget has doubled its speed again."""


@dataclass(frozen=True, slots=True)
class Budget:
    """A name and its limits. Budgets of one name share one bucket."""

    name: str
    per_second: float
    burst: float = 1.0
    """Calls that may go at once after a rest; at least 1."""
    reserve: float = 0.0
    """Tokens that only creations and final edits may use, so that the last edit always has room."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast one bot may speak. Values and their sources stand beside the bridge."""

    budgets: Callable[[ThreadId, Call], Iterable[Budget]]
    """All that a call in a thread draws on."""
    placeholder: bool = False
    """A part is created empty, at once, and then written: for a platform that cannot find its own posts (I4)."""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float
    speed: float = 1.0
    """The part of the stated speed that is used just now."""
    closed_until: float = 0.0

    def fill(self, budget: Budget, now: float) -> None:
        if now <= self.at:
            return
        if self.speed < 1.0:
            self.speed = min(1.0, self.speed * 2 ** ((now - self.at) / RECOVERY))
        self.tokens = min(max(budget.burst, 1.0), self.tokens + (now - self.at) * budget.per_second * self.speed)
        self.at = now


@dataclass(slots=True)
class Buckets:
    """The state of all budgets of one bot. Times are seconds of any one clock that only goes forward."""

    _buckets: dict[str, _Bucket] = field(default_factory=dict)

    def ready_at(self, budgets: Iterable[Budget], now: float, *, urgent: bool) -> float:
        """The earliest moment at which a call may draw on all of these; `now` or earlier: it may go."""
        ready = now
        for budget in budgets:
            bucket = self._bucket(budget, now)
            needed = _needed(budget, urgent=urgent)
            ready = max(ready, bucket.closed_until)
            if bucket.tokens < needed - 1e-9:
                ready = max(ready, now + (needed - bucket.tokens) / (budget.per_second * bucket.speed))
        return ready

    def take(self, budgets: Iterable[Budget], now: float) -> None:
        """Draws one token of each."""
        for budget in budgets:
            self._bucket(budget, now).tokens -= 1.0

    def refused(self, budget: Budget, retry_after: float, now: float) -> None:
        """The platform said no: nothing goes before `retry_after` seconds are over, then one call, and more slowly."""
        bucket = self._bucket(budget, now)
        bucket.closed_until = max(bucket.closed_until, now + retry_after)
        bucket.at = max(bucket.at, bucket.closed_until)
        bucket.tokens = _needed(budget, urgent=False)
        bucket.speed = max(SLOWEST, bucket.speed * SLOWER)

    def forget_idle(self, now: float, idle: float = 600.0) -> None:
        """Drops buckets that have been full for long: a busy bot meets many channels."""
        for name in [n for n, b in self._buckets.items() if now - b.at > idle and b.closed_until < now]:
            del self._buckets[name]

    def _bucket(self, budget: Budget, now: float) -> _Bucket:
        bucket = self._buckets.get(budget.name)
        if bucket is None:
            bucket = self._buckets[budget.name] = _Bucket(max(budget.burst, 1.0), now)
        else:
            bucket.fill(budget, now)
        return bucket


def _needed(budget: Budget, *, urgent: bool) -> float:
    """Tokens that have to be there for a call to go."""
    return 1.0 if urgent else 1.0 + min(budget.reserve, max(budget.burst, 1.0) - 1.0)


@dataclass(slots=True)
class _Waiting:
    budgets: tuple[Budget, ...]
    urgent: bool
    turn: asyncio.Future[None]


class Pacer:
    """One for each bot: hands out leave to call, urgent calls first and otherwise in the order of asking."""

    def __init__(self, pace: Pace, clock: Callable[[], float] | None = None) -> None:
        self._pace = pace
        self._clock = clock
        self._buckets = Buckets()
        self._waiting: list[_Waiting] = []
        self._timer: asyncio.TimerHandle | None = None

    async def leave(self, thread: ThreadId, call: Call, *, urgent: bool) -> None:
        """Waits until a call may go; it counts as made from then on."""
        waiting = _Waiting(tuple(self._pace.budgets(thread, call)), urgent, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._grant()
        try:
            await waiting.turn
        finally:
            if waiting in self._waiting:
                self._waiting.remove(waiting)

    def refused(self, thread: ThreadId, call: Call, retry_after: float, budget: str | None = None) -> None:
        """The platform refused a call for so many seconds; `budget` names the one that is spent, if it is known,
        else it is the narrowest one of the call: the last that the bridge lists."""
        budgets = tuple(self._pace.budgets(thread, call))
        found = next((b for b in budgets if b.name == budget), budgets[-1] if budgets else None)
        if found is not None:
            self._buckets.refused(found, retry_after, self._now())
            self._grant()

    def _now(self) -> float:
        return self._clock() if self._clock is not None else asyncio.get_running_loop().time()

    def _grant(self) -> None:
        """Lets everyone go who may, and sets the timer for the next one."""
        now = self._now()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        next_at = float("inf")
        for waiting in sorted(self._waiting, key=lambda one: not one.urgent):
            ready = self._buckets.ready_at(waiting.budgets, now, urgent=waiting.urgent)
            if ready > now:
                next_at = min(next_at, ready)
                continue
            self._buckets.take(waiting.budgets, now)
            self._waiting.remove(waiting)
            if not waiting.turn.done():
                waiting.turn.set_result(None)
        if self._waiting:
            self._timer = asyncio.get_running_loop().call_later(max(next_at - now, 0.001), self._grant)
        else:
            self._buckets.forget_idle(now)
