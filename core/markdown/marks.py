"""The places where a part could end."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from core.markdown.blocks import Block, Kind, Leaf, Line
from core.markdown.graphemes import next_boundary
from core.markdown.inline import NOTHING, Inline
from core.markdown.rank import Rank, between_words, within_word

_STEP = 8
"""Characters from one place to the next within a long word."""


@dataclass(frozen=True, slots=True)
class Start:
    """Where a part begins, and within what."""

    begun: bool = False
    """The text before belongs to other parts, and the rest begins with the newline after it or within a line."""
    block: Block = field(default_factory=Block)
    inline: Inline = NOTHING
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


_WORD = re.compile(r"\S+")
_SETTLED = re.compile(r"[^-=+*_:|#>`~.\d)\s]")
_BAR = re.compile(r"[> ]*\|")


class Places:
    """Collects the places within one line, whose content begins at `size` in the part, from `begin` on."""

    def __init__(
        self,
        marks: list[Mark],
        context: Context,
        line: Line,
        shown: str,
        size: int,
        begin: int,
        shift: int,
        plain: bool,
    ) -> None:
        self._marks = marks
        self._context = context
        self._line = line
        self._shown = shown
        self._word = begin
        """Where the present word began."""
        words = len(shown[size:begin].rstrip())
        self._stop = size + words if words else -1
        """Where the last word ended; -1: there was none."""
        self._shift = shift
        """From an offset in the part to one in the text."""
        self._plain = plain or _SETTLED.search(shown, size, begin) is not None
        """The line has shown what it is: no list, no rule, no underline can come of it any more."""
        bar = _BAR.match(shown, shown.rfind("\n", 0, size) + 1) if line.kind is Kind.TEXT else None
        self._bar = bar.end() if bar else len(shown) + 1
        """From there on the line is most likely the header of a table."""

    def add(self, at: int, stop: int, inline: Inline, plain: bool) -> None:
        """Takes the next token. Before its words and, if it is all plain, within them may be places to cut."""
        if not plain:
            self._add(at, stop, inline, False)
            return
        for word in _WORD.finditer(self._shown, at, stop):
            self._add(*word.span(), inline, True)

    def _add(self, at: int, stop: int, inline: Inline, plain: bool) -> None:
        shown, before = self._shown, self._stop
        if 0 <= before < at:
            if self._plain:
                self._mark(before, between_words(self._line, inline, shown, before, at, self._bar <= before), inline)
            self._word = at
        elif before < 0 and shown[at - 1 : at].isspace():
            self._word = at
        self._stop = stop
        settled = at
        if not self._plain and (found := _SETTLED.search(shown, at, stop)):
            self._plain, settled = True, found.start()
        if plain and self._plain and stop - self._word > _STEP:
            position = max(at, settled)
            position += _STEP - (position - self._word) % _STEP
            while 0 < (position := next_boundary(shown, position, stop)) < stop:
                self._mark(position, within_word(self._line, inline, shown, position), inline)
                position += _STEP - (position - self._word) % _STEP

    def _mark(self, size: int, rank: Rank | None, inline: Inline) -> None:
        if rank is not None:
            self._marks.append(Mark(size + self._shift, size, rank, inline, self._context))
