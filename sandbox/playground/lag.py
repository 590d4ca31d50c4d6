"""How far a platform is behind the upstream: what was written when, against what was shown when. Pure.

The lag at a moment is how long the oldest text that a reader cannot see yet has been waiting. An edit shows what had
been written when its call came in, so a slow call does not make it look newer than it is. Lengths are not compared,
since the upstream counts Markdown and a reader sees what is left of it.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sandbox.playground.record import Turn

KEPT = 60
"""Answers that are remembered, and messages for each of them."""
POINTS = 100
"""Of the curve that the page draws."""

Key = tuple[str, str, str]
"""Platform, place, message."""


@dataclass(frozen=True, slots=True)
class Lag:
    """In seconds."""

    now: float
    max: float


@dataclass(slots=True)
class _Answer:
    """One answer of the upstream: when it had written how much."""

    conversation: str
    system: str
    at: list[float] = field(default_factory=list)
    length: list[int] = field(default_factory=list)
    turn: int | None = None
    over: bool = False


@dataclass(frozen=True, slots=True)
class _Shown:
    at: float
    called: float
    """When the call came in that showed it."""
    length: int


@dataclass(frozen=True, slots=True)
class Measure:
    lag: Lag | None = None
    growth: tuple[tuple[float, int, int], ...] = ()
    """Moments, each with the lengths written and shown until then."""


class Meter:
    def __init__(self) -> None:
        self._answers: list[_Answer] = []
        self._shown: dict[Key, list[_Shown]] = {}

    def wrote(self, system: str, conversation: str, length: int, at: float, *, over: bool = False) -> None:
        """The upstream has written so many characters of an answer; `over`: there will be no more."""
        answer = next((a for a in reversed(self._answers) if a.conversation == conversation and not a.over), None)
        if answer is None:
            answer = _Answer(conversation, system)
            self._answers.append(answer)
            del self._answers[:-KEPT]
        if not answer.length or answer.length[-1] < length:
            answer.at.append(at)
            answer.length.append(length)
        answer.over = over

    def showed(self, key: Key, length: int, at: float, called: float) -> None:
        """A message of the program appeared or changed."""
        self._shown.setdefault(key, []).append(_Shown(at, called, length))
        while len(self._shown) > 8 * KEPT:
            del self._shown[next(iter(self._shown))]

    def assign(self, turns: Iterable[Turn]) -> None:
        """Finds the turn of each answer that has none yet. `turns`: newest first. A thread's turns come one after
        another, so the newest of a conversation is the one. An upstream without conversations is matched by its
        kind, to the newest turn that is open: good enough for one person at one page."""
        turns = list(turns)
        for answer in self._answers:
            if answer.turn is None:
                by_id = (t.id for t in turns if t.conversation == answer.conversation and t.started_at)
                by_kind = (t.id for t in turns if t.open and t.started_at and not t.conversation)
                answer.turn = next(by_id, None) or (next(by_kind, None) if answer.system == "openai" else None)

    def measure(self, turn: Turn, messages: Iterable[Key], now: float) -> Measure:
        """`messages`: those of the turn's reply."""
        answer = next((a for a in reversed(self._answers) if a.turn == turn.id), None)
        if answer is None or not answer.at:
            return Measure()
        shown = {key: self._shown.get(key, []) for key in messages}
        changes = sorted((one for each in shown.values() for one in each), key=lambda one: one.at)
        most, seen = 0.0, float("-inf")
        for change in changes:
            waiting = _first_after(answer.at, seen)
            if waiting is not None and waiting < change.at:
                most = max(most, change.at - waiting)
            seen = max(seen, change.called)
        waiting = _first_after(answer.at, seen)
        current = now - waiting if waiting is not None and turn.open else 0.0
        until = now if turn.open else answer.at[-1]
        return Measure(Lag(round(current, 2), round(max(most, current), 2)), _growth(answer, shown, changes, until))


def _first_after(moments: list[float], seen: float) -> float | None:
    index = bisect.bisect_right(moments, seen)
    return moments[index] if index < len(moments) else None


def _growth(
    answer: _Answer, shown: Mapping[Key, list[_Shown]], changes: list[_Shown], until: float
) -> tuple[tuple[float, int, int], ...]:
    begin = answer.at[0]
    moments = sorted({*answer.at, *(change.at for change in changes if change.at > begin), until})
    if len(moments) > POINTS:
        step = (len(moments) - 1) / (POINTS - 1)
        moments = [moments[round(index * step)] for index in range(POINTS)]
    points = []
    for moment in moments:
        index = bisect.bisect_right(answer.at, moment)
        written = answer.length[index - 1] if index else 0
        visible = sum(_until(each, moment) for each in shown.values())
        points.append((round(moment - begin, 3), written, visible))
    return tuple(points)


def _until(shown: list[_Shown], moment: float) -> int:
    index = bisect.bisect_right(shown, moment, key=lambda one: one.at)
    return shown[index - 1].length if index else 0
