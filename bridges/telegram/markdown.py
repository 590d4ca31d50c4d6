"""Reading Markdown so that nothing of it gets lost.

CommonMark with tables and strikethrough. What a reader would miss on Telegram stays as it was written: HTML, footnotes,
link definitions (of which a footnote is one to CommonMark), formulas in any of their usual brackets.
"""

from __future__ import annotations

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.tree import SyntaxTreeNode

from core.markdown.noise import calm

DEEPEST = 100
"""Levels of nesting; the parser leaves out what lies deeper."""

_BLOCK_BRACKETS = (("$$", "$$"), ("\\[", "\\]"))
_INLINE_BRACKETS = (("$$", "$$"), ("\\[", "\\]"), ("\\(", "\\)"))


class _Parser(MarkdownIt):
    """Takes every address as it is written: which of them may be links is decided by who renders them."""

    def validateLink(self, url: str) -> bool:
        return True

    def normalizeLink(self, url: str) -> str:
        return url

    def normalizeLinkText(self, link: str) -> str:
        return link


def parse(text: str) -> SyntaxTreeNode | None:
    """The tree, or None if the text is nested deeper than can be read."""
    tokens = _PARSER.parse(text)
    if any(token.level >= DEEPEST - 2 for token in tokens):
        return None
    return SyntaxTreeNode(tokens)


def _formula(state: StateInline, silent: bool) -> bool:
    """A formula within a line is text, whatever is in it."""
    end = _formula_end(state.src, state.pos, state.posMax)
    if end is None:
        return False
    if not silent:
        state.pending += state.src[state.pos : end]
    state.pos = end
    return True


def _formula_end(source: str, start: int, limit: int) -> int | None:
    for opening, closing in _INLINE_BRACKETS:
        if source.startswith(opening, start):
            found = source.find(closing, start + 2, limit)
            return found + 2 if found > start + 2 else None
    if not source.startswith("$", start):
        return None
    found = source.find("$", start + 1, limit)
    inside = source[start + 1 : found]
    # as Pandoc reads it, so that two prices in a line are no formula
    if found < 0 or not inside or inside != inside.strip() or source[found + 1 : found + 2].isdigit():
        return None
    return found + 1


def _formula_block(state: StateBlock, first: int, end: int, silent: bool) -> bool:
    """A formula that begins a line and ends one."""
    if state.is_code_block(first):
        return False
    for opening, closing in _BLOCK_BRACKETS:
        if state.src.startswith(opening, state.bMarks[first] + state.tShift[first]):
            last = _closing_line(state, first, end, closing)
            if last is None and state.getLines(first, first + 1, state.blkIndent, False).strip() == opening:
                last = _last_line(state, first, end)  # still being written
            if last is None:
                return False
            if not silent:
                token = state.push("formula", "math", 0)
                token.content = state.getLines(first, last + 1, state.blkIndent, False)
                token.map = [first, last + 1]
                state.line = last + 1
            return True
    return False


def _last_line(state: StateBlock, first: int, end: int) -> int:
    """Of the container that the first line is in."""
    outside = (n for n in range(first + 1, end) if not state.isEmpty(n) and state.sCount[n] < state.blkIndent)
    return next(outside, end) - 1


def _closing_line(state: StateBlock, first: int, end: int, closing: str) -> int | None:
    for line in range(first, end):
        if line > first and not state.isEmpty(line) and state.sCount[line] < state.blkIndent:
            return None
        start = state.bMarks[line] + state.tShift[line]
        text = state.src[start + 2 if line == first else start : state.eMarks[line]]
        if closing in text:
            return line if text.rstrip().endswith(closing) and text.count(closing) == 1 else None
    return None


_PARSER = _Parser("commonmark", {"html": False, "maxNesting": DEEPEST})
_PARSER.enable(["table", "strikethrough"]).disable("reference")
_PARSER.inline.ruler.before("escape", "formula", _formula)
_PARSER.block.ruler.before("fence", "formula", _formula_block, {"alt": ["paragraph", "blockquote", "list"]})
calm(_PARSER)
