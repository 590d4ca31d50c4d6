"""What a reader has to say since it was last asked: a burst of tokens becomes one event."""

from __future__ import annotations

import re

from core.errors import AnswerMalformed
from core.model import Event, Replace, Status, Text

ANSWER_LIMIT = 4_000_000
"""Characters of one answer. Far beyond any real one: it bounds what an upstream gone wild can make us hold."""

_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_LONE = re.compile("[\ud800-\udfff\0]")


def _joined(pair: re.Match[str]) -> str:
    return pair[0].encode("utf-16", "surrogatepass").decode("utf-16")


def mended(text: str) -> str:
    """Surrogate pairs become the characters that they stand for, what is left of them U+FFFD; so does NUL, which no
    chat and no PostgreSQL takes."""
    if text.isascii() and "\0" not in text:
        return text
    return _LONE.sub("\ufffd", _PAIR.sub(_joined, text))


class Outgoing:
    """Gathers events until they are taken. Consecutive texts are joined, a replacement swallows the texts before it,
    and of consecutive statuses the last remains. Half a surrogate pair waits for its other half."""

    def __init__(self, limit: int = ANSWER_LIMIT) -> None:
        self._limit = limit
        self._events: list[Event] = []
        self._pieces: list[str] = []
        self._replaced = False
        self._half = ""
        self._length = 0
        self._label = ""

    @property
    def spoke(self) -> bool:
        """Is there any text of the answer, taken or not?"""
        return self._length > 0

    @property
    def length(self) -> int:
        """Characters of the answer so far."""
        return self._length

    def append(self, text: str) -> None:
        """Raises `AnswerMalformed` when the answer is longer than any answer may be."""
        if not text:
            return
        if self._label:
            self.status("")
        self._length += len(text)
        if self._length > self._limit:
            raise AnswerMalformed(
                "The assistant's answer is endless, so it was ended here. Please ask again.",
                detail=f"more than {self._limit} characters",
            )
        self._pieces.append(text)

    def replace(self, text: str) -> None:
        """Raises as `append`."""
        self._pieces.clear()
        self._half = ""
        self._replaced = True
        self._length = 0
        self.append(text)

    def status(self, label: str) -> None:
        if label == self._label:
            return
        self._settle()
        self._label = label
        if self._events and isinstance(self._events[-1], Status):
            self._events.pop()
        self._events.append(Status(label))

    def tell(self, event: Event) -> None:
        """Any other event, in its place."""
        self._settle()
        self._events.append(event)

    def take(self, *, final: bool = False) -> list[Event]:
        """All since the last time. With `final` nothing is held back any longer."""
        self._settle(final=final)
        events, self._events = self._events, []
        return events

    def _settle(self, *, final: bool = False) -> None:
        if not (self._pieces or self._replaced or (final and self._half)):
            return
        text = self._half + "".join(self._pieces)
        self._half = ""
        if not final and text and "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        text = mended(text)
        if self._replaced:
            self._events = [event for event in self._events if not isinstance(event, Text | Replace)]
            self._events.append(Replace(text))
        elif text:
            self._events.append(Text(text))
        self._pieces.clear()
        self._replaced = False
