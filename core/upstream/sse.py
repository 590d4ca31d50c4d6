"""Server-sent events from bytes, without any I/O: the rules of the WHATWG HTML standard, and two ways to be lenient.

The standard drops an event that the end of the stream cut off; here it is offered separately by `close`, since
several upstreams leave out the last blank line. Whoever reads it must not take it for a terminal marker by itself.
"""

from __future__ import annotations

from typing import NamedTuple

from core.errors import AnswerMalformed

EVENT_LIMIT = 16 * 1024 * 1024
"""Bytes of one event: a file of 10 MB inside JSON fits, and hundreds of answers at once still fit into memory."""

_BOM = b"\xef\xbb\xbf"


class ServerSentEvent(NamedTuple):
    """One event that had data. A named tuple, since thousands a second are made."""

    event: str
    """`message` where the stream names none."""
    data: bytes
    """The data lines joined with LF, as they came: a reader of JSON takes bytes, a reader of text decodes them."""
    id: str = ""
    """The last id that the stream set, on this event or an earlier one."""


class SseDecoder:
    """Takes the bytes of a stream in any pieces; the time it takes is linear in them, however they are cut.

    Two ways to be lenient where a vendor is not true to the standard. `spaces_end_event`: a line that holds nothing
    but spaces and tabs ends an event too. `bare_events`: a named event without any data counts, with empty data.
    """

    def __init__(self, *, limit: int = EVENT_LIMIT, spaces_end_event: bool = False, bare_events: bool = False) -> None:
        self.retry: int | None = None
        """Milliseconds, as the stream last asked. Nobody here connects again by itself."""
        self._limit = limit
        self._spaces_end_event = spaces_end_event
        self._bare_events = bare_events
        self._start = b""  # held back while it may be the beginning of a byte order mark
        self._started = False
        self._after_cr = False
        self._line: list[bytes] = []  # pieces of the line that is not complete yet
        self._line_size = 0
        self._data: list[bytes] = []
        self._data_size = 0
        self._event = ""
        self._id = ""
        self._failure: AnswerMalformed | None = None

    @property
    def between_events(self) -> bool:
        """Does the next byte begin an event, and did all before it go well?"""
        held = self._line or self._data or self._event or self._start or self._after_cr
        return self._started and not held and self._failure is None

    def feed(self, data: bytes) -> list[ServerSentEvent]:
        """The events that these bytes complete. Raises `AnswerMalformed` for an event over the limit, but only after
        the events before it were handed out."""
        if self._failure is not None:
            raise self._failure
        if not self._started and not (data := self._without_bom(data)):
            return []
        if self._after_cr and data:
            self._after_cr = False
            if data[0] == 0x0A:
                data = data[1:]
        if b"\r" in data:
            self._after_cr = data[-1] == 0x0D
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        found: list[ServerSentEvent] = []
        end = data.rfind(b"\n\n")
        if end > 0 and not (self._line or self._data or self._event):
            self._read_blocks(data[:end].split(b"\n\n"), found)
            data = data[end + 2 :]
            if self._failure is not None:
                return self._checked(found)
        head, newline, rest = data.partition(b"\n")
        if not newline:
            if head:
                self._hold(head)
            return self._checked(found)
        lines = rest.split(b"\n")
        if self._line:
            self._line.append(head)
            head = b"".join(self._line)
        self._line, self._line_size = [], 0
        lines.insert(0, head)
        unfinished = lines.pop()
        found += self._read(lines)
        if unfinished and self._failure is None:
            self._hold(unfinished)
        return self._checked(found)

    def close(self) -> ServerSentEvent | None:
        """The event that the end of the stream cut off, if there is one: its last blank line, or its last line end,
        is missing. Raises `AnswerMalformed` as `feed` does."""
        if self._failure is not None:
            raise self._failure
        lines = [b"".join(self._line)] if self._line else []
        if self._start:  # a stream of one or two bytes that a byte order mark begins with too
            lines, self._start = [self._start], b""
        self._line, self._line_size = [], 0
        found = self._read([*lines, b""])
        if self._failure is not None:
            raise self._failure
        return found[0] if found else None

    def _without_bom(self, data: bytes) -> bytes:
        data = self._start + data
        if len(data) < len(_BOM) and _BOM.startswith(data):
            self._start = data
            return b""
        self._started, self._start = True, b""
        return data.removeprefix(_BOM)

    def _hold(self, piece: bytes) -> None:
        self._line.append(piece)
        self._line_size += len(piece)
        if self._line_size + self._data_size > self._limit:
            self._overflow()

    def _overflow(self) -> None:
        self._failure = AnswerMalformed(detail=f"one event of the stream is larger than {self._limit} bytes")
        self._line, self._data = [], []

    def _checked(self, found: list[ServerSentEvent]) -> list[ServerSentEvent]:
        if self._failure is not None and not found:
            raise self._failure
        return found

    def _read_blocks(self, blocks: list[bytes], found: list[ServerSentEvent]) -> None:
        """Reads what stands between blank lines. Nearly always that is one line of data, and is not cut into lines."""
        for block in blocks:
            if block.startswith(b"data: ") and b"\n" not in block and len(block) <= self._limit:
                found.append(ServerSentEvent("message", block[6:], self._id))
                continue
            found += self._read([*block.split(b"\n"), b""])
            if self._failure is not None:
                return

    def _read(self, lines: list[bytes]) -> list[ServerSentEvent]:
        found: list[ServerSentEvent] = []
        data, size, limit = self._data, self._data_size, self._limit
        for line in lines:
            if not line or (self._spaces_end_event and line.isspace()):
                if data:
                    joined = data[0] if len(data) == 1 else b"\n".join(data)
                    found.append(ServerSentEvent(self._event or "message", joined, self._id))
                    data.clear()
                elif self._event and self._bare_events:
                    found.append(ServerSentEvent(self._event, b"", self._id))
                size = 0
                self._event = ""
                continue
            if size + len(line) > limit:
                self._overflow()
                break
            if line.startswith(b"data: "):
                data.append(line[6:])
            elif line.startswith(b"data:"):
                data.append(line[5:])
            elif line == b"data":
                data.append(b"")
            else:
                self._other(line)
                continue
            size += len(line)
        self._data_size = size
        return found

    def _other(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        match name:
            case b"event":
                self._event = value.decode("utf-8", "replace")
            case b"id" if b"\0" not in value:
                self._id = value.decode("utf-8", "replace")
            case b"retry" if value.isdigit():
                self.retry = int(value[:18])
            case _:
                pass  # a comment, or a field that the standard does not know
