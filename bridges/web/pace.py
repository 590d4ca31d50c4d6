"""How fast answers grow. Nobody sets a limit but our own database, in which every edit is a transaction."""

from __future__ import annotations

from collections.abc import Iterator

from core.model import ThreadId
from core.pace import Budget, Call, Pace

ALL = Budget("web", calls=100, seconds=1.0, reserve=30, burst=10, shared=True)
"""A few hundred small transactions a second are what a plain disk takes."""


def _budgets(thread: ThreadId, call: Call) -> Iterator[Budget]:
    yield ALL
    yield Budget(f"web:{thread}", calls=8, seconds=1.0, reserve=2, burst=3)


PACE = Pace(_budgets, placeholder=True)
"""With a placeholder: readers see at once that an answer begins, whichever process writes it."""
