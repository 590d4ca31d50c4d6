"""Whose turn it is: urgent calls first, all others in the order of asking. Pure.

Who has to wait stands in the line of the one budget that opens last, and is looked at again when that opens: so
nobody is held up by a budget that it does not draw on, and a decision costs a few steps on heaps, however many wait.
Who goes on to the line of another budget keeps its place by the time of asking.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from core.pace.buckets import Buckets
from core.pace.budgets import Budget

IN_A_ROW = 4
"""So many urgent calls may go while growing text waits for the same budget; then it is the turn of one of those, so
that no reply ever stands still."""

Heap = list[tuple[int, "Waiting"]]


@dataclass(slots=True, eq=False)
class Waiting:
    budgets: tuple[Budget, ...]
    urgent: bool
    go: Callable[[], None]
    """Called once, when the call may go; it counts as made from then on."""
    order: int = 0
    line: str = ""
    """The budget in whose line it stands; empty: in none."""


@dataclass(slots=True)
class _Line:
    budget: Budget
    urgent: Heap = field(default_factory=list)
    growing: Heap = field(default_factory=list)
    in_a_row: int = 0
    opens: float = float("inf")
    """When it is looked at next."""

    def first(self) -> tuple[Waiting | None, bool]:
        """Whose turn it is when the budget opens, and whether it may go as if urgent."""
        urgent, growing = self._head(self.urgent, urgent=True), self._head(self.growing, urgent=False)
        if growing is None:
            self.in_a_row = 0
            return urgent, True
        owed = self.in_a_row >= IN_A_ROW
        return (growing, owed) if urgent is None or owed else (urgent, True)

    def _head(self, heap: Heap, *, urgent: bool) -> Waiting | None:
        while heap and (heap[0][1].line != self.budget.name or heap[0][1].urgent is not urgent):
            heapq.heappop(heap)
        return heap[0][1] if heap else None


class Queue:
    def __init__(self, buckets: Buckets) -> None:
        self._buckets = buckets
        self._lines: dict[str, _Line] = {}
        self._openings: list[tuple[float, str]] = []
        self._orders = itertools.count(1)

    def add(self, waiting: Waiting, now: float) -> None:
        """Lets it go at once if it may, else puts it in line."""
        waiting.order = next(self._orders)
        self.release(now)
        self._place(waiting, now)
        self.release(now)

    def hurry(self, waiting: Waiting, now: float) -> None:
        """It is urgent from now on."""
        if waiting.line and not waiting.urgent:
            waiting.urgent = True
            self._place(waiting, now)

    def withdraw(self, waiting: Waiting) -> None:
        """It does not want to go any more."""
        waiting.line = ""

    def share(self, workers: int, now: float) -> None:
        """See `Buckets.share`; whoever waits is looked at again."""
        self._buckets.share(workers)
        for line in list(self._lines.values()):
            self._announce(line, now)
        self.release(now)

    def opens_at(self) -> float:
        """When `release` is to be called next; infinite if nobody waits."""
        while self._openings and not self._is_valid(*self._openings[0]):
            heapq.heappop(self._openings)
        return self._openings[0][0] if self._openings else float("inf")

    def release(self, now: float) -> None:
        """Lets everybody go who may by now."""
        while self.opens_at() <= now:
            _, name = heapq.heappop(self._openings)
            self._open(self._lines[name], now)

    def _is_valid(self, opens: float, name: str) -> bool:
        line = self._lines.get(name)
        return line is not None and line.opens == opens

    def _open(self, line: _Line, now: float) -> None:
        while True:
            waiting, urgent = line.first()
            if waiting is None or self._buckets.ready_for(line.budget, now, urgent=urgent) > now:
                break
            waiting.line = ""
            self._place(waiting, now, owed=line if urgent else None)
        self._announce(line, now)

    def _place(self, waiting: Waiting, now: float, owed: _Line | None = None) -> None:
        """Lets it go, or puts it in the line of the budget that opens last. `owed`: there it may go as if urgent."""
        opens, last = now, None
        for budget in waiting.budgets:
            urgent = waiting.urgent or (owed is not None and owed.budget.name == budget.name)
            ready = self._buckets.ready_for(budget, now, urgent=urgent)
            if ready > opens:
                opens, last = ready, budget
        if last is None:
            self._let_go(waiting, now)
            return
        line = self._lines.get(last.name)
        if line is None:
            line = self._lines[last.name] = _Line(last)
        waiting.line = last.name
        heapq.heappush(line.urgent if waiting.urgent else line.growing, (waiting.order, waiting))
        if opens < line.opens:
            self._announce(line, now)

    def _let_go(self, waiting: Waiting, now: float) -> None:
        waiting.line = ""
        self._buckets.take(waiting.budgets, now)
        for budget in waiting.budgets:
            line = self._lines.get(budget.name)
            if line is not None:
                line.in_a_row = line.in_a_row + 1 if waiting.urgent else 0
                if line.in_a_row == IN_A_ROW:
                    self._announce(line, now)
        waiting.go()

    def _announce(self, line: _Line, now: float) -> None:
        """Notes when a line opens next; one that nobody stands in any more is forgotten."""
        first, urgent = line.first()
        if first is None:
            self._lines.pop(line.budget.name, None)
            return
        line.opens = self._buckets.ready_for(line.budget, now, urgent=urgent)
        heapq.heappush(self._openings, (line.opens, line.budget.name))
