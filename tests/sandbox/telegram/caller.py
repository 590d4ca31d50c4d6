"""A bot that speaks the Bot API by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from sandbox.telegram import TOKEN, TelegramServer


@dataclass(frozen=True, slots=True)
class Refused(Exception):
    status: int
    description: str
    parameters: dict[str, Any]
    retry_after: str | None


@dataclass(slots=True)
class Caller:
    session: aiohttp.ClientSession
    url: str
    token: str = TOKEN

    async def __call__(self, method: str, **arguments: Any) -> Any:
        """Calls with a JSON body. Raises `Refused`."""
        async with self.session.post(f"{self.url}/bot{self.token}/{method}", json=arguments) as response:
            body = await response.json()
            assert body["ok"] == (response.status == 200)
            if body["ok"]:
                return body["result"]
            assert body["error_code"] == response.status
            raise Refused(
                response.status, body["description"], body.get("parameters", {}), response.headers.get("Retry-After")
            )

    async def refused(self, method: str, **arguments: Any) -> Refused:
        try:
            answer = await self(method, **arguments)
        except Refused as refused:
            return refused
        raise AssertionError(f"{method} was not refused: {answer}")


@asynccontextmanager
async def calling(tg: TelegramServer) -> AsyncIterator[Caller]:
    async with aiohttp.ClientSession() as session:
        yield Caller(session, tg.url)
