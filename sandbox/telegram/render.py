"""A message as its readers see it: safe HTML from text and entities."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

Entity = dict[str, Any]

_TAGS = {
    "bold": "b",
    "italic": "i",
    "underline": "u",
    "strikethrough": "s",
    "code": "code",
    "blockquote": "blockquote",
    "expandable_blockquote": "blockquote",
}


def rendered(text: str, entities: list[Entity]) -> str:
    """Escaped everywhere; only tags and addresses that are made here."""
    units = text.encode("utf-16-le", "surrogatepass")
    spans = sorted(
        ((e["offset"], e["offset"] + e["length"], e) for e in entities), key=lambda span: (span[0], -span[1])
    )
    return "".join(_between(units, 0, len(units) // 2, spans))


def _between(units: bytes, start: int, end: int, spans: list[tuple[int, int, Entity]]) -> Iterator[str]:
    position = start
    for index, (first, last, entity) in enumerate(spans):
        if first < position or last > end:
            continue  # a part of one that was written already, or one that crosses its border
        yield _escaped(units, position, first)
        inside = "".join(_between(units, first, last, spans[index + 1 :]))
        yield _wrapped(inside, entity, _plain(units, first, last))
        position = last
    yield _escaped(units, position, end)


def _wrapped(inside: str, entity: Entity, plain: str) -> str:
    kind = entity["type"]
    match kind:
        case "pre":
            language = entity.get("language", "")
            named = f' class="language-{html.escape(language)}"' if language else ""
            return f"<pre><code{named}>{inside}</code></pre>"
        case "text_link" | "url":
            address = str(entity.get("url") or plain)
            if urlsplit(address).scheme.lower() not in ("http", "https", "tg", "ton"):
                return inside
            return f'<a href="{html.escape(address)}" rel="noopener noreferrer nofollow">{inside}</a>'
        case "spoiler":
            return f'<span class="spoiler">{inside}</span>'
        case "mention" | "text_mention" | "bot_command":
            return f'<span class="{kind.replace("_", "-")}">{inside}</span>'
        case _ if kind in _TAGS:
            return f"<{_TAGS[kind]}>{inside}</{_TAGS[kind]}>"
        case _:
            return inside


def _plain(units: bytes, start: int, end: int) -> str:
    return units[2 * start : 2 * end].decode("utf-16-le", "replace")


def _escaped(units: bytes, start: int, end: int) -> str:
    return html.escape(_plain(units, start, end)).replace("\n", "<br>")
