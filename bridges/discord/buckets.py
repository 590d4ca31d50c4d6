"""What the headers of Discord's answers say about the calls that are still free. Pure: the clock is given.

Routes that share a limit name the same bucket; within it each channel or guild (the "major parameters") is counted
apart. https://discord.com/developers/docs/topics/rate-limits
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

MANY = 1_000
"""Buckets, before those that are over are forgotten."""
SAME_WINDOW = 0.5
"""Seconds by which the end of one window may seem to move, for answers take their time."""

ROUNDING = 0.01
"""Seconds by which a window may end later than its headers say, which are rounded."""


@dataclass(slots=True)
class _Bucket:
    remaining: int
    ends: float


@dataclass(slots=True)
class Buckets:
    """Times are seconds of any one clock that only goes forward."""

    _hashes: dict[str, str] = field(default_factory=dict)
    _buckets: dict[tuple[str, str], _Bucket] = field(default_factory=dict)
    _closed_until: float = 0.0

    def take(self, route: str, major: str, now: float) -> tuple[float, bool]:
        """Seconds until this call may be made, and whether it is the whole bot that waits; 0: it may, and counts."""
        if self._closed_until > now:
            return self._closed_until - now, True
        bucket = self._buckets.get(self._key(route, major))
        if bucket is None or bucket.ends <= now:
            return 0.0, False
        if bucket.remaining <= 0:
            return bucket.ends - now, False
        bucket.remaining -= 1
        return 0.0, False

    def left(self, route: str, major: str) -> tuple[int, float] | None:
        """How many calls were left of the last window that was heard of, and when that ends or ended."""
        bucket = self._buckets.get(self._key(route, major))
        return None if bucket is None else (bucket.remaining, bucket.ends + ROUNDING)

    def learn(self, route: str, major: str, headers: Mapping[str, str], now: float) -> None:
        """Takes in the headers of an answer; what cannot be read is left out."""
        try:
            remaining = int(headers["X-RateLimit-Remaining"])
            ends = now + float(headers["X-RateLimit-Reset-After"])
        except (KeyError, ValueError):
            return
        if "X-RateLimit-Bucket" in headers:
            self._hashes[route] = headers["X-RateLimit-Bucket"]
        key = self._key(route, major)
        known = self._buckets.get(key)
        if known is not None and ends < known.ends + SAME_WINDOW:
            # the answers to calls made at once come in any order: the least of them counts
            remaining = min(remaining, known.remaining)
        self._buckets[key] = _Bucket(remaining, ends)
        if len(self._buckets) > MANY:
            self._buckets = {k: b for k, b in self._buckets.items() if b.ends > now}

    def refuse(self, route: str, major: str, seconds: float, now: float, *, whole_bot: bool) -> None:
        """A 429 came."""
        if whole_bot:
            self._closed_until = max(self._closed_until, now + seconds)
        else:
            self._buckets[self._key(route, major)] = _Bucket(0, now + seconds)

    def _key(self, route: str, major: str) -> tuple[str, str]:
        return self._hashes.get(route, route), major
