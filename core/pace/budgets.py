"""What a bridge declares: the limits that its platform sets, and which of them a call draws on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from core.model import ThreadId

Call = Literal["create", "edit", "append", "close", "type", "sign", "unsign"]
"""`append` and `close`: growing a message, and ending that, where a platform has calls of their own for it. `type`:
showing that an answer is being written. `sign` and `unsign`: showing that a person's message waits, and that it does
not any more."""


class Stated(NamedTuple):
    """What the platform itself said last of a budget."""

    remaining: int
    """Calls that are still free."""
    ends: float
    """When they are counted anew, by the event loop's clock."""


@dataclass(frozen=True, slots=True)
class Budget:
    """At most `calls` in any `seconds`. Budgets of one name share one count.

    Edits of growing text get along with `calls - reserve`: `burst` of them may come quickly after a rest, and the
    others evenly. More burst makes short answers smoother and lets long ones grow more slowly, for both come out of
    one limit."""

    name: str
    calls: int
    seconds: float = 1.0
    reserve: float = 0.0
    """Calls that only creations, first texts and final edits may use, so that the last edit has room. A part of a call
    only makes the growing slower, by that part."""
    burst: float = 1.0
    """At least 1, at most `calls - reserve`."""
    shared: bool = False
    """Every worker draws on it, so that each gets its part of it: a budget of the whole bot or workspace.

    That of one channel is not shared, although two workers may each have a thread in it: at the same moment that is
    rare, and a refusal, which closes this budget alone, costs less than the division would cost everybody."""
    stated: Callable[[], Stated | None] = field(default=lambda: None, compare=False)
    """As long as the platform says what is left, that counts, and not `calls` and `seconds`. None: it has not said."""

    def __post_init__(self) -> None:
        if self.calls < 1 or self.burst < 1.0 or self.growth <= 0.0:
            raise ValueError(f"a budget that lets no text grow: {self.name}")

    @property
    def growth(self) -> float:
        """Edits of growing text in a second that go on for ever."""
        return (self.calls - self.reserve - (self.burst - 1.0)) / self.seconds


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast one bot may speak. Values and their sources stand beside the bridge."""

    budgets: Callable[[ThreadId, Call], Iterable[Budget]]
    """All that a call in a thread draws on, the narrowest last."""
    placeholder: bool = False
    """A part is created empty, at once, and then written: for a platform that cannot find its own posts (I4)."""
