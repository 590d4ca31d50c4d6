"""How often the bot may call. Telegram publishes guidance only: about one message a second to a chat with short
bursts, 20 a minute to a group, 30 a second altogether; edits count as well."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

from sandbox.telegram.refusal import slow_down


@dataclass(frozen=True, slots=True)
class Limits:
    """So many calls within so many seconds, at any moment."""

    private: tuple[int, float] = (6, 5.0)
    group: tuple[int, float] = (20, 60.0)
    overall: tuple[int, float] = (30, 1.0)


@dataclass(slots=True)
class Gate:
    """Counts the calls that were let through, per chat and altogether. None: everything is let through."""

    limits: Limits | None
    _passed: dict[int | None, deque[float]] = field(default_factory=dict)

    def enter(self, chat: int, now: float) -> None:
        """Raises the 429 of a call that comes too early; a call that is refused does not count."""
        if self.limits is None:
            return
        kinds = ((chat, self.limits.private if chat > 0 else self.limits.group), (None, self.limits.overall))
        waits = [self._wait(key, limit, now) for key, limit in kinds]
        if (wait := max(waits)) > 0:
            raise slow_down(max(1, math.ceil(wait)))
        for key, _ in kinds:
            self._passed[key].append(now)

    def _wait(self, key: int | None, limit: tuple[int, float], now: float) -> float:
        count, seconds = limit
        passed = self._passed.setdefault(key, deque())
        while passed and passed[0] <= now - seconds:
            passed.popleft()
        return passed[-count] + seconds - now if len(passed) >= count else 0.0
