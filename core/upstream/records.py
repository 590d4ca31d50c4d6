"""Finds JSON objects in bytes that are framed loosely, without any I/O: one to a line, several on one, after `data:`,
between lines of anything else. Brackets are counted; the time taken is linear in the bytes, however they are cut."""

from __future__ import annotations

import re

from core.errors import AnswerMalformed

RECORD_LIMIT = 16 * 1024 * 1024
"""Bytes of one object."""
_NOISE_LIMIT = 4096  # bytes between the objects that are kept, to tell an error page by them

# outside of strings: a bracket, or a string up to its end, to a line end (which no JSON string holds), or as far as
# the bytes go
_TOKEN = re.compile(rb'[{}]|"((?:[^"\\\r\n]++|\\[^\r\n])*+)(\\?)("?)')
_REST_OF_STRING = re.compile(rb'((?:[^"\\\r\n]++|\\[^\r\n])*+)(\\?)("?)')


class JsonRecords:
    """Takes bytes, gives the bytes of whole objects. Says nothing on whether they are valid inside."""

    def __init__(self, *, limit: int = RECORD_LIMIT) -> None:
        self._limit = limit
        self._depth = 0
        self._in_string = False
        self._escaped = False
        self._pieces: list[bytes] = []
        self._size = 0
        self._noise = bytearray()
        self._failure: AnswerMalformed | None = None

    @property
    def noise(self) -> bytes:
        """The beginning of what stood between the objects."""
        return bytes(self._noise)

    def feed(self, data: bytes) -> list[bytes]:
        """The objects that these bytes complete, and in their place those that a line end inside a string broke off.
        Raises `AnswerMalformed` for one over the limit, but only after those before it were handed out."""
        if self._failure is not None:
            raise self._failure
        found: list[bytes] = []
        at = 0
        while at < len(data):
            if self._depth == 0:
                start = data.find(b"{", at)
                if len(self._noise) < _NOISE_LIMIT:
                    self._noise += data[at : start if start >= 0 else len(data)][: _NOISE_LIMIT - len(self._noise)]
                if start < 0:
                    break
                at, begun = start + 1, start
                self._depth = 1
            else:
                begun = at
            end = self._scan(data, at)
            piece = data[begun:end]
            self._pieces.append(piece)
            self._size += len(piece)
            if self._size > self._limit:
                self._failure = AnswerMalformed(detail=f"one record is larger than {self._limit} bytes")
                self._pieces = []
                if found:
                    break
                raise self._failure
            if self._depth == 0:
                found.append(self._whole())
            at = end
        return found

    def close(self) -> list[bytes]:
        """What the end of the bytes left unfinished, by lines: one bad record does not take those after it along."""
        if self._failure is not None:
            raise self._failure
        self._depth = 0
        self._in_string = self._escaped = False
        return [line for line in self._whole().splitlines() if line.strip()]

    def _whole(self) -> bytes:
        whole = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces, self._size = [], 0
        return whole

    def _scan(self, data: bytes, at: int) -> int:
        """Goes on from `at`, inside an object, to its end or the end of the bytes."""
        if self._in_string:
            if self._escaped:
                self._escaped = False
                at += data[at] not in b"\r\n"
            rest = _REST_OF_STRING.match(data, at)
            assert rest is not None  # the pattern matches nothing too
            at = self._after_string(data, rest)
            if self._depth == 0 or self._in_string:
                return at
        while (token := _TOKEN.search(data, at)) is not None:
            at = token.end()
            match data[token.start()]:
                case 0x7B:
                    self._depth += 1
                case 0x7D:
                    self._depth -= 1
                    if self._depth == 0:
                        return at
                case _:
                    at = self._after_string(data, token)
                    if self._depth == 0 or self._in_string:
                        return at
        return len(data)

    def _after_string(self, data: bytes, string: re.Match[bytes]) -> int:
        """Takes note of how a string ended, and returns where to go on."""
        end = string.end()
        self._in_string = not string[3]
        if self._in_string and end < len(data):  # a line end: the record is broken, and a new one may follow
            self._in_string = False
            self._depth = 0
        else:
            self._escaped = bool(string[2]) and self._in_string
        return end
