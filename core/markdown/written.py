"""A line as a part shows it."""

from __future__ import annotations

from typing import NamedTuple

from core.markdown.blocks import Block, Line
from core.markdown.inline import Inline


class Written(NamedTuple):
    """A line of the part."""

    source: int
    """Offset in the text; -1 for the rest of a line that was cut."""
    start: int
    """Offset in the part of its newline."""
    content: int
    """Offset in the part of its content."""
    line: Line
    before: Block
    inline: Inline
    """What was open before it."""

    def piped(self, shown: str) -> bool:
        """Of a row: does it begin with a pipe, and so end with one? The rest of a row that was cut does."""
        return self.source < 0 or shown.startswith("|", self.content)
