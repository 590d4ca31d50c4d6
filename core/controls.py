"""What a person may press below a reply. Platforms show it as buttons; all that a button says is in its data, so that
it does the same after a restart, in whatever process."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Control(StrEnum):
    """Named as the command that a press stands for. `USE` is a button for each name that may be chosen."""

    STOP = "stop"
    RETRY = "retry"
    NEW = "new"
    USE = "use"
    GOOD = "good"
    BAD = "bad"


LABELS = {
    Control.STOP: "Stop",
    Control.RETRY: "Retry",
    Control.NEW: "New conversation",
    Control.GOOD: "Good answer",
    Control.BAD: "Bad answer",
}

_NAMES = frozenset(str(one) for one in Control)

RATINGS = {Control.GOOD: 1, Control.BAD: -1}

MOST_CHOICES = 25
"""Buttons of one message: no platform takes fewer."""
LONGEST_DATA = 64
"""Bytes of what a button says: no platform takes fewer."""
_LONGEST_TURN, _LONGEST_KEY = 18, 40


@dataclass(frozen=True, slots=True)
class Choice:
    """A name that may be chosen."""

    name: str
    present: bool
    """It is chosen already."""

    def label(self, longest: int) -> str:
        """What the button shows, in so many characters at most."""
        text = f"✓ {self.name}" if self.present else self.name
        return text if len(text) <= longest else text[: longest - 1] + "…"


@dataclass(frozen=True, slots=True)
class Controls:
    """The buttons below one message of a turn's reply: of two kinds, of which a message has one."""

    turn: int = 0
    offered: tuple[Control, ...] = ()
    choices: tuple[Choice, ...] = ()

    def __bool__(self) -> bool:
        """Is there any?"""
        return bool(self.offered or self.choices)

    def data(self, control: Control, name: str = "") -> str:
        """What the button says when it is pressed, in at most `LONGEST_DATA` bytes. `name`: the choice that it stands
        for."""
        return f"{control}:{self.turn}:{key(name)}" if name else f"{control}:{self.turn}"


NONE = Controls()


@dataclass(frozen=True, slots=True)
class NotTaken:
    """A press that came to nothing."""

    note: str
    """Why, for whoever pressed, and for nobody else; empty: nothing is said."""


def growing(turn: int) -> Controls:
    return Controls(turn, (Control.STOP,))


def finished(turn: int, *, answered: bool) -> Controls:
    """What is not an answer is not rated."""
    again = (Control.RETRY, Control.NEW)
    return Controls(turn, (*again, Control.GOOD, Control.BAD) if answered else again)


def choosing(turn: int, names: Sequence[str], present: str) -> Controls:
    """The first of the names, where there are very many: all can be chosen in words too."""
    return Controls(turn, choices=tuple(Choice(name, name == present) for name in names[:MOST_CHOICES]))


def key(name: str) -> str:
    """A name as a button has it, itself if it is not too long."""
    encoded = name.encode()
    if len(encoded) <= _LONGEST_KEY:
        return name
    digest = hashlib.sha256(encoded).hexdigest()[:12]
    return f"{encoded[: _LONGEST_KEY - 16].decode(errors='ignore')}… {digest}"


@dataclass(frozen=True, slots=True)
class Pressed:
    control: Control
    turn: int
    key: str = ""
    """Of the name that was chosen."""


def pressed(data: str) -> Pressed | None:
    """The reverse of `Controls.data`; None for what is none of ours."""
    name, _, rest = data.partition(":")
    turn, _, chosen = rest.partition(":")
    if not (turn.isascii() and turn.isdecimal()) or len(turn) > _LONGEST_TURN:
        return None
    if name not in _NAMES or (name == Control.USE) != bool(chosen):
        return None
    return Pressed(Control(name), int(turn), chosen)
