"""The inline structure of Markdown, read once from left to right: what is open at every point of a paragraph.

An opener counts as open until something closes it or the paragraph ends, so the state at a point never depends on text
behind it. What turns out to be a link, a formula or a tag takes the delimiters within it back out of account.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import NamedTuple

REACH = 1000
"""Characters after which an opener without its closer is taken for what it most likely is, a lone character."""
_SHORT_REACH = 400
"""The same for a single `*` or `_`, which is more often a lone one."""

_DEEPEST = 31
"""How many openers are kept beside a new one, so that a text of nothing else costs no more than others."""


class Delimiter(NamedTuple):
    """An opening run of emphasis, strong emphasis or strikethrough."""

    char: str
    length: int
    at: int
    """Offset of the run."""
    run: int
    """Its length as it was written."""
    both: bool
    """It could have been a closing run as well."""
    inherited: bool = False
    """Opened in an earlier part and opened again."""


class Bond(NamedTuple):
    r"""Something that is not to be parted: a link or image (`[`, `![`), a formula (`$`, `$$`, `\(`) or a tag (`<`)."""

    kind: str
    at: int
    stack: tuple[Delimiter, ...]
    """The delimiters that were open before it."""


class Inline(NamedTuple):
    """What is open at one point. Offsets are those of the text that was scanned."""

    stack: tuple[Delimiter, ...] = ()
    ticks: int = 0
    """Length of the backtick run that opened a code span; 0 outside of one."""
    ticks_at: int = 0
    ticks_inherited: bool = False
    bonds: tuple[Bond, ...] = ()
    target: int = -1
    """Offset of the bracket before a link's destination; -1 outside of one."""
    depth: int = 0
    """Parentheses open within the destination."""

    @property
    def closers(self) -> str:
        """What closes all that is open, the innermost first."""
        if not self.stack:
            return "`" * self.ticks
        return "`" * self.ticks + "".join(d.char * d.length for d in reversed(self.stack))

    @property
    def openers(self) -> str:
        """What opens again all that is open."""
        return "".join(d.char * d.length for d in self.stack) + "`" * self.ticks

    @property
    def within(self) -> bool:
        """Is anything open at all?"""
        return bool(self.stack or self.ticks or self.bonds)

    @property
    def inherited(self) -> Inline:
        """Only what an earlier part had opened."""
        if not self.stack and not self.ticks:
            return self
        ticks = self.ticks if self.ticks_inherited else 0
        return Inline(tuple(d for d in self.stack if d.inherited), ticks, self.ticks_at, ticks > 0)

    def lasting(self, at: int) -> Inline:
        """Without what has been open for so long at `at` that it is taken for a lone character."""
        if not self.stack and not self.ticks:
            return self
        ticks = self.ticks if self.ticks_inherited or at - self.ticks_at < REACH else 0
        stack = tuple(d for d in self.stack if d.inherited or at - d.at < (_SHORT_REACH if d.length == 1 else REACH))
        if ticks == self.ticks and len(stack) == len(self.stack):
            return self
        return self._replace(stack=stack, ticks=ticks)

    def bound(self, at: int) -> bool:
        """Is `at` within something that is not to be parted?"""
        return bool(self.bonds) and at - self.bonds[-1].at < REACH

    def inherit(self, at: int) -> Inline:
        """The same at the beginning of another part, whose text begins with the openers at `at`."""
        moved = []
        for each in self.stack:
            moved.append(each._replace(at=at, run=each.length, both=False, inherited=True))
            at += each.length
        return Inline(tuple(moved), self.ticks, at, self.ticks > 0)


NOTHING = Inline()
"""Nothing is open: most places of a text share it."""

_MARKERS = (
    r"|!(?!\[))|(?P<run>\*+|_+|~+)|(?P<ticks>`+)|(?P<open>!?\[)"
    r"|(?P<close>\])|(?P<escape>\\(?:[^\w\s]|_)?)|(?P<dollar>\$\$?)|(?P<paren>[()])|(?P<angle><)|(?P<end>>)"
)
_TOKEN = re.compile(r"(?P<word>[^\\`*_~\[\]$<>!()]+" + _MARKERS)
_IN_CODE = re.compile(r"(?P<word>[^`]+)|(?P<ticks>`+)")
"""All between two markers is one token."""

Token = Callable[[int, int, Inline, bool], None]
"""Told of every token: its offsets, what was open before it, and whether it is plain, without any marker."""


def _wordless(character: str) -> bool:
    return unicodedata.category(character)[0] in "PS"


def flanking(text: str, at: int, end: int, limit: int) -> tuple[bool, bool]:
    """Whether the run `text[at:end]` can open and can close emphasis, where `text` counts up to `limit`."""
    before = text[at - 1] if at else "\n"
    after = text[end] if end < limit else "\n"
    left = not after.isspace() and (not _wordless(after) or before.isspace() or _wordless(before))
    right = not before.isspace() and (not _wordless(before) or after.isspace() or _wordless(after))
    match text[at]:
        case "_":
            return left and (not right or _wordless(before)), right and (not left or _wordless(after))
        case "~" if end - at != 2:
            return False, False
        case _:
            return left, right


def _times(text: str, at: int, end: int, limit: int) -> bool:
    """Is the run a `*` as in `2*x`? Within a word it could begin emphasis, but hardly ever does."""
    around = text[max(0, at - 1) : at] + text[end : min(end + 1, limit)]
    return text[at:end] == "*" and len(around) == 2 and around.isascii() and around.isalnum()


