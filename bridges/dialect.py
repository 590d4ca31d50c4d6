"""Standard Markdown as a tree: CommonMark with tables and strikethrough, plus what must not be taken for emphasis.

HTML is text, link definitions stay visible, bare addresses and formulas are nodes of their own (`address`, `formula`,
`formula_block`): inside them no character has a meaning.
"""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.tree import SyntaxTreeNode

from core.markdown.formula import formula, surely
from core.markdown.noise import calm

DEEPEST = 40
"""Levels of quotes and lists; the parser drops what is deeper, so such a text is not parsed at all."""

_SCHEME = re.compile(r"(?<![a-z0-9])https?$", re.IGNORECASE)
_ADDRESS = re.compile(r"://[^\s<>*`|\\\x00-\x1f]+")


def parse(text: str) -> SyntaxTreeNode | None:
    """The tree, or None for a text that is nested too deeply to be shown in any shape but its own."""
    tokens = _PARSER.parse(text)
    if any(token.level >= DEEPEST - 1 for token in tokens):
        return None
    return SyntaxTreeNode(tokens)


def _address(state: StateInline, silent: bool) -> bool:
    """`https://...`, up to what usually ends a sentence or a markup around it."""
    if state.src[state.pos] != ":" or (scheme := _SCHEME.search(state.pending)) is None:
        return False
    match = _ADDRESS.match(state.src, state.pos, state.posMax)
    if match is None:
        return False
    rest = _trimmed(match[0])
    if len(rest) <= len("://"):
        return False
    if not silent:
        state.pending = state.pending[: -len(scheme[0])]
        state.push("address", "", 0).content = scheme[0] + rest
    state.pos += len(rest)
    return True


def _trimmed(address: str) -> str:
    while address:
        last = address[-1]
        closing = {")": "(", "]": "["}.get(last)
        if last in "?!.,:;\"'_~" or (closing and address.count(last) > address.count(closing)):
            address = address[:-1]
        else:
            break
    # an address inside the text or target of a link ends where that does
    return re.split(r"\](?=\()", address)[0]


def _formula(state: StateInline, silent: bool) -> bool:
    found = formula(state.src, state.pos, state.posMax)
    if found is None:
        return False
    if not silent:
        state.push("formula", "", 0).content = found.content
    state.pos = found.end
    return True


def _formula_block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    r"""Lines between `$$` or `\[` and its counterpart; while that is still missing, all that follows."""
    if state.is_code_block(start):
        return False
    first = state.src[state.bMarks[start] + state.tShift[start] : state.eMarks[start]].strip()
    closing = {"$$": "$$", r"\[": r"\]"}.get(first[:2])
    if closing is None:
        return False
    inner = first[2:].strip()
    lines: list[str] = []
    line = start
    if len(inner) > 2 and inner.endswith(closing) and (closing == "$$" or surely(inner[:-2])):
        lines = [inner[:-2].strip()]
    elif inner:
        return False
    else:
        line += 1
        while line < end:
            if not state.isEmpty(line) and state.sCount[line] < state.blkIndent:
                line -= 1
                break
            text = state.getLines(line, line + 1, state.blkIndent, False)
            if text.rstrip().endswith(closing):
                lines.append(text.rstrip()[:-2].rstrip())
                break
            lines.append(text)
            line += 1
    if silent:
        return True
    state.line = min(line + 1, end)
    token = state.push("formula_block", "", 0)
    token.content = "\n".join(lines).strip("\n")
    token.map = [start, state.line]
    return True


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": DEEPEST})
    parser.enable(["table", "strikethrough"])
    parser.disable(["reference", "html_block", "html_inline"])
    parser.inline.ruler.before("escape", "formula", _formula)
    parser.inline.ruler.before("escape", "address", _address)
    parser.block.ruler.before("fence", "formula_block", _formula_block, {"alt": ["paragraph", "blockquote", "list"]})
    calm(parser)
    return parser


_PARSER = _parser()
