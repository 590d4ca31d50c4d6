"""The stand-in, and raw clients of its two protocols: no library for Discord is used here."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from sandbox.discord import TOKEN, DiscordServer

EVERYTHING = 1 << 0 | 1 << 9 | 1 << 11 | 1 << 12 | 1 << 14 | 1 << 15
"""The intents for guilds, messages, typing, and the content of messages."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Any
    data: Any


class Api:
    def __init__(self, server: DiscordServer, session: aiohttp.ClientSession) -> None:
        self.server = server
        self.session = session

    async def __call__(self, method: str, path: str, body: Any = None, *, token: str = TOKEN, **query: str) -> Answer:
        headers = {"Authorization": f"Bot {token}"}
        url = self.server.api_url + path
        async with self.session.request(method, url, json=body, headers=headers, params=query) as response:
            text = await response.text()
            data = json.loads(text) if response.headers.get("Content-Type") == "application/json" else text
            return Answer(response.status, response.headers, data)

    async def send(self, place: str, content: str, **more: Any) -> Answer:
        return await self("POST", f"/channels/{place}/messages", {"content": content, **more})


class Client:
    """One gateway connection."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, compressed: bool) -> None:
        self.socket = socket
        self._inflate = zlib.decompressobj() if compressed else None

    async def receive(self) -> dict[str, Any]:
        frame = await self.socket.receive(timeout=10)
        data = frame.data
        if frame.type is aiohttp.WSMsgType.BINARY and self._inflate is not None:
            data = self._inflate.decompress(data)
        elif frame.type is not aiohttp.WSMsgType.TEXT:
            raise ConnectionError(f"closed with {self.socket.close_code}")
        return dict(json.loads(data))

    async def event(self, name: str) -> dict[str, Any]:
        """The next event of this name; others before it are passed over."""
        while True:
            frame = await self.receive()
            if frame["t"] == name:
                return frame

    async def send(self, op: int, data: Any) -> None:
        await self.socket.send_str(json.dumps({"op": op, "d": data}))

    async def identify(self, intents: int = EVERYTHING, token: str = TOKEN, **more: Any) -> dict[str, Any]:
        """READY."""
        await self.ask_in(intents, token, **more)
        return await self.event("READY")

    async def ask_in(self, intents: int = EVERYTHING, token: str = TOKEN, **more: Any) -> None:
        """IDENTIFY, whatever comes of it."""
        assert (await self.receive())["op"] == 10
        await self.send(2, {"token": token, "intents": intents, "properties": {}, **more})

    async def close_code(self) -> int | None:
        """After the server has closed."""
        try:
            while True:
                await self.receive()
        except ConnectionError:
            return self.socket.close_code


class Dial:
    def __init__(self, server: DiscordServer, session: aiohttp.ClientSession) -> None:
        self._server = server
        self._session = session
        self.clients: list[Client] = []

    async def __call__(self, query: str = "?v=10&encoding=json") -> Client:
        socket = await self._session.ws_connect(self._server.gateway_url + query)
        self.clients.append(Client(socket, "zlib-stream" in query))
        return self.clients[-1]


@pytest.fixture
async def server() -> AsyncIterator[DiscordServer]:
    async with DiscordServer() as server:
        yield server


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def api(server: DiscordServer, session: aiohttp.ClientSession) -> Api:
    return Api(server, session)


@pytest.fixture
async def dial(server: DiscordServer, session: aiohttp.ClientSession) -> AsyncIterator[Dial]:
    dial = Dial(server, session)
    yield dial
    await asyncio.gather(*(client.socket.close() for client in dial.clients))
