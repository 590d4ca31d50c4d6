"""One client of the gateway: the session, and the socket that it has just now."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from sandbox.discord.shards import Shard, concerns

KEPT = 2_000
"""How many events a session keeps for a client that comes back."""


@dataclass(slots=True)
class Session:
    id: str
    intents: int
    shard: Shard = (0, 1)
    number: int = 0
    sent: deque[tuple[int, dict[str, Any]]] = field(default_factory=lambda: deque(maxlen=KEPT))
    wire: Wire | None = None

    def wants(self, intent: int, guild: str | None) -> bool:
        """Is it told of such things in this guild? None: in direct channels."""
        return bool(self.intents & intent) and concerns(self.shard, guild)


class Wire:
    """One socket, with the compression that its client asked for. What is sent goes out in order."""

    def __init__(self, socket: web.WebSocketResponse, compress: str | None) -> None:
        self.socket = socket
        self._deflate = zlib.compressobj() if compress == "zlib-stream" else None
        self._waiting: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def send(self, payload: dict[str, Any]) -> None:
        self._waiting.put_nowait(payload)

    async def write(self) -> None:
        """Sends what waits, until cancelled or the socket is gone."""
        while not self.socket.closed:
            text = json.dumps(await self._waiting.get())
            try:
                if self._deflate is None:
                    await self.socket.send_str(text)
                else:
                    packed = self._deflate.compress(text.encode()) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
                    await self.socket.send_bytes(packed)
            except ConnectionError:
                return

    def cut(self) -> None:
        """Breaks the connection, without a closing frame."""
        transport = self.socket._req.transport if self.socket._req is not None else None
        if transport is not None:
            transport.abort()
