r"""Formulas within a line: `\( ... \)`, `\[ ... \]`, `$$ ... $$`, and `$ ... $` where that is no money and no variable.

Markdown knows none. A bridge that shows them has to find them before anything in them is taken for markup.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_DOLLARS = re.compile(r"\$(?![\s$])((?:\\.|[^$\\`\n])+?)(?<!\s)\$(?![0-9A-Za-z$])")
_MATHS = re.compile(r"[\\^_{}=<>+]|^[A-Za-z]$|^[A-Za-z0-9 ]*[-*/][A-Za-z0-9 ]*$")
_SURELY_MATHS = re.compile(r"[\\^=]")
_BRACKETS = ((r"\(", r"\)"), (r"\[", r"\]"), ("$$", "$$"))


class Formula(NamedTuple):
    content: str
    """Without what stands around it."""
    end: int
    """Where the text goes on."""


def surely(content: str) -> bool:
    """Is it a formula, although it stands in brackets that are also written with a backslash where they are none?"""
    return _SURELY_MATHS.search(content) is not None


def formula(text: str, at: int, limit: int) -> Formula | None:
    """The formula that begins at `at` and ends before `limit`."""
    for opening, closing in _BRACKETS:
        if text.startswith(opening, at):
            end = text.find(closing, at + 2, limit)
            content = text[at + 2 : max(end, at + 2)].strip()
            if not content or "`" in content or (opening == r"\[" and not surely(content)):
                return None
            return Formula(content, end + 2)
    if text[at] != "$" or (at and (text[at - 1].isalnum() or text[at - 1] == "$")):
        return None
    match = _DOLLARS.match(text, at, limit)
    return Formula(match[1], match.end()) if match and _MATHS.search(match[1]) else None
