"""Tables as aligned lines, for a font in which every character is one or two cells wide."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Literal

Alignment = Literal["left", "center", "right"]


def width(text: str) -> int:
    """Cells that a fixed-width font needs for it."""
    cells = 0
    for character in text:
        if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf", "Cc"):
            continue
        cells += 2 if unicodedata.east_asian_width(character) in "WF" else 1
    return cells


def drawn(rows: Sequence[Sequence[str]], alignments: Sequence[Alignment]) -> str:
    """The first row is the head. Rows may be shorter than `alignments`, never longer."""
    columns = len(alignments)
    cells = [[row[n] if n < len(row) else "" for n in range(columns)] for row in rows]
    widths = [max(1, *(width(row[n]) for row in cells)) for n in range(columns)]
    lines = [
        " | ".join(_padded(cell, widths[n], alignments[n]) for n, cell in enumerate(row)).rstrip() for row in cells
    ]
    lines.insert(1, "-+-".join("-" * cell for cell in widths))
    return "\n".join(lines)


def _padded(cell: str, cells: int, alignment: Alignment) -> str:
    missing = cells - width(cell)
    before = {"left": 0, "center": missing // 2, "right": missing}[alignment]
    return " " * before + cell + " " * (missing - before)
