"""What a person may press below a reply. Platforms show it as buttons; all that a button says is in its data, so that
it does the same after a restart, in whatever process."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Control(StrEnum):
    """Named as the command that a press stands for."""

    STOP = "stop"
    RETRY = "retry"
    NEW = "new"
    GOOD = "good"
    BAD = "bad"


LABELS = {
    Control.STOP: "Stop",
    Control.RETRY: "Retry",
    Control.NEW: "New conversation",
    Control.GOOD: "Good answer",
    Control.BAD: "Bad answer",
}

_NAMES = frozenset(LABELS)

RATINGS = {Control.GOOD: 1, Control.BAD: -1}


@dataclass(frozen=True, slots=True)
class Controls:
    """The buttons below one message of a turn's reply."""

    turn: int = 0
    offered: tuple[Control, ...] = ()

    def data(self, control: Control) -> str:
        """What the button says when it is pressed; at most 30 characters."""
        return f"{control}:{self.turn}"


NONE = Controls()


def growing(turn: int) -> Controls:
    return Controls(turn, (Control.STOP,))


def finished(turn: int, *, answered: bool) -> Controls:
    """What is not an answer is not rated."""
    again = (Control.RETRY, Control.NEW)
    return Controls(turn, (*again, Control.GOOD, Control.BAD) if answered else again)


def pressed(data: str) -> tuple[Control, int] | None:
    """The reverse of `Controls.data`; None for what is none of ours."""
    name, _, turn = data.partition(":")
    if name not in _NAMES or not (turn.isascii() and turn.isdecimal()) or len(turn) > 18:
        return None
    return Control(name), int(turn)
