"""Discord's rate limits: a window of calls per bucket and major parameter, and one over all calls of a bot.

Discord publishes no values, only headers; those here are the customary ones. The clock is given with each question.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Window:
    """`calls` may be made in `seconds`, counted from the first of them."""

    calls: int
    seconds: float


CUSTOMARY = {
    "messages.create": Window(5, 5),
    "messages.edit": Window(5, 5),
    "messages.delete": Window(5, 1),
    "messages.list": Window(10, 10),
    "messages.get": Window(10, 10),
    "threads.create": Window(10, 60),
    "channels.modify": Window(5, 15),
    "reactions": Window(1, 0.25),
    "typing": Window(5, 5),
}
GLOBAL = Window(50, 1)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`wait` is None when the call may go; else the seconds until it may, and whose limit it was."""

    headers: dict[str, str]
    wait: float | None = None
    scope: Literal["user", "global"] = "user"


@dataclass(slots=True)
class Limits:
    """Counts calls. Replace `windows` or `overall` for another server's habits."""

    windows: dict[str, Window] = field(default_factory=lambda: dict(CUSTOMARY))
    overall: Window = GLOBAL
    _used: dict[tuple[str, str], tuple[float, int]] = field(default_factory=dict)

    def take(self, call: str, major: str, now: float) -> Verdict:
        """Counts one call, at Unix time `now`. A refused call uses nothing."""
        until, used = self._window("*", "", self.overall, now)
        if used >= self.overall.calls:
            return Verdict({"X-RateLimit-Global": "true", "X-RateLimit-Scope": "global"}, until - now, "global")
        window = self.windows.get(call)
        if window is None:
            self._used["*", ""] = (until, used + 1)
            return Verdict({})
        ends, spent = self._window(call, major, window, now)
        wait = ends - now if spent >= window.calls else None
        if wait is None:
            self._used["*", ""] = (until, used + 1)
            self._used[call, major] = (ends, spent + 1)
            spent += 1
        headers = {
            "X-RateLimit-Limit": str(window.calls),
            "X-RateLimit-Remaining": str(window.calls - spent),
            "X-RateLimit-Reset": f"{ends:.3f}",
            "X-RateLimit-Reset-After": f"{ends - now:.3f}",
            "X-RateLimit-Bucket": hashlib.md5(call.encode(), usedforsecurity=False).hexdigest(),
        }
        if wait is not None:
            headers["X-RateLimit-Scope"] = "user"
        return Verdict(headers, wait)

    def _window(self, call: str, major: str, window: Window, now: float) -> tuple[float, int]:
        ends, used = self._used.get((call, major), (0.0, 0))
        return (ends, used) if now < ends else (now + window.seconds, 0)
