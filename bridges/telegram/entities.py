"""Text and its entities as Telegram takes them: measured in UTF-16 code units, nested properly, at most a hundred."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

LONGEST = 4096
"""Characters of a message (Bot API, `sendMessage`)."""

MOST = 100
"""Entities that take effect in a message; Telegram drops further ones (tdlib: `MAX_USER_ENTITY_COUNT`)."""

Kind = Literal["bold", "italic", "strikethrough", "code", "pre", "blockquote", "text_link"]

_RANK: tuple[Kind, ...] = ("pre", "code", "text_link", "blockquote", "bold", "italic", "strikethrough")
"""What is given up last comes first."""
_STYLES = ("bold", "italic", "strikethrough")

_SURROGATE = re.compile("[\ud800-\udfff]")
_CLEAN = {code: " " for code in range(32) if code != 10} | dict.fromkeys(
    # the server takes these away, and the offsets of entities have to be those of what remains
    [13, *range(0x2028, 0x202F), 0x0333, 0x033F, 0x030A]
)
_INVISIBLE = re.compile(
    "[\\s\u1680\u180e\u2000-\u200f\u202e\u202f\u205f\u2060\u2800\u3000\ufeff\ufffc\U000e0000-\U000e007f]*"
)
_MENTION = re.compile(r"(?<![A-Za-z0-9_])@[A-Za-z0-9_]{2,}")


@dataclass(frozen=True, slots=True)
class Span:
    """Formatting between two positions of a text, counted in code points."""

    start: int
    end: int
    kind: Kind
    url: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Entity:
    """As the Bot API's `MessageEntity`: offset and length in UTF-16 code units."""

    kind: Kind
    offset: int
    length: int
    url: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Formatted:
    """What one message shows. `text` is empty if nothing of it would be visible."""

    text: str
    entities: tuple[Entity, ...] = ()

    @property
    def size(self) -> int:
        """UTF-16 code units. The server counts code points, of which there are never more."""
        return utf16(self.text)


def utf16(text: str) -> int:
    """UTF-16 code units of a text."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def whole(text: str) -> str:
    """`text` without halves of surrogate pairs, which no encoding knows."""
    return _SURROGATE.sub("\ufffd", text)


def cleaned(text: str) -> str:
    """`text` as the server would keep it: without the characters that it replaces or takes away."""
    return text.translate(_CLEAN)


def visible(text: str) -> bool:
    """Would the server take it as a message, or say that it is empty?"""
    return _INVISIBLE.fullmatch(text) is None


def formatted(text: str, spans: Iterable[Span]) -> tuple[Formatted, bool]:
    """The message, and whether a link had to be given up for the limit on entities. `text` is cleaned already."""
    trimmed = text.strip(" \n")
    if not visible(trimmed):
        return Formatted(""), False
    start = len(text) - len(text.lstrip(" \n"))
    moved = [replace(span, start=max(0, span.start - start), end=span.end - start) for span in spans]
    moved += _quieted(trimmed, moved)
    kept = [span for part in _apart(moved) for span in _tightened(trimmed, part)]
    chosen = sorted(sorted(kept, key=lambda span: _RANK.index(span.kind))[:MOST], key=lambda s: (s.start, -s.end))
    lost = sum(span.kind == "text_link" for span in kept) > sum(span.kind == "text_link" for span in chosen)
    return Formatted(trimmed, tuple(_measured(trimmed, chosen))), lost


def _tightened(text: str, span: Span) -> Iterator[Span]:
    """The span within the text, without white space at its ends."""
    start, end = span.start, min(len(text), span.end)
    if span.kind not in ("pre", "code"):
        while start < end and text[start].isspace():
            start += 1
        while start < end and text[end - 1].isspace():
            end -= 1
    if start < end:
        yield replace(span, start=start, end=end)


def _quieted(text: str, spans: list[Span]) -> Iterator[Span]:
    """`@name` in a bot's message rings at that person. Within code it does not, and it reads the same."""
    taken = [(span.start, span.end) for span in spans if span.kind in ("code", "pre", "text_link")]
    for match in _MENTION.finditer(text):
        if not any(start < match.end() and match.start() < end for start, end in taken):
            yield Span(match.start(), match.end(), "code")


def silenced(text: str) -> str:
    """Where nothing can be formatted: an invisible joiner after the sign keeps a name from ringing."""
    return _MENTION.sub(lambda match: f"@\u2060{match[0][1:]}", text)


def _apart(spans: list[Span]) -> Iterator[Span]:
    """Styles end where code begins and go on after it, for the two cannot overlap."""
    holes = sorted((span.start, span.end) for span in spans if span.kind in ("code", "pre"))
    for span in spans:
        if span.kind not in _STYLES:
            yield span
            continue
        position = span.start
        for start, end in holes:
            if end <= position or start >= span.end:
                continue
            if position < start:
                yield replace(span, start=position, end=start)
            position = end
        if position < span.end:
            yield replace(span, start=position, end=span.end)


def _measured(text: str, spans: list[Span]) -> Iterator[Entity]:
    astral = [index for index, character in enumerate(text) if character > "\uffff"]
    for span in spans:
        offset = span.start + bisect_left(astral, span.start)
        end = span.end + bisect_left(astral, span.end)
        yield Entity(span.kind, offset, end - offset, span.url, span.language)
