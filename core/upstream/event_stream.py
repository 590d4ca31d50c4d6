"""A body that should be server-sent events. If it is something else, it is kept for whoever can make sense of it."""

from __future__ import annotations

import re

from core.errors import AnswerMalformed
from core.upstream.sse import ServerSentEvent, SseDecoder

FOREIGN_LIMIT = 4 * 1024 * 1024
"""Bytes of a body that is no event stream: an error page, or an answer as one JSON document."""

_BOM = b"\xef\xbb\xbf"
_FIELDS = (b"data", b"event", b"id", b"retry", b"message")  # the last is no field, but one server writes it
_WORD = re.compile(rb"[a-z]*")


def is_event_stream(start: bytes) -> bool | None:
    """Does a body that begins with these bytes hold server-sent events? None: they do not tell yet. What is once
    told stays so, however many bytes follow. The `Content-Type` is not asked: several vendors label it wrongly."""
    if len(start) < len(_BOM) and _BOM.startswith(start):
        return None
    start = start.removeprefix(_BOM).lstrip(b" \t\r\n")
    if not start:
        return None
    if start.startswith(b":"):
        return True
    word = _WORD.match(start)
    assert word is not None  # the pattern matches nothing too
    if word.end() == len(start):
        return None if any(field.startswith(word[0]) for field in _FIELDS) else False
    return word[0] in _FIELDS and start[word.end()] == 0x3A


class EventStream:
    """Decodes server-sent events; decides once, from the first bytes, whether the body holds any."""

    def __init__(self, *, spaces_end_event: bool = False) -> None:
        self._decoder = SseDecoder(spaces_end_event=spaces_end_event)
        self._is_stream: bool | None = None
        self._held: list[bytes] = []
        self._size = 0

    @property
    def foreign(self) -> bytes:
        """The body so far, if it holds no events."""
        return b"" if self._is_stream else b"".join(self._held)

    @property
    def between_events(self) -> bool:
        """Does the next byte begin an event?"""
        return bool(self._is_stream) and self._decoder.between_events

    def feed(self, data: bytes) -> list[ServerSentEvent]:
        """Raises `AnswerMalformed` for an event, or a foreign body, over its limit."""
        if self._is_stream:
            return self._decoder.feed(data)
        self._held.append(data)
        self._size += len(data)
        if self._is_stream is None:
            start = b"".join(self._held)
            self._is_stream = is_event_stream(start)
            if self._is_stream:
                self._held.clear()
                return self._decoder.feed(start)
            if self._is_stream is None:
                self._held = [start] if start.strip() else []  # blank lines before the first event mean nothing
        if self._size > FOREIGN_LIMIT:
            raise AnswerMalformed(detail="a long body that is no event stream")
        return []

    def close(self) -> list[ServerSentEvent]:
        """What the end of the body cut off."""
        last = self._decoder.close() if self._is_stream else None
        return [] if last is None else [last]
