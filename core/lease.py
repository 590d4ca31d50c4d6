"""The right of one process to run turns, by its own clock.

Another process takes over what this one had as soon as its heartbeat is `stalled_after` old. So a process that cannot
renew its lease, because the database is out of reach or because it was frozen, must have stopped before that, without
asking anybody. Pure: the caller brings the time.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

STALLED_AFTER = 5.0
"""Seconds after its last heartbeat that a process is taken for dead."""
MARGIN = 0.2
"""The part of that by which a process stops earlier: what is on its way to a platform then has to arrive."""


def clock() -> float:
    """Seconds that go on while the process, or the whole machine, is suspended."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@dataclass(slots=True)
class Lease:
    """Begins lapsed. All processes on one database have the same `stalled_after`, in seconds."""

    stalled_after: float = STALLED_AFTER
    until: float = float("-inf")
    _since: float = float("-inf")

    def begin(self, asked: float) -> None:
        """A worker was registered, which was asked for at the moment `asked`: it has no turns yet."""
        self._since = asked
        self._lasts_from(asked)

    def renew(self, asked: float) -> None:
        """A heartbeat that was sent at the moment `asked` is on record. One that was sent too late renews nothing,
        although it is: others may have taken the worker's turns over by then."""
        if self.held(asked):
            self._lasts_from(asked)

    def _lasts_from(self, asked: float) -> None:
        self.until = max(self.until, asked + self.stalled_after * (1 - MARGIN))

    def end(self) -> None:
        """It is over, whatever the clock says."""
        self.until = float("-inf")

    def held(self, now: float) -> bool:
        return now < self.until

    def settled(self, now: float) -> bool:
        """Held for as long as others may take for theirs: after an outage of the database every heartbeat is old, and
        nobody may be called dead before everybody had the time to renew."""
        return self.held(now) and now - self._since >= self.stalled_after
