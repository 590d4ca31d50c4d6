"""Paragraphs that are nothing but marks: no reader wants them formatted, and parsers take quadratic time over them."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

MOST = 400
"""Marks that a paragraph may have whatever else is in it."""

_MARKS = re.compile(r"[*_~`\[\]()<>$\\&!]")


def noise(text: str) -> bool:
    """Are marks at least half of all that is no white space?"""
    if len(text) <= MOST:
        return False
    marks = len(_MARKS.findall(text))
    return marks > MOST and 2 * marks >= len("".join(text.split()))


def calm(parser: MarkdownIt) -> None:
    """Makes a parser show such paragraphs as they are written."""
    parser.core.ruler.at("inline", _inline)


def _inline(state: StateCore) -> None:
    for token in state.tokens:
        if token.type != "inline":
            continue
        token.children = []
        if noise(token.content):
            for number, line in enumerate(token.content.split("\n")):
                token.children += [Token("softbreak", "br", 0)] if number else []
                token.children += [Token("text", "", 0, content=line)]
        else:
            state.md.inline.parse(token.content, state.md, state.env, token.children)
