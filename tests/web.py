"""A client of the web bridge: it asks over HTTP, and hears server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

ANN, BOB = "token-of-ann-and-nobody-else", "token-of-bob-and-nobody-else"


@dataclass
class WebClient:
    """Ann, unless another token is given."""

    address: str
    """Of the program's HTTP server."""
    session: aiohttp.ClientSession

    @asynccontextmanager
    async def asked(
        self, method: str, path: str, token: str | None = ANN, **more: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        headers = {**({"Authorization": f"Bearer {token}"} if token else {}), **more.pop("headers", {})}
        async with self.session.request(method, f"{self.address}/web/{path}", headers=headers, **more) as answer:
            yield answer

    async def get(self, path: str, token: str | None = ANN, **more: Any) -> tuple[int, Any]:
        async with self.asked("GET", f"api/{path}", token, **more) as answer:
            return answer.status, await answer.json()

    async def say(self, thread: str, token: str | None = ANN, **message: Any) -> tuple[int, Any]:
        async with self.asked("POST", f"api/threads/{thread}/messages", token, json=message) as answer:
            return answer.status, await answer.json()

    @asynccontextmanager
    async def events(self, thread: str, last: str | None = None, query: str = "") -> AsyncIterator[Events]:
        headers = {"Last-Event-ID": last} if last is not None else {}
        async with self.asked("GET", f"api/threads/{thread}/events{query}", headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            yield Events(answer)


class Events:
    """What a reader hears, as any reader of server-sent events would understand it."""

    def __init__(self, answer: aiohttp.ClientResponse | None = None) -> None:
        self._answer = answer
        self.last = ""
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.messages: dict[str, dict[str, Any]] = {}
        """As they are now."""
        self.answering: bool | None = None

    @property
    def texts(self) -> dict[str, str]:
        return {name: message["text"] for name, message in self.messages.items()}

    @property
    def states(self) -> dict[str, str]:
        return {name: message["state"] for name, message in self.messages.items()}

    async def of(self, answer: aiohttp.ClientResponse) -> AsyncIterator[str]:
        """Goes on with another connection, until it ends. Gives the kind of what came last."""
        self._answer = answer
        while await self._next():
            if self.heard:
                yield self.heard[-1][0]

    async def until(self, condition: Callable[[Events], object]) -> None:
        async with asyncio.timeout(20):
            while not condition(self):
                assert await self._next(), "the connection ended"

    async def ended(self) -> None:
        async with asyncio.timeout(20):
            while await self._next():
                pass

    async def _next(self) -> bool:
        assert self._answer is not None
        fields: dict[str, str] = {}
        while line := (await self._answer.content.readline()).decode():
            if line == "\n":
                if "event" in fields:
                    self._take(fields["event"], json.loads(fields["data"]))
                self.last = fields.get("id", self.last)
                return True
            name, _, value = line.rstrip("\n").partition(": ")
            fields[name] = value
        return False

    def _take(self, event: str, data: dict[str, Any]) -> None:
        self.heard.append((event, data))
        match event:
            case "message":
                self.messages[data["id"]] = dict(data)
            case "append":
                message = self.messages[data["id"]]
                message |= {"text": message["text"] + data["text"], "state": data["state"]}
            case "removed":
                self.messages.pop(data["id"], None)
            case _:
                self.answering = data["answering"]
