"""An upstream of many steady streams, as a process of its own: raw bytes over sockets, made beforehand as far as they
can be, and one timer for all streams, so that a part of one core is enough.

Each request is answered with Chat Completions events, each written by itself in an HTTP chunk of its own, `RATE` a
second for `seconds` (from the address: `/v1/{seconds}/chat/completions`). The text is prose with some markup, a word in
each event. Each tenth word is the moment at which it was sent, by the clock that all processes of a machine share, so
that a reader can tell how old it is."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

RATE = 30.0
"""Events a second of one stream."""
STAMPED = 10
"""One of so many events holds its time."""
PROSE = (
    "the harbour counts its **gulls and sleeps**, while the tide turns. A boat that nobody waits for comes in with "
    "`nets` and salt; then it rains again."
)
WORDS = PROSE.split()
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
END = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
SLOTS = 16
"""So many times between two events of one stream the events of other streams are written."""


def _event(text: str) -> bytes:
    chunk = {
        "id": "chatcmpl-benchmark",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": "m",
        "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}],
    }
    return _chunk(b"data: " + json.dumps(chunk).encode() + b"\n\n")


@cache
def _unstamped(number: int) -> bytes:
    return _event(_word(number, WORDS[number % len(WORDS)]))


def _stamped(number: int) -> bytes:
    return _event(_word(number, f"{time.monotonic():.4f}"))


def _word(number: int, word: str) -> str:
    return word + ("\n\n" if number % 60 == 1 else " ")


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


class _Stream(asyncio.Protocol):
    def __init__(self, slots: _Slots) -> None:
        self._slots = slots
        self._received = b""
        self._transport: asyncio.Transport | None = None
        self._left = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, rest = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        length = next(
            (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        if len(rest) < length:
            return
        self._received = b""
        self._left = int(float(head.split(b"/")[2]) * RATE)
        assert self._transport is not None
        self._transport.write(HEAD)
        self._slots.join(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._left = -1

    def next(self) -> bool:
        """Writes one event. False: it was the last."""
        if self._left < 0 or self._transport is None:
            return False
        if self._left == 0:
            self._transport.write(_chunk(END) + b"0\r\n\r\n")
            return False
        self._left -= 1
        self._transport.write(_unstamped(self._left) if self._left % STAMPED else _stamped(self._left))
        return True


class _Slots:
    """When which streams write: each of them `RATE` times a second, at even distances from its beginning on."""

    def __init__(self) -> None:
        self._streams: list[list[_Stream]] = [[] for _ in range(SLOTS)]
        self._slot = 0

    def join(self, stream: _Stream) -> None:
        """Its first event comes with the next slot."""
        self._streams[(self._slot + 1) % SLOTS].append(stream)

    async def run(self) -> None:
        clock = asyncio.get_running_loop().time
        due = clock()
        while True:
            due += 1 / (RATE * SLOTS)
            await asyncio.sleep(due - clock())
            self._slot = (self._slot + 1) % SLOTS
            self._streams[self._slot] = [stream for stream in self._streams[self._slot] if stream.next()]


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    slots = _Slots()
    server = await loop.create_server(lambda: _Stream(slots), "127.0.0.1", 0, backlog=2_000)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    running = asyncio.create_task(slots.run())
    await loop.run_in_executor(None, sys.stdin.read)
    running.cancel()


@dataclass(frozen=True, slots=True)
class Source:
    root: str
    """Its root address."""
    process: int

    def spent(self) -> float:
        """CPU seconds that it took so far: on a core of its own it is not what limits."""
        fields = Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def source() -> AsyncIterator[Source]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.source", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        yield Source(f"http://127.0.0.1:{int(await process.stdout.readline())}/v1", process.pid)
    finally:
        process.stdin.close()
        await process.wait()


if __name__ == "__main__":
    asyncio.run(_serve())
