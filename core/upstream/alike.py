"""Reads records that differ from an earlier one in their text alone, without reading all the rest again.

A server repeats the same hundred and more bytes around every word. If a record begins with the bytes that stood before
the text of an earlier one, up to and with its opening quote, and ends with those that stood behind it, from the
closing quote on, and what is between is the inside of one JSON string, then it is that record with another text: JSON
leaves no other reading. A snapshot that goes on from an earlier one is read in the same way, by what was added.
"""

from __future__ import annotations

import json
import re
from typing import Any, Self

_MARK = b'"content":'


class Alike:
    """`before` and `after`: the bytes around the text."""

    def __init__(self, before: bytes, after: bytes) -> None:
        self._before = before
        self._after = after
        self._least = len(before) + len(after)
        self._end = -len(after)
        self._first, self._last = b"data: " + before, after + b"\n\n"
        self._between = self._last + self._first

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
        return _text(inside)

    def row(self, data: bytes) -> str | None:
        """The text of several whole events whose records are all alike; None if there is anything else in the data."""
        if len(data) < len(self._between) or not (data.startswith(self._first) and data.endswith(self._last)):
            return None
        texts = data[len(self._first) : -len(self._last)].split(self._between)
        rows = b'","'.join(texts)
        if rows.count(b'"') != 2 * (len(texts) - 1):
            return None
        try:
            found = json.loads(b'["%b"]' % rows)
        except ValueError:
            return None
        # a backslash at the end of a text would make one of it and the next
        return "".join(found) if len(found) == len(texts) else None


class Grown:
    """Snapshots of one growing text. `before` ends with the text as it was in the last of them, `after` begins with its
    closing quote."""

    def __init__(self, before: bytes, after: bytes) -> None:
        self._before = before
        self._after = after

    @classmethod
    def to(cls, data: bytes, text: str) -> Self | None:
        """From a snapshot that was read and whose only part is this text; None if it cannot be found in it."""
        found = _PARTS.search(data)
        if found is None or _PARTS.search(data, found.end()) or _text(found[1]) != text:
            return None
        return cls(data[: found.end(1)], data[found.end(1) :])

    def added(self, data: bytes) -> str | None:
        """What a snapshot that goes on from the last one adds; None for any other record."""
        end = len(data) - len(self._after)
        if end < len(self._before) or not (data.startswith(self._before) and data.endswith(self._after)):
            return None
        text = _text(data[len(self._before) : end])
        if text is not None:
            self._before = data[:end]
        return text


_PARTS = re.compile(rb'"parts"\s*:\s*\[\s*"((?:[^"\\]|\\.)*+)"')
"""The first part of a message. Within a string the quotes would have backslashes before them, so that none is found."""


def _text(inside: bytes) -> str | None:
    """What is between the quotes of a JSON string; None if it is not the inside of one."""
    if b'"' not in inside and b"\\" not in inside:
        return inside.decode("utf-8", "replace")
    try:
        found = json.loads(b'"%b"' % inside)
    except ValueError:
        return None
    return found if isinstance(found, str) else None
