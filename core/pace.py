"""How often a platform may be called. Deciding is pure: no clock, no sleep; waiting is the live reply's.

A budget is a token bucket with a name. A call draws on one or more of them (the bot's, the channel's, the message's);
it may go when all have a token. A refusal (`retry_after`) closes the one budget it belongs to until then and halves
its speed, which is learned again slowly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from core.model import ThreadId

Call = Literal["create", "edit"]


@dataclass(frozen=True, slots=True)
class Budget:
    """A name and its limits. Budgets of one name share one bucket."""

    name: str
    per_second: float
    burst: float = 1.0
    """Calls that may go at once after a rest; at least 1."""
    reserve: float = 0.0
    """Tokens that only creations and final edits may use, so that the last edit always has room."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast one bot may speak. Values and their sources stand beside the bridge."""

    budgets: Callable[[ThreadId, Call], Iterable[Budget]]
    """All that a call in a thread draws on."""
