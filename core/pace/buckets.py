"""The state of all budgets of one bot. Pure: the time is given, in seconds of any one clock that only goes forward."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from core.pace.budgets import Budget

SLOWER = 0.75
"""What one refusal leaves of a budget's speed: they come in rows where the stated speed is wrong, and one alone may be
the rest of what somebody else sent before."""
SLOWEST = 0.125
"""A budget never gets slower than this part of its stated speed."""
RECOVERY = 30.0
"""Seconds without a refusal until a slowed budget has doubled its speed again."""
HORIZON = 10.0
"""What a budget has in hand for growing text is spread over so many seconds: about as long as an answer grows. Text
that grows steadily is read soonest, on average, if its edits come at even distances."""
JITTER, MOST_JITTER = 0.05, 0.25
"""Calls are counted for this part of their seconds longer, at most so many seconds, than the platform counts them: the
way there may bring two of them closer together."""
IDLE = 600.0
"""Seconds after which a budget that nobody draws on is forgotten. Far longer than any budget's."""


@dataclass(slots=True)
class _Bucket:
    at: float
    in_hand: float
    """Growing edits that may come quicker than evenly."""
    made: deque[float] = field(default_factory=deque)
    """When the calls went that still count."""
    spread_until: float = 0.0
    """No growing edit before: they are to come evenly."""
    speed: float = 1.0
    """The part of the stated speed that is used just now."""
    closed_until: float = 0.0
    single_until: float = 0.0
    """While it is slowed, urgent calls too come one by one: not before."""

    def window(self, budget: Budget) -> float:
        return (budget.seconds + min(MOST_JITTER, JITTER * budget.seconds)) / self.speed

    def advance(self, budget: Budget, now: float) -> None:
        if now > self.at:
            if self.speed < 1.0:
                self.speed = min(1.0, self.speed * 2 ** ((now - self.at) / RECOVERY))
            self.in_hand = min(budget.burst, self.in_hand + (now - self.at) * budget.growth * self.speed)
            self.at = now
        since = now - self.window(budget)
        stated = budget.stated()
        over = stated.ends if stated is not None and stated.ends <= now else since
        while self.made and (self.made[0] <= since or self.made[0] < over):
            self.made.popleft()

    def free_at(self, budget: Budget, now: float, *, urgent: bool) -> float:
        """When there is room for one more call."""
        stated = budget.stated()
        if stated is not None and stated.ends > now:
            return now if stated.remaining > 0 else stated.ends
        allowed = budget.calls if urgent else _growing(budget)
        over = len(self.made) - allowed
        return now if over < 0 else self.made[over] + self.window(budget)

    def spread_to(self, budget: Budget, now: float) -> float:
        """When the next growing edit is due."""
        stated = budget.stated()
        if stated is None or stated.ends <= now or not self.made:
            return self.spread_until
        return self.made[-1] + (stated.ends - self.made[-1]) / max(0.5, stated.remaining + 1 - budget.reserve)


class Buckets:
    def __init__(self) -> None:
        self._workers = 1
        self._divided: dict[Budget, Budget] = {}
        self._buckets: dict[str, _Bucket] = {}

    def ready_at(self, budgets: Iterable[Budget], now: float, *, urgent: bool) -> float:
        """The earliest moment at which a call may draw on all of these; `now` or earlier: it may go."""
        return max((self.ready_for(budget, now, urgent=urgent) for budget in budgets), default=now)

    def ready_for(self, budget: Budget, now: float, *, urgent: bool) -> float:
        """The same for one of them."""
        budget, bucket = self._bucket(budget, now)
        ready = max(bucket.closed_until, bucket.single_until, bucket.free_at(budget, now, urgent=urgent))
        return ready if urgent else max(ready, bucket.spread_to(budget, now))

    def take(self, budgets: Iterable[Budget], now: float) -> None:
        """A call draws on each."""
        for declared in budgets:
            budget, bucket = self._bucket(declared, now)
            bucket.made.append(now)
            bucket.in_hand = max(0.0, bucket.in_hand - 1.0)
            if bucket.speed < 1.0:
                bucket.single_until = now + bucket.window(budget) / budget.calls
            bucket.spread_until = now + HORIZON / (bucket.in_hand + HORIZON * budget.growth * bucket.speed)

    def refused(self, budget: Budget, retry_after: float, now: float) -> None:
        """The platform said no: nothing goes before `retry_after` seconds are over, then one call after another, more
        slowly for a while."""
        budget, bucket = self._bucket(budget, now)
        if now >= bucket.closed_until:  # several that were on their way together are one refusal
            bucket.speed = max(SLOWEST, bucket.speed * SLOWER)
        bucket.closed_until = max(bucket.closed_until, now + retry_after)
        bucket.at = bucket.spread_until = bucket.closed_until
        bucket.in_hand = 0.0
        # the platform's count is the one that matters: by that it is full until then, and empties by and by
        full = bucket.closed_until - bucket.window(budget)
        pause = 1.0 / (budget.growth * bucket.speed)
        bucket.made = deque(full + pause * number for number in range(1, _growing(budget)))

    def share(self, workers: int) -> None:
        """From now on so many share what is shared. Everybody keeps at least one call in a budget's seconds."""
        self._workers = max(1, workers)
        self._divided.clear()

    def forget_idle(self, now: float) -> None:
        """Drops what has been at rest for so long that it is as good as new: a busy bot meets many channels."""
        for name in [name for name, bucket in self._buckets.items() if now - bucket.at > IDLE]:
            del self._buckets[name]

    def _bucket(self, budget: Budget, now: float) -> tuple[Budget, _Bucket]:
        """With the budget as it is for one worker."""
        if budget.shared and self._workers > 1:
            budget = self._part(budget)
        bucket = self._buckets.get(budget.name)
        if bucket is None:
            bucket = self._buckets[budget.name] = _Bucket(now, budget.burst)
        else:
            bucket.advance(budget, now)
        return budget, bucket

    def _part(self, budget: Budget) -> Budget:
        part = self._divided.get(budget)
        if part is None:
            part = self._divided[budget] = replace(
                budget,
                calls=max(1, budget.calls // self._workers),
                reserve=budget.reserve / self._workers,
                burst=max(1.0, budget.burst / self._workers),
            )
        return part


def _growing(budget: Budget) -> int:
    """Calls in its seconds that growing text may use."""
    return math.ceil(budget.calls - budget.reserve)
