"""Health means delivery: not that the process lives, but that what people say comes in and what is answered gets out.

`Pulse` remembers what happened last on each platform. `judge` is pure: it takes what is known and says of the database,
of each listener and of each platform's delivery what is wrong. `Health` asks.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, TypeVar

from core.backlog import Backlog, Open
from core.errors import DatabaseError, PlatformUnavailable, SlowDown
from core.observing import Called, Happening, Heard
from core.settings import HealthSection

T = TypeVar("T")

EXPECTED = 60.0
"""Seconds after a failed call within which another one is to be expected as long as there is something to show; what
failed longer ago says nothing about now."""


@dataclass(frozen=True, slots=True)
class Listening:
    """What a listener knows of itself."""

    trouble: str | None
    """What keeps it from hearing people."""
    silence: float | None
    """Seconds since the last sign of life came in over the way that messages come; None: none is to be expected."""


@dataclass(slots=True)
class Beats:
    """Moments of one platform, by `time.monotonic`."""

    message_in: float | None = None
    edit_out: float | None = None
    failing_since: float | None = None
    """The first of the calls that have failed since one succeeded."""
    failing_until: float = 0.0
    failure: str = ""


class Pulse:
    """What never happened is counted from its own beginning."""

    def __init__(self) -> None:
        self.began = monotonic()
        self._platforms: dict[str, Beats] = {}

    def of(self, platform: str) -> Beats:
        return self._platforms.setdefault(platform, Beats())

    def observe(self, happening: Happening) -> None:
        match happening:
            case Heard(platform):
                self.of(platform).message_in = monotonic()
            case Called(turn, error=None):
                beats = self.of(turn.bridge)
                beats.edit_out, beats.failing_since = monotonic(), None
            case Called(turn, error=SlowDown(retry_after=wait)):
                self._failed(turn.bridge, f"it asks to slow down, for {wait:.0f} s", wait)
            case Called(turn, error=PlatformUnavailable()):
                self._failed(turn.bridge, "it does not answer", 0.0)
            case _:
                pass

    def _failed(self, platform: str, failure: str, wait: float) -> None:
        beats, now = self.of(platform), monotonic()
        if beats.failing_since is None or now > beats.failing_until:
            beats.failing_since = now
        beats.failing_until, beats.failure = now + wait + EXPECTED, failure


@dataclass(frozen=True, slots=True)
class Listener:
    reason: str | None
    silence: float | None
    since_message: float | None
    """Seconds; None: none came yet."""

    def as_json(self) -> dict[str, Any]:
        known = {"seconds_since_sign_of_life": self.silence, "seconds_since_message_in": self.since_message}
        return _part(self.reason, known)


@dataclass(frozen=True, slots=True)
class Delivery:
    reason: str | None
    since_edit: float | None
    """Seconds; None: none got out yet."""
    turns: Open | None
    """None: the database does not say."""

    def as_json(self) -> dict[str, Any]:
        known: dict[str, float | None] = {"seconds_since_edit_out": self.since_edit}
        if self.turns is not None:
            known["waiting_turns"] = self.turns.waiting
            known["running_turns"] = self.turns.running
            known["oldest_waiting_seconds"] = self.turns.oldest
        return _part(self.reason, known)


def _only(parts: Mapping[str, T], platform: str) -> dict[str, T]:
    return {name: part for name, part in parts.items() if name == platform}


def _part(reason: str | None, known: Mapping[str, float | None]) -> dict[str, Any]:
    said = {name: round(value, 1) for name, value in known.items() if value is not None}
    return {"ok": reason is None, **({} if reason is None else {"reason": reason}), **said}


@dataclass(frozen=True, slots=True)
class Report:
    """Each part has a reason if something is wrong with it."""

    database: str | None
    listeners: Mapping[str, Listener] = field(default_factory=dict)
    delivery: Mapping[str, Delivery] = field(default_factory=dict)

    @property
    def ready(self) -> bool:
        return not self.reasons

    @property
    def useful(self) -> bool:
        """Is there a platform that nothing is wrong with? Then whoever takes the process away takes that one away."""
        return any(self.of(platform).ready for platform in self.platforms)

    @property
    def platforms(self) -> set[str]:
        return {*self.listeners, *self.delivery}

    def of(self, platform: str) -> Report:
        """What concerns this one."""
        return Report(self.database, _only(self.listeners, platform), _only(self.delivery, platform))

    @property
    def reasons(self) -> list[str]:
        parts: list[tuple[str, Listener | Delivery]] = [*self.listeners.items(), *self.delivery.items()]
        found = [f"{name}: {part.reason}" for name, part in parts if part.reason is not None]
        return found if self.database is None else [self.database, *found]

    def as_json(self) -> dict[str, Any]:
        reasons = self.reasons
        return {
            "status": "not ready" if reasons else "ready",
            **({"reason": "; ".join(reasons)} if reasons else {}),
            "database": _part(self.database, {}),
            "listeners": {name: one.as_json() for name, one in self.listeners.items()},
            "delivery": {name: one.as_json() for name, one in self.delivery.items()},
        }


def judge(
    settings: HealthSection,
    *,
    now: float,
    pulse: Pulse,
    database: str | None,
    turns: Mapping[str, Open] | None,
    listening: Mapping[str, Listening],
    platforms: Collection[str],
    answers: bool,
) -> Report:
    """`turns`: None where the database does not say. `answers`: does this process run turns? If not, those that wait
    are told of, and are no fault of its own."""

    def since(moment: float | None) -> float | None:
        return None if moment is None else now - moment

    def listener(name: str, one: Listening) -> Listener:
        heard = pulse.of(name).message_in
        reason = one.trouble
        if reason is None and one.silence is not None and one.silence > settings.deaf_after:
            reason = f"no sign of life for {one.silence:.0f} s; it may be deaf"
        quiet = now - (heard if heard is not None else pulse.began)
        if reason is None and 0 < settings.quiet_after < quiet:
            reason = f"no message has come in for {quiet:.0f} s"
        return Listener(reason, one.silence, since(heard))

    def delivery(name: str) -> Delivery:
        beats = pulse.of(name)
        waiting = None if turns is None else turns.get(name, Open())
        reason = None
        if beats.failing_since is not None and now <= beats.failing_until:
            failing = now - beats.failing_since
            if failing > settings.undelivered_after:
                reason = f"nothing has got out for {failing:.0f} s: {beats.failure}"
        if reason is None and answers and waiting is not None and waiting.unattended > settings.waiting_after:
            reason = f"a turn has waited for {waiting.unattended:.0f} s, and nobody is at its thread"
        return Delivery(reason, since(beats.edit_out), waiting)

    return Report(
        database,
        {name: listener(name, one) for name, one in listening.items()},
        {name: delivery(name) for name in platforms},
    )


class Health:
    """`listening` is asked of this process's listeners; `answers`: does it run turns?"""

    def __init__(
        self,
        settings: HealthSection,
        backlog: Backlog,
        pulse: Pulse,
        listening: Callable[[], Mapping[str, Listening]],
        *,
        platforms: Collection[str],
        answers: bool,
    ) -> None:
        self._settings = settings
        self._backlog = backlog
        self._listening = listening
        self._platforms = platforms
        self._answers = answers
        self._pulse = pulse

    async def report(self) -> Report:
        database, turns = None, None
        try:
            turns = await self._backlog.open_turns()
        except DatabaseError as error:
            database = error.sentence
        return judge(
            self._settings,
            now=monotonic(),
            pulse=self._pulse,
            database=database,
            turns=turns,
            listening=self._listening(),
            platforms=self._platforms,
            answers=self._answers,
        )
