"""Reads records that differ from an earlier one in their text alone, without reading all the rest again.

A server repeats the same hundred and more bytes around every word. If a record begins with the bytes that stood before
the text of an earlier one, up to and with its opening quote, and ends with those that stood behind it, from the
closing quote on, and what is between is the inside of one JSON string, then it is that record with another text: JSON
leaves no other reading.
"""

from __future__ import annotations

import json
from typing import Any, Self

_MARK = b'"content":'


class Alike:
    """`before` and `after`: the bytes around the text."""

    def __init__(self, before: bytes, after: bytes) -> None:
        self._before = before
        self._after = after
        self._least = len(before) + len(after)
        self._end = -len(after)

    @classmethod
    def to(cls, data: bytes, chunk: dict[str, Any]) -> Self | None:
        """From a record of Chat Completions that was read and says nothing but its text; else None."""
        match chunk:
            case {"choices": [{"delta": {"content": str(content), **delta}, **choice}]} if content:
                more = [value for name, value in delta.items() if name != "role"]
                more += [choice.get("index"), choice.get("finish_reason"), choice.get("error"), chunk.get("error")]
                return None if any(more) else cls._around(data, content)
            case _:
                return None

    @classmethod
    def _around(cls, data: bytes, content: str) -> Self | None:
        at = data.find(_MARK)
        if at < 0 or data.find(_MARK, at + 1) >= 0:
            return None
        begin = data.find(b'"', at + len(_MARK)) + 1
        end = data.find(b'"', begin)
        if begin <= 0 or data[at + len(_MARK) : begin - 1].strip():
            return None
        if end < 0 or data[begin:end] != content.encode("utf-8", "surrogatepass"):
            return None  # escapes in the text: the next record will do
        return cls(data[:begin], data[end:])

    def content(self, data: bytes) -> str | None:
        """The text of a record that is alike; None for any other."""
        if len(data) <= self._least or not (data.startswith(self._before) and data.endswith(self._after)):
            return None
        inside = data[len(self._before) : self._end]
        if b'"' not in inside and b"\\" not in inside:
            return inside.decode("utf-8", "replace")
        try:
            found = json.loads(b'"%b"' % inside)
        except ValueError:
            return None
        return found if isinstance(found, str) else None
