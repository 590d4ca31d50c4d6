"""What a person wrote, as Markdown: Telegram's text and entities turned back into marks.

Plain text stays as it was typed: it goes to a reader, not to a renderer, and `2 * 3 * 4` reads better unescaped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_MARKS = {"bold": "**", "italic": "*", "strikethrough": "~~"}
_BLOCKS = ("blockquote", "expandable_blockquote")


@dataclass(frozen=True, slots=True)
class Mark:
    """An entity of a message: its kind as the Bot API names it, and where it stands, in UTF-16 code units."""

    kind: str
    start: int
    end: int
    url: str = ""
    language: str = ""
    gone: bool = False
    """Its text is left out: a mention of the bot."""


def as_markdown(text: str, marks: Sequence[Mark]) -> str:
    """The text with its formatting. Marks that cross another one, or the end of the text, are left out."""
    units = text.encode("utf-16-le", "surrogatepass")
    ordered = sorted(
        (mark for mark in marks if 0 <= mark.start < mark.end <= len(units) // 2),
        key=lambda mark: (mark.start, -mark.end),
    )
    return _between(units, 0, len(units) // 2, ordered).strip()


def _between(units: bytes, start: int, end: int, marks: Sequence[Mark]) -> str:
    parts = []
    position = start
    for index, mark in enumerate(marks):
        if mark.start < position or mark.end > end:
            continue
        before = _text(units, position, mark.start)
        position = mark.end
        if mark.gone:
            parts.append(before)
            following = _text(units, position, end)
            position += _swallowed("".join(parts), following)
            continue
        inside = (
            _text(units, mark.start, mark.end)
            if mark.kind in ("code", "pre")
            else _between(units, mark.start, mark.end, marks[index + 1 :])
        )
        parts += [before, _marked(mark, inside, "".join([*parts, before]), _text(units, position, end))]
    parts.append(_text(units, position, end))
    return "".join(parts)


def _text(units: bytes, start: int, end: int) -> str:
    return units[2 * start : 2 * end].decode("utf-16-le", "replace")


def _swallowed(before: str, following: str) -> int:
    """How much of what follows goes with a mention that is left out, so that no gap and no lonely comma stays."""
    if not before.strip():
        match = re.match(r"[,:]?\s*", following)
    else:
        match = re.match(r"[^\S\n]" if before[-1:].isspace() else "", following)
    return len(match[0].encode("utf-16-le")) // 2 if match else 0


def _marked(mark: Mark, inside: str, before: str, after: str) -> str:
    match mark.kind:
        case "code":
            return _fenced_inline(inside)
        case "pre":
            fence = _fence(inside)
            opening = "" if not before or before.endswith("\n") else "\n"
            closing = "" if not after or after.startswith("\n") else "\n"
            body = inside if inside.endswith("\n") else f"{inside}\n"
            return f"{opening}{fence}{mark.language}\n{body}{fence}{closing}"
        case "text_link" if mark.url and mark.url != inside:
            label = re.sub(r"([\[\]\\])", r"\\\1", inside)
            address = f"<{mark.url}>" if re.search(r"[\s()]", mark.url) else mark.url
            return _around(label, "[", f"]({address})")
        case kind if kind in _MARKS:
            return _around(inside, _MARKS[kind], _MARKS[kind])
        case kind if kind in _BLOCKS:
            opening = "" if not before or before.endswith("\n") else "\n"
            closing = "" if not after else "\n" if after.startswith("\n") else "\n\n"
            return opening + "\n".join(f"> {line}".rstrip() for line in inside.split("\n")) + closing
        case _:
            return inside


def _around(inside: str, opening: str, closing: str) -> str:
    """Marks stand at the words: `** x **` would not be bold. Each paragraph gets its own."""
    if "\n\n" in inside:
        return "\n\n".join(_around(part, opening, closing) for part in inside.split("\n\n"))
    core = inside.strip()
    if not core:
        return inside
    at = inside.index(core)
    return f"{inside[:at]}{opening}{core}{closing}{inside[at + len(core) :]}"


def _fenced_inline(code: str) -> str:
    longest = max((len(run) for run in re.findall("`+", code)), default=0)
    ticks = "`" * (longest + 1)
    padding = " " if code.startswith("`") or code.endswith("`") else ""
    return f"{ticks}{padding}{code}{padding}{ticks}"


def _fence(code: str) -> str:
    longest = max((len(run) for run in re.findall("`+", code)), default=0)
    return "`" * max(3, longest + 1)
