"""Tables as aligned text: Discord has none. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Literal

Align = Literal["left", "center", "right"]

WIDEST = 40
"""Columns of a cell up to which its column is filled up; one long cell must not blow up every row."""
GAP = "  "


def width(text: str) -> int:
    """Columns in a fixed-width font: wide characters and emoji take two, marks and joiners none."""
    columns = last = 0
    joined = flag = False
    for char in text:
        if char == "\u200d":
            joined = True
            continue
        if char == "\ufe0f":
            # shown as an emoji, which is wide
            columns += 2 - last if last == 1 else 0
            last = 2
            continue
        if unicodedata.category(char) in ("Mn", "Me", "Cf") or "\U0001f3fb" <= char <= "\U0001f3ff":
            continue
        if joined:
            joined = False
            continue
        if "\U0001f1e6" <= char <= "\U0001f1ff":
            # two letters make one flag
            flag = not flag
            last = 2 if flag else 0
        else:
            flag = False
            last = 2 if unicodedata.east_asian_width(char) in "WF" else 1
        columns += last
    return columns


def aligned(rows: Sequence[Sequence[str]], alignment: Sequence[Align]) -> list[str]:
    """The lines of a table whose first row is its head; every row has as many cells as there are alignments."""
    widths = [min(WIDEST, max(width(row[i]) for row in rows)) for i in range(len(alignment))]
    lines = [_line(row, widths, alignment) for row in rows]
    return [lines[0], GAP.join("─" * max(w, 1) for w in widths), *lines[1:]]


def _line(cells: Sequence[str], widths: Sequence[int], alignment: Sequence[Align]) -> str:
    filled = []
    for cell, columns, align in zip(cells, widths, alignment, strict=True):
        free = max(columns - width(cell), 0)
        before = {"left": 0, "center": free // 2, "right": free}[align]
        filled.append(" " * before + cell + " " * (free - before))
    return GAP.join(filled).rstrip()
