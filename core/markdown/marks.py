"""The places where a part could end."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from core.markdown.blocks import Block, Kind, Leaf, Line
from core.markdown.graphemes import next_boundary
from core.markdown.inline import Inline
from core.markdown.rank import Rank, between_words, within_word

_STRIDE = 128
"""Characters from one place to the next where it is remembered what is open, wherever a part could end."""
_STEP = 8
"""Characters from one place to the next within a long word."""


@dataclass(frozen=True, slots=True)
class Start:
    """Where a part begins, and within what."""

    begun: bool = False
    """The text before belongs to other parts, and the rest begins with the newline after it or within a line."""
    block: Block = field(default_factory=Block)
    inline: Inline = field(default_factory=Inline)
    line: Line | None = None
    """The line that was cut; None between lines."""
    column: int = 0
    """So many cells of a row that was cut are in the part before."""
    bare: bool = False
    """Opens as little as possible again, for there is no room for it."""


class Context(NamedTuple):
    """What all the places of one line share."""

    block: Block
    line: Line | None
    """None at its end."""
    lines: int
    base: int
    table: bool
    previous: Kind
    inline: Inline
    numbered: int


class Mark(NamedTuple):
    """A place where the part could end. All about it is settled by the text up to the next visible character."""

    at: int
    """Offset in the text from the beginning of the part on; white space may follow."""
    size: int
    """Length of the part up to here, without what closes it."""
    rank: Rank
    inline: Inline
    context: Context

    @property
    def start(self) -> Start:
        """What the next part begins with, if this one ends here."""
        line = self.context.line
        if line and line.after.leaf is Leaf.PARAGRAPH:  # half a line is no header
            line = replace(line, after=replace(line.after, header=""))
        return Start(True, self.context.block, self.inline.lasting(self.size), line)


_SETTLED = re.compile(r"[^-=+*_:|#>`~.\d)]")


class Places:
    """Collects the places within one line, from the end of what the part shows so far on."""

    def __init__(
        self,
        marks: list[Mark],
        known: list[tuple[int, Inline]],
        context: Context,
        line: Line,
        shown: str,
        word: int,
        shift: int,
    ) -> None:
        self._marks = marks
        self._known = known
        self._context = context
        self._line = line
        self._shown = shown
        self._word = word
        """Where the present word began."""
        self._shift = shift
        """From an offset in the part to one in the text."""
        self._stop = -1
        self.plain = False
        """The line has shown what it is: no list, no rule, no underline can come of it any more."""

    def add(self, at: int, stop: int, inline: Inline, plain: bool) -> None:
        """Takes the next token. Before it and, if it is all plain, within it may be places to cut."""
        shown = self._shown
        if not self._known or at - self._known[-1][0] >= _STRIDE:
            self._known.append((at, inline))
        if 0 <= self._stop < at:
            if self.plain and (rank := between_words(self._line, inline, shown, self._stop, at)):
                self._mark(self._stop, rank, inline)
            self._word = at
        elif self._stop < 0 and shown[at - 1 : at].isspace():
            self._word = at
        self._stop = stop
        settled = at
        if not self.plain and (found := _SETTLED.search(shown, at, stop)):
            self.plain, settled = True, found.start()
        if plain and self.plain and stop - self._word > _STEP:
            position = max(at, settled)
            position += _STEP - (position - self._word) % _STEP
            while 0 < (position := next_boundary(shown, position, stop)) < stop:
                if rank := within_word(self._line, inline, shown, position):
                    self._mark(position, rank, inline)
                position += _STEP - (position - self._word) % _STEP

    def _mark(self, size: int, rank: Rank, inline: Inline) -> None:
        self._marks.append(Mark(size + self._shift, size, rank, inline, self._context))
