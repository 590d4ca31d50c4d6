"""How long to wait before asking again. Pure: no clock, no sleep, no chance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential: 1 s doubling to at most 32 s, as the vendors advise; what the server asks for goes before it."""

    retries: int
    patience: float = 60.0
    """Seconds of waiting in all: a person sits before the chat."""
    shortest: float = 1.0
    longest: float = 32.0

    def pause(self, attempt: int, *, asked: float | None, waited: float, left: float, chance: float) -> float | None:
        """Seconds to wait after the failed `attempt` (the first is 0); None: give up.

        `asked`: what the server asked for. `waited`: seconds waited before. `left`: seconds that the turn may still
        take. `chance`: from 0 to 1, spreads the calls of many turns. Never shorter than asked."""
        if attempt >= self.retries:
            return None
        if asked is None:
            full = min(self.shortest * 2.0**attempt, self.longest)
            pause = full / 2 + full / 2 * chance
        else:
            pause = asked + min(1.0, asked / 10) * chance
        return pause if waited + pause <= self.patience and pause < left else None


def asked_for(status: int, headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that a refusing server asks to wait; None if it does not say.

    `Retry-After` in seconds or as a date (read against the server's own `Date`), else for 429 `X-RateLimit-Reset` in
    Unix time (seconds or milliseconds) or in seconds from now. `now` is Unix time. `headers` ignore case."""
    if (given := headers.get("Retry-After")) is not None:
        seconds = _number(given)
        if seconds is None and (until := _date(given)) is not None:
            seconds = until - (_date(headers.get("Date", "")) or now)
        if seconds is not None:
            return max(0.0, seconds)
    if status == 429 and (reset := _number(headers.get("X-RateLimit-Reset", ""))) is not None:
        if reset > 1e11:
            reset /= 1000
        return max(0.0, reset - now if reset > 1e8 else reset)
    return None


def _number(value: str) -> float | None:
    value = value.strip()
    return float(value) if value.replace(".", "", 1).isdigit() and value.isascii() and len(value) < 20 else None


def _date(value: str) -> float | None:
    try:
        found = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
