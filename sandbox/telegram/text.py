"""What the server does to a text before it becomes a message: cleaned, its entities checked, trimmed, measured.

Written after the documented behaviour of the Bot API and the open-source server's answers. Texts are Python strings
of code points; entity offsets and lengths are UTF-16 code units, as on the wire.
"""

from __future__ import annotations

import re
from typing import Any

from sandbox.telegram.links import flaw
from sandbox.telegram.refusal import Refusal

LONGEST_TEXT = 4096
"""Code points after trimming (tdlib counts those, although the documentation only says characters)."""
LONGEST_RAW = 1 << 15
"""Bytes of UTF-8 before anything is done (bot-api server)."""
MOST_ENTITIES = 100
"""More are dropped without a word."""

STYLES = ("bold", "italic", "underline", "strikethrough", "spoiler")
BLOCKS = ("blockquote", "expandable_blockquote")
DETECTED = ("mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number", "bank_card_number")
"""Kinds that the server finds by itself; sent along, they are ignored."""
KINDS = (*STYLES, *BLOCKS, *DETECTED, "code", "pre", "text_link", "text_mention", "custom_emoji", "date_time")

_TO_SPACE = {code: " " for code in range(32) if code not in (10, 13)}
_GONE = dict.fromkeys([13, *range(0x2028, 0x202F), 0x0333, 0x033F, 0x030A])
_INVISIBLE = re.compile(
    "[ \n\u00a0\u1680\u180e\u2000-\u200f\u202e\u202f\u205f\u2800\u3000\ufeff\ufffc\U000e0000-\U000e007f]*"
)

Entity = dict[str, Any]


def utf16(text: str) -> int:
    """UTF-16 code units."""
    return len(text) + sum(character > "\uffff" for character in text)


def accepted(text: str, entities: object, *, limit: int = LONGEST_TEXT) -> tuple[str, list[Entity]]:
    """The text and the entities as the message will have them. Raises `Refusal` in the server's words."""
    if not text:
        raise Refusal(400, "message text is empty")
    if len(text.encode("utf-8", "surrogatepass")) > LONGEST_RAW:
        raise Refusal(400, "text is too long")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise Refusal(400, "strings must be encoded in UTF-8")
    cleaned, kept = _cleaned(text, [_read(entity) for entity in entities] if isinstance(entities, list) else [])
    trimmed = cleaned.strip(" \n")
    if _INVISIBLE.fullmatch(trimmed):
        raise Refusal(400, "text must be non-empty")
    if len(trimmed) > limit:
        raise Refusal(400, "message is too long")
    start = utf16(cleaned[: len(cleaned) - len(cleaned.lstrip(" \n"))])
    return trimmed, _arranged(_shifted(kept, -start, utf16(trimmed)))


def _read(entity: object) -> Entity:
    """One entity as it was sent, its fields checked."""
    if not isinstance(entity, dict):
        raise Refusal(400, "can't parse MessageEntity: an Object expected")
    for name in ("type", "offset", "length"):
        if name not in entity:
            raise Refusal(400, f"can't parse MessageEntity: Can't find field \"{name}\"")
    kind = entity["type"]
    if kind not in KINDS:
        raise Refusal(400, "can't parse MessageEntity: Unsupported type specified")
    read: Entity = {"type": kind, "offset": int(entity["offset"]), "length": int(entity["length"])}
    for part in ("offset", "length"):
        if not 0 <= read[part] <= 1_000_000:
            raise Refusal(400, f"receive an entity with incorrect {part} {read[part]}")
    match kind:
        case "text_link":
            if "url" not in entity:
                raise Refusal(400, "can't parse MessageEntity: Can't find field \"url\"")
            read["url"] = str(entity["url"])
            if reason := flaw(read["url"]):
                raise Refusal(400, f"entity URL '{read['url']}' is invalid: {reason}")
        case "text_mention":
            if not isinstance(entity.get("user"), dict):
                raise Refusal(400, "can't parse MessageEntity: Can't find field \"user\"")
            read["user"] = entity["user"]
        case "pre" if entity.get("language"):
            read["language"] = str(entity["language"])
    return read


def _cleaned(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    """Control characters become spaces, a few others go, and the entities move with what remains."""
    places = [0]
    """For each UTF-16 offset of the text as sent, the offset in the cleaned text; -1 inside a surrogate pair."""
    cleaned = []
    reached = 0
    for character in text:
        new = "" if ord(character) in _GONE else _TO_SPACE.get(ord(character), character)
        cleaned.append(new)
        reached += utf16(new)
        places += [reached] if character <= "\uffff" else [-1, reached]
    moved = []
    for entity in entities:
        start, end = entity["offset"], entity["offset"] + entity["length"]
        if not entity["length"] or entity["type"] in DETECTED:
            continue
        if start >= len(places) - 1:
            raise Refusal(400, f"entity begins after the end of the text at UTF-16 offset {start}")
        if end >= len(places):
            raise Refusal(
                400, f"entity beginning at UTF-16 offset {start} ends after the end of the text at UTF-16 offset {end}"
            )
        if places[start] < 0:
            raise Refusal(400, f"entity begins in a middle of a UTF-16 symbol at byte offset {start}")
        if places[end] < 0:
            raise Refusal(400, f"entity ends in a middle of a UTF-16 symbol at byte offset {end}")
        moved.append(entity | {"offset": places[start], "length": places[end] - places[start]})
    return "".join(cleaned), moved


def _shifted(entities: list[Entity], by: int, end: int) -> list[Entity]:
    shifted = []
    for entity in entities:
        first = max(0, entity["offset"] + by)
        last = min(end, entity["offset"] + by + entity["length"])
        if first < last:
            shifted.append(entity | {"offset": first, "length": last - first})
    return shifted


def _arranged(entities: list[Entity]) -> list[Entity]:
    """In order, without what cannot stand inside code, and no more than the server keeps."""
    code = [(e["offset"], e["offset"] + e["length"]) for e in entities if e["type"] in ("code", "pre")]
    kept = [
        entity
        for entity in entities
        if entity["type"] in ("code", "pre", *BLOCKS)
        or not any(a <= entity["offset"] and entity["offset"] + entity["length"] <= b for a, b in code)
    ]
    return sorted(kept, key=lambda e: (e["offset"], -e["length"]))[:MOST_ENTITIES]


_FOUND = re.compile(
    r"(?P<mention>(?<![\w/])@[A-Za-z]\w{2,31})"
    r"|(?P<bot_command>(?<![\w/<>@])/\w{1,64}(?:@\w{3,32})?(?![\w/@]))"
    r"|(?P<url>(?i:https?)://[^\s<>\"]+[^\s<>\".,;:!?)'\]])",
    re.ASCII,
)


def detected(text: str, entities: list[Entity]) -> list[Entity]:
    """`entities` and those that the server finds by itself where no code or link stands."""
    taken = [
        (e["offset"], e["offset"] + e["length"]) for e in entities if e["type"] in ("code", "pre", "text_link", "url")
    ]
    found = list(entities)
    for match in _FOUND.finditer(text):
        offset, length = utf16(text[: match.start()]), utf16(match[0])
        if match.lastgroup and not any(a < offset + length and offset < b for a, b in taken):
            found.append({"type": match.lastgroup, "offset": offset, "length": length})
    return sorted(found, key=lambda e: (e["offset"], -e["length"]))
