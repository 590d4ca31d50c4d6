"""Telling every open page what changed, as server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import Any

BACKLOG = 2000
"""Records that a page may be behind; past it, it is let go and begins anew with the whole state."""


AGAIN = b"retry: 1000\n\n"
"""A page that lost its stream asks again after so many milliseconds."""


def record(event: str, data: Any) -> bytes:
    """One server-sent event. JSON has no line breaks of its own, so one `data` line holds it."""
    return f"event: {event}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


class Hub:
    def __init__(self) -> None:
        self._listeners: set[asyncio.Queue[bytes | None]] = set()

    def tell(self, event: str, data: Any) -> None:
        if not self._listeners:
            return
        told = record(event, data)
        for queue in list(self._listeners):
            if queue.qsize() < BACKLOG:
                queue.put_nowait(told)
            else:
                self._let_go(queue)

    def close(self) -> None:
        """Ends every stream."""
        for queue in list(self._listeners):
            self._let_go(queue)

    @contextmanager
    def listening(self) -> Iterator[AsyncGenerator[bytes, None]]:
        """Everything told from now on, with an empty comment whenever nothing was for a while; ends when the hub
        closes or the listener is too far behind."""
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            yield _each(queue)
        finally:
            self._listeners.discard(queue)

    def _let_go(self, queue: asyncio.Queue[bytes | None]) -> None:
        self._listeners.discard(queue)
        queue.put_nowait(None)


async def _each(queue: asyncio.Queue[bytes | None]) -> AsyncGenerator[bytes, None]:
    while True:
        try:
            async with asyncio.timeout(15):
                told = await queue.get()
        except TimeoutError:
            told = b":\n\n"
        if told is None:
            return
        yield told
