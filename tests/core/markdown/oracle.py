"""What a reader sees of Markdown, by an independent parser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from markdown_it import MarkdownIt

_PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
_SHOWN = {"text", "code_inline", "html_inline", "text_special", "image"}
_WHOLE = {"fence", "code_block", "html_block"}


def visible(parts: Iterable[str]) -> str:
    """All characters of text and code that the parts show, one after the other, without white space.

    Takes back what a cut repeats: of equal table headers only the first counts. Pipes do not count, for a row that is
    longer than a message shows them.
    """
    seen: set[str] = set()
    shown: list[str] = []
    for part in parts:
        header: list[str] | None = None
        for token in _PARSER.parse(part):
            text = token.content if token.type in _WHOLE else ""
            if token.type == "inline":
                text = "".join(child.content for child in token.children or [] if child.type in _SHOWN)
            if token.type == "thead_open":
                header = []
            elif token.type == "thead_close" and header is not None:
                text, header = "|".join(header), None
                text = "" if text in seen else text
                seen.add(text)
            if header is not None:
                header.append(text)
            else:
                shown.append(text)
    return re.sub(r"[\s|]+", "", "".join(shown))


def at_most(limit: int) -> Callable[[str], bool]:
    """The simplest predicate of a platform."""
    return lambda text: len(text) <= limit


def rendered_at_most(limit: int) -> Callable[[str], bool]:
    """A platform that counts what is left after rendering, in UTF-16 units."""
    return lambda text: len(_PARSER.render(text).encode("utf-16-le", "surrogatepass")) // 2 <= limit
