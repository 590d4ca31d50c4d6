"""What happens, told to whoever measures it: metrics, health, traces.

Everything that is told is a value. An observer is a function that takes one; it waits for nothing, and what goes wrong
in it stays there (`observed_by`), for measuring never disturbs. `Watch` is one turn as its runner sees it: it keeps the
clock, so that nobody who does the work has to.

What is said in the log about a turn carries its ids: `saying` holds them for whatever runs within.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from core.errors import PlatformError, UpstreamError
from core.model import Message
from core.pace import Call
from core.tables import State, Turn

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Heard:
    """A bridge handed over a message, whether it is for the assistant or not."""

    platform: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """A message is on record."""

    platform: str
    message: Message
    seconds: float
    """From its being handed over."""
    waiting: int | None = None
    """Its turn, if an earlier one of its thread was still open."""


@dataclass(frozen=True, slots=True)
class Began:
    """A runner has taken the turn."""

    turn: Turn
    waited: float
    """Seconds since it was accepted."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """Messages that waited behind the turn, and belong to it, are answered together with it from now on."""

    turn: Turn


@dataclass(frozen=True, slots=True)
class Asked:
    """An upstream was asked, and this is over."""

    turn: Turn
    upstream: str
    seconds: float
    error: UpstreamError | None
    """What it failed with."""


@dataclass(frozen=True, slots=True)
class Paced:
    """A call waited for its leave."""

    turn: Turn
    seconds: float


@dataclass(frozen=True, slots=True)
class Called:
    """The platform was called to show something."""

    turn: Turn
    call: Call
    seconds: float
    error: PlatformError | None
    """What it failed with."""


@dataclass(frozen=True, slots=True)
class FirstSign:
    """The first message of the reply is there, be it a placeholder."""

    turn: Turn
    seconds: float
    """Since the turn was accepted."""


@dataclass(frozen=True, slots=True)
class FirstText:
    """The first words of the answer can be read."""

    turn: Turn
    seconds: float
    """Since the turn was accepted."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The whole reply is confirmed."""

    turn: Turn
    seconds: float
    """Since its last text came."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of the turn is on record."""

    turn: Turn
    upstream: str
    """Who was asked last; empty: nobody."""
    outcome: State
    seconds: float
    """Since the turn was accepted."""
    reply: str


Happening = Heard | Accepted | Began | Gathered | Asked | Paced | Called | FirstSign | FirstText | Shown | Ended

Observe = Callable[[Happening], None]


def unobserved(_: Happening) -> None:
    """Nobody measures."""


def observed_by(*observers: Observe) -> Observe:
    """All of them as one that never raises. Each complaint is logged once."""
    known: set[tuple[Observe, type[Exception]]] = set()

    def observe(happening: Happening) -> None:
        for observer in observers:
            try:
                observer(happening)
            except Exception as error:
                if (observer, type(error)) not in known:
                    known.add((observer, type(error)))
                    log.exception("%s could not be measured", type(happening).__name__)

    return observe


# --- one turn ---------------------------------------------------------------------------------------------------------


class Watch:
    """Begins when the turn is taken. What is cut off in its middle is not told: it is neither done nor failed."""

    def __init__(self, turn: Turn, observe: Observe = unobserved) -> None:
        self._turn = turn
        self._observe = observe
        self._upstream = ""
        self._told_at = monotonic()
        # What an earlier runner showed already is nobody's first any more.
        self._signed = self._read = turn.attempt > 1
        observe(Began(turn, self._age))

    @property
    def _age(self) -> float:
        return max(0.0, (datetime.now(UTC) - self._turn.accepted_at).total_seconds())

    def gathered(self) -> None:
        self._observe(Gathered(self._turn))

    @contextmanager
    def asking(self, upstream: str) -> Iterator[None]:
        """Around one upstream's whole answer."""
        self._upstream = upstream
        began = monotonic()
        try:
            yield
        except UpstreamError as error:
            self._observe(Asked(self._turn, upstream, monotonic() - began, error))
            raise
        self._observe(Asked(self._turn, upstream, monotonic() - began, None))

    def told(self) -> None:
        """There is more text, or another."""
        self._told_at = monotonic()

    @contextmanager
    def pacing(self) -> Iterator[None]:
        """Around the wait for a leave."""
        began = monotonic()
        yield
        self._observe(Paced(self._turn, monotonic() - began))

    @contextmanager
    def calling(self, call: Call | None) -> Iterator[None]:
        """Around a step of showing; None: one that needs no call."""
        began = monotonic()
        error: PlatformError | None = None
        try:
            yield
        except PlatformError as failure:
            error = failure
        if call is not None:
            self._observe(Called(self._turn, call, monotonic() - began, error))
        if error is not None:
            raise error

    def seen(self, *, text: bool) -> None:
        """The platform has confirmed a message of the reply; `text`: words of the answer stand in it."""
        if not self._signed:
            self._signed = True
            self._observe(FirstSign(self._turn, self._age))
        if text and not self._read:
            self._read = True
            self._observe(FirstText(self._turn, self._age))

    def shown(self) -> None:
        self._observe(Shown(self._turn, monotonic() - self._told_at))

    def ended(self, outcome: State, reply: str) -> None:
        self._observe(Ended(self._turn, self._upstream, outcome, self._age, reply))


def unwatched() -> Watch:
    """For a reply that belongs to no turn: nobody is told."""
    nobody: dict[str, Any] = {"attempt": 1, "accepted_at": datetime.now(UTC)}
    return Watch(Turn(**nobody))


# --- logs -------------------------------------------------------------------------------------------------------------

_ids: ContextVar[Mapping[str, object]] = ContextVar("ids", default={})  # noqa: B039 - nobody changes it


def ids() -> Mapping[str, object]:
    """Of the turn, or the thread, that this code runs for."""
    return _ids.get()


@contextmanager
def saying(**more: object) -> Iterator[None]:
    """Everything logged within, in whatever task is begun there, carries these ids too."""
    token = _ids.set({**_ids.get(), **more})
    try:
        yield
    finally:
        _ids.reset(token)
