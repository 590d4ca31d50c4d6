"""The images that a Markdown text shows."""

from __future__ import annotations

from dataclasses import dataclass

from markdown_it import MarkdownIt

_PARSER = MarkdownIt("commonmark", {"html": False})


@dataclass(frozen=True, slots=True)
class Image:
    words: str
    address: str


def images(text: str) -> list[Image]:
    """In their order, each address once."""
    if "![" not in text:
        return []
    found: dict[str, Image] = {}
    for token in _PARSER.parse(text):
        for child in token.children or ():
            if child.type == "image":
                address = str(child.attrs.get("src", ""))
                found.setdefault(address, Image(child.content, address))
    return list(found.values())
