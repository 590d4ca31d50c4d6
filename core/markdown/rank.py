"""How good a place is to cut.

A rank depends on the text before the place and on the first visible character behind it, and on nothing else: so it is
the same for every text that goes on from there, which is what keeps settled parts where they are.
"""

from __future__ import annotations

import re
from enum import IntEnum, auto

from core.markdown.blocks import QUOTE, Block, Kind, Leaf, Line
from core.markdown.inline import Inline


class Rank(IntEnum):
    """The best first."""

    HEADING = auto()
    BLOCK = auto()
    NESTED = auto()
    LINE = auto()
    SENTENCE = auto()
    WORD = auto()
    INSIDE = auto()
    """Within emphasis or code, which is closed and opened again."""
    POOR = auto()
    """Where the next part might begin like another block, or a heading lose its text."""
    HARD = auto()
    """Within a word."""
    BOND = auto()
    """Within a link, a formula or a tag, which then shows as it is written."""


_SENTENCE = re.compile(r"[.!?…。！？][\"'”’」』)\]*_~]{0,4}$")
_LAST_OF_SENTENCE = ".!?…。！？\"'”’」』)]*_~"
_FULL_STOP = "。！？；"
_WIDE = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uff60\U00020000-\U0003ffff]")
_NOT_FIRST = "、。，．：；！？）」』】》〉”’…"
_LOOKS_LIKE_A_BLOCK = "-+#>=|~<:`0123456789"


def between_lines(
    block: Block, previous: Kind, inline: Inline, size: int, following: str, *, blank: bool
) -> Rank | None:
    """The end of a line of kind `previous`, where `following` is the next visible one; None: no place to cut."""
    bare = following.lstrip()
    char, indent = bare[0], len(following) - len(bare)
    match previous:
        case Kind.FENCE_OPEN | Kind.DELIMITER:
            return None
        case Kind.HEADING | Kind.UNDERLINE | Kind.BLANK:
            return Rank.POOR
        case Kind.CODE if block.leaf is Leaf.FENCE:
            if char == block.marker[0]:
                return Rank.POOR
            return Rank.NESTED if blank else Rank.LINE
        case _ if blank or previous in (Kind.FENCE_CLOSE, Kind.RULE):
            if indent or (block.containers and char == ">"):
                return Rank.NESTED
            return Rank.HEADING if char == "#" else Rank.BLOCK
        case Kind.CODE | Kind.ROW:
            return Rank.LINE
        case _:
            return _within_paragraph(block, inline, size, char, indent)


def _within_paragraph(block: Block, inline: Inline, size: int, char: str, indent: int) -> Rank:
    if inline.bound(size):
        return Rank.BOND
    lasting = inline.lasting(size)
    if lasting.stack or lasting.ticks:
        return Rank.INSIDE
    items = [width for width in block.containers if width != QUOTE]
    if items and indent < sum(items) and (char in "-*+" or char.isdigit()):
        return Rank.LINE if indent else Rank.NESTED
    if char == "=" or (char in "|:-" and "|" in block.header):
        return Rank.BOND
    if char in ":|-*+" or char.isdigit() or "|" in block.header:
        return Rank.POOR
    return Rank.LINE


def between_words(line: Line, inline: Inline, text: str, stop: int, at: int, header: bool) -> Rank | None:
    """The white space `text[stop:at]` within a line, which may be most likely the `header` of a table; None: no place
    to cut."""
    if inline.ticks:
        if stop <= inline.ticks_at + inline.ticks or "`" in (text[stop - 1], text[at]):
            return None
        return Rank.INSIDE if inline.lasting(stop).ticks else Rank.WORD
    if header or (inline.bonds and inline.bound(stop)):
        return Rank.BOND
    if line.kind is not Kind.TEXT or text[at] in _LOOKS_LIKE_A_BLOCK or text[stop - 1] == "\\":
        return Rank.POOR
    if inline.stack and inline.lasting(stop).stack:
        return Rank.INSIDE
    ended = text[stop - 1] in _LAST_OF_SENTENCE and _SENTENCE.search(text, max(0, stop - 6), stop)
    return Rank.SENTENCE if ended else Rank.WORD


def within_word(line: Line, inline: Inline, text: str, at: int) -> Rank | None:
    """A place within a word; None: no place to cut."""
    if inline.ticks and (at <= inline.ticks_at + inline.ticks):
        return None
    if inline.bound(at):
        return Rank.BOND
    before, after = text[at - 1], text[at]
    if line.kind is Kind.TEXT and _WIDE.match(before) and after not in _NOT_FIRST:
        if inline.lasting(at).closers:
            return Rank.INSIDE
        return Rank.SENTENCE if before in _FULL_STOP else Rank.WORD
    return Rank.HARD
