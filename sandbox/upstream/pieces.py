"""Cuts an answer into the odd pieces in which a model writes, and puts the faults between them. Pure and
deterministic: the same answer is always cut in the same way."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.faults import Fault

MID_ANSWER = frozenset({"cut", "break", "error", "garbage"})
"""The faults that strike an answer while it is being written."""

_WORD = re.compile(r"\s*\S{1,20}|\s+\Z")
"""Scripts without spaces, and addresses, do not come as one piece either."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What is written at once."""

    text: str
    words: int
    """How many words end in it: what it counts for in the speed, and in the place of a fault."""


def pieces(text: str) -> Iterator[Piece]:
    """The text in pieces of one to three words, some of which end within a word. Joined, they are the text."""
    dice = zlib.crc32(text.encode("utf-8", "replace"))
    buffer, words = "", 0
    for word in _WORD.findall(text):
        dice = (dice * 1_103_515_245 + 12_345) % 2**31
        wanted, torn = 1 + (dice >> 16) % 3, (dice >> 20) % 5 == 0 and len(word) > 3
        if torn:
            middle = 1 + (dice >> 24) % (len(word) - 2)
            yield Piece(buffer + word[:middle], words)
            buffer, words = word[middle:], 1
        else:
            buffer, words = buffer + word, words + 1
        if words >= wanted:
            yield Piece(buffer, words)
            buffer, words = "", 0
    if buffer:
        yield Piece(buffer, words)


def script(text: str, fault: Fault | None) -> Iterator[Piece | Fault]:
    """The pieces of an answer, and the fault where it strikes: after `fault.words` words exactly, or at the end of a
    shorter answer. Nothing comes after it, unless it is `garbage`."""
    if fault is None or fault.kind not in MID_ANSWER:
        yield from pieces(text)
        return
    before, after = _divide(text, fault.words)
    yield from pieces(before)
    yield fault
    if fault.kind == "garbage":
        yield from pieces(after)


def _divide(text: str, words: int) -> tuple[str, str]:
    end = 0
    for count, match in enumerate(_WORD.finditer(text)):
        if count == words:
            break
        end = match.end()
    return text[:end], text[end:]


def tokens(question: str, answer: str) -> dict[str, int]:
    """As good as any: a token for each piece that is written."""
    asked, answered = (sum(1 for _ in pieces(text)) for text in (question, answer))
    return {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered}
