"""Whether an upstream is worth asking just now. Pure: the caller brings the time.

Closed as long as it answers. After some failures in a row it is open: nobody asks for a while. Then it is half-open:
one turn tries, and its outcome decides for all.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from core.errors import UpstreamBusy, UpstreamError, UpstreamRefused, UpstreamUnavailable

UNAVAILABLE = (UpstreamUnavailable, UpstreamBusy, UpstreamRefused)
"""What makes a turn go to the backup, as long as nothing was said."""


@dataclass(slots=True)
class Breaker:
    threshold: int = 3
    """Failures in a row that open it."""
    rest: float = 30.0
    """Seconds that it stays open before a probe."""
    _failures: int = 0
    _open_until: float = 0.0
    _probing: bool = False

    def allows(self, now: float) -> bool:
        """May a turn ask? Times are seconds of any clock that only goes forward."""
        return self._failures < self.threshold or (now >= self._open_until and not self._probing)

    @contextmanager
    def asking(self, now: float) -> Iterator[None]:
        """Learns from how the block ends; any end but an unavailable upstream shows that it is there."""
        probe = self._failures >= self.threshold
        self._probing = self._probing or probe
        try:
            yield
        except UNAVAILABLE:
            self._failures += 1
            self._open_until = now + self.rest
            raise
        except UpstreamError:
            self._failures = 0
            raise
        else:
            self._failures = 0
        finally:
            if probe:
                self._probing = False
