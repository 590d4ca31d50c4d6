"""An upstream of many steady streams, as a process of its own: raw bytes over sockets, so that one core is enough.

Each request is answered with Chat Completions events, each written by itself in an HTTP chunk of its own, `RATE` a
second for `seconds` (from the address: `/v1/{seconds}/chat/completions`). The text is prose with some markup, a word in
each event. Each tenth word is the moment at which it was sent, by the clock that all processes of a machine share, so
that a reader can tell how old it is."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

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


def _event(text: str) -> bytes:
    chunk = {
        "id": "chatcmpl-benchmark",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": "m",
        "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}],
    }
    return _chunk(b"data: " + json.dumps(chunk).encode() + b"\n\n")


def _text(number: int) -> str:
    word = WORDS[number % len(WORDS)] if number % STAMPED else f"{time.monotonic():.4f}"
    return word + ("\n\n" if number % 60 == 1 else " ")


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


class _Stream(asyncio.Protocol):
    def __init__(self) -> None:
        self._received = b""
        self._transport: asyncio.Transport | None = None
        self._left = 0
        self._due = 0.0

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
        self._due = asyncio.get_running_loop().time()
        assert self._transport is not None
        self._transport.write(HEAD)
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        self._left = -1

    def _next(self) -> None:
        if self._left < 0 or self._transport is None:
            return
        if self._left == 0:
            self._transport.write(_chunk(END) + b"0\r\n\r\n")
            return
        self._left -= 1
        self._transport.write(_event(_text(self._left)))
        self._due += 1 / RATE
        asyncio.get_running_loop().call_at(self._due, self._next)


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Stream, "127.0.0.1", 0, backlog=2_000)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)


@asynccontextmanager
async def source() -> AsyncIterator[str]:
    """Its root address."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.source", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        yield f"http://127.0.0.1:{int(await process.stdout.readline())}/v1"
    finally:
        process.stdin.close()
        await process.wait()


if __name__ == "__main__":
    asyncio.run(_serve())
