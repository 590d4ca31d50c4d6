"""A playground with the real stand-ins, and in place of the program one that does nothing until it is told to stop."""

from __future__ import annotations

import asyncio
import io
import json
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sandbox.playground import running

IDLE = (sys.executable, "-c", "import signal; print('Idle', flush=True); signal.sigwait([signal.SIGTERM])")


@dataclass
class Page:
    """What a page does: asks, and hears what changed."""

    address: str
    client: aiohttp.ClientSession

    async def ask(self, path: str, **body: Any) -> tuple[int, dict[str, Any]]:
        async with self.client.post(self.address + path, json=body) as response:
            return response.status, await response.json()

    async def upload(self, content: bytes | AsyncIterator[bytes], **query: str) -> tuple[int, dict[str, Any]]:
        headers = {"Content-Type": "application/octet-stream"}
        async with self.client.post(
            self.address + "api/upload",
            params=query,
            data=io.BytesIO(content) if isinstance(content, bytes) else content,
            headers=headers,
        ) as response:
            return response.status, await response.json()

    async def state(self) -> dict[str, Any]:
        async with self.client.get(self.address + "api/state") as response:
            answer: dict[str, Any] = await response.json()
            return answer

    async def listen(self) -> AsyncGenerator[tuple[str, Any], None]:
        async with self.client.get(self.address + "events") as response:
            assert response.content_type == "text/event-stream"
            event = ""
            async for line in response.content:
                match line.decode().rstrip("\n").partition(": "):
                    case ("event", _, name):
                        event = name
                    case ("data", _, data):
                        yield event, json.loads(data)
                    case _:
                        pass

    async def hears(self, event: str, where: Callable[[Any], bool] = lambda _: True) -> Any:
        """Waits until a page that is opened now is told of this."""
        async with self.hearing(event, where, opened=False) as told:
            return await told

    @asynccontextmanager
    async def hearing(
        self, event: str, where: Callable[[Any], bool] = lambda _: True, *, opened: bool = True
    ) -> AsyncIterator[Awaitable[Any]]:
        """What an open page is told from now on: the block begins when it has its state."""
        async with asyncio.timeout(20), aclosing(self.listen()) as told:
            if opened:
                assert (await anext(told))[0] == "state"

            async def first() -> Any:
                async for name, data in told:
                    if name == event and where(data):
                        return data
                raise AssertionError(f"the stream ended before {event}")

            yield first()

    def place(self, state: dict[str, Any], platform: str, kind: str) -> str:
        places = state["platforms"][platform]["places"]
        return next(str(place["id"]) for place in places if place["kind"] == kind)


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def page(tmp_path: Path, client: aiohttp.ClientSession) -> AsyncIterator[Page]:
    async with running(0, tmp_path, command=IDLE) as standing:
        yield Page(standing.address, client)