def resolve(stack: tuple[Delimiter, ...], char: str, run: int, can_open: bool) -> tuple[tuple[Delimiter, ...], int]:
    """Lets a closing run close what it can; returns what stays open and how many characters of the run are left."""
    left = run
    index = len(stack) - 1
    while left and index >= 0:
        opener = stack[index]
        thirds = (opener.both or can_open) and (opener.run + run) % 3 == 0 and (opener.run % 3 or run % 3)
        if opener.char == char and not (thirds and char != "~"):
            taken = 2 if min(opener.length, left) >= 2 else 1
            stack = stack[:index]
            if opener.length > taken:
                stack = (*stack, opener._replace(length=opener.length - taken))
            left -= taken
            index = len(stack)
        index -= 1
    return stack, left


def scan(text: str, at: int, end: int, state: Inline, *, ends: bool, token: Token | None = None) -> tuple[Inline, int]:
    """Reads `text[at:end]`, a line or the rest of one, and returns what is open then and how far that is certain.

    With `ends` the line is known to end there. Without, the last token stays unread where more text could change it.
    """
    while at < end:
        found = (_IN_CODE if state.ticks else _TOKEN).match(text, at, end)
        stop = found.end() if found else at + 1
        kind = found.lastgroup if found else None
        if token:
            token(at, stop, state, kind == "word")
        if kind != "word" and kind is not None:
            if stop == end and not ends and kind not in ("paren", "angle", "end", "open"):
                return state, at
            state = _step(text, at, stop, end, kind, state)
        at = stop
    if ends and state.bonds:
        state = state._replace(bonds=tuple(b for b in state.bonds if b.kind not in ("$", r"\(", "<")))
    return state, at


def _step(text: str, at: int, stop: int, end: int, kind: str, state: Inline) -> Inline:
    if state.ticks:
        if kind != "ticks" or stop - at != state.ticks:
            return state
        return Inline(state.stack, bonds=state.bonds) if state.stack or state.bonds else NOTHING
    if state.target >= 0:
        return _in_target(text[at], state)
    top = state.bonds[-1].kind if state.bonds else ""
    match kind:
        case "run":
            if top == "<" and not text[at - 1].isspace():
                return state
            bonds = state.bonds[:-1] if top == "<" else state.bonds
            can_open, can_close = flanking(text, at, stop, end)
            can_open = can_open and not _times(text, at, stop, end)
            stack, left = resolve(state.stack, text[at], stop - at, can_open) if can_close else (state.stack, stop - at)
            if can_open and left:
                stack = (*stack[-_DEEPEST:], Delimiter(text[at], left, stop - left, stop - at, can_close))
            # outside of code and targets, nothing else is set
            return Inline(stack, bonds=bonds) if stack or bonds else NOTHING
        case "ticks":
            return Inline(state.stack, stop - at, at, bonds=state.bonds[:-1] if top == "<" else state.bonds)
        case "open":
            bonds = (*state.bonds[-_DEEPEST:], Bond(text[at:stop], at, state.stack))
            return Inline(state.stack, bonds=bonds)
        case "close":
            return _bracket(text, at, stop, end, state)
        case "dollar":
            return dollar(text, at, stop, end, state)
        case "escape" if text[at:stop] in (r"\(", r"\)"):
            return round_brackets(text, at, stop, state)
        case "angle" if stop < end and (text[stop].isalpha() or text[stop] in "/!"):
            return state._replace(bonds=(*state.bonds[-_DEEPEST:], Bond("<", at, state.stack)))
        case "end" if top == "<":
            return state._replace(bonds=state.bonds[:-1], stack=state.bonds[-1].stack)
        case _:
            return state


def _in_target(char: str, state: Inline) -> Inline:
    if char == "(":
        return state._replace(depth=state.depth + 1)
    if char != ")":
        return state
    if state.depth > 1:
        return state._replace(depth=state.depth - 1)
    bonds = state.bonds
    while bonds and bonds[-1].kind[-1] != "[":
        bonds = bonds[:-1]
    stack = bonds[-1].stack if bonds else state.stack
    return state._replace(stack=stack, bonds=bonds[:-1], target=-1, depth=0)


def _bracket(text: str, at: int, stop: int, end: int, state: Inline) -> Inline:
    index = next((i for i in range(len(state.bonds) - 1, -1, -1) if state.bonds[i].kind[-1] == "["), -1)
    if index < 0:
        return state
    if stop < end and text[stop] == "(":
        return state._replace(bonds=state.bonds[: index + 1], target=at)
    return state._replace(bonds=state.bonds[:index])


def round_brackets(text: str, at: int, stop: int, state: Inline) -> Inline:
    """The brackets of a formula."""
    index = next((i for i in range(len(state.bonds) - 1, -1, -1) if state.bonds[i].kind == r"\("), -1)
    if index >= 0 and text[stop - 1] == ")":
        return state._replace(bonds=state.bonds[:index], stack=state.bonds[index].stack)
    if index < 0 and text[stop - 1] == "(":
        return state._replace(bonds=(*state.bonds[-_DEEPEST:], Bond(r"\(", at, state.stack)))
    return state


def dollar(text: str, at: int, stop: int, end: int, state: Inline) -> Inline:
    kind = text[at:stop]
    index = next((i for i in range(len(state.bonds) - 1, -1, -1) if state.bonds[i].kind == kind), -1)
    after = text[stop] if stop < end else "\n"
    if index >= 0 and (kind == "$$" or not text[at - 1].isspace()):
        return state._replace(bonds=state.bonds[:index], stack=state.bonds[index].stack)
    if index < 0 and (kind == "$$" or not (after.isspace() or after.isdigit())):
        return state._replace(bonds=(*state.bonds[-_DEEPEST:], Bond(kind, at, state.stack)))
    return state
