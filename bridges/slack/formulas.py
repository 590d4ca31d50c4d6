r"""Formulas as code, for Slack would take what is in them for markup, and `\(` for an escaped bracket. Pure."""

from __future__ import annotations

import re

from core.markdown.blocks import Block, Kind, read
from core.markdown.formula import formula

_CLOSING = {"$$": "$$", r"\[": r"\]"}
_SIGN = re.compile(r"`+|\\.|\$\$?")
_PROSE = (Kind.TEXT, Kind.HEADING, Kind.ROW)


def as_code(text: str) -> str:
    """The Markdown with its formulas as code spans and fenced code."""
    if "$" not in text and "\\" not in text:
        return text
    lines: list[str] = []
    block = Block()
    closing = ""
    for source in text.split("\n"):
        line = read(block, source)
        content = source[line.content :].strip()
        if closing:
            lines.append(source)
            if content == closing or source.strip(" >") == closing:
                lines[-1] = source.replace(closing, "```")
                closing, block = "", Block(block.containers)
            continue
        block = line.after
        if line.kind is Kind.TEXT and content in _CLOSING:
            closing = _CLOSING[content]
            lines.append(source[: line.content] + "```")
        elif line.kind in _PROSE and not line.lazy:
            lines.append(source[: line.content] + _inline(source[line.content :]))
        else:
            lines.append(source)
    return "\n".join(lines)


def _inline(text: str) -> str:
    shown: list[str] = []
    done = at = 0
    while sign := _SIGN.search(text, at):
        at = sign.end()
        if sign[0][0] == "`":
            closing = re.compile(rf"(?<!`){sign[0]}(?!`)").search(text, at)
            at = closing.end() if closing else at
        elif found := formula(text, sign.start(), len(text)):
            shown += [text[done : sign.start()], "`", found.content, "`"]
            done = at = found.end
    return "".join((*shown, text[done:]))
