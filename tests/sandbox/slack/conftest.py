"""A workspace, and a raw client: nothing of the bridge."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from sandbox.slack import APP_TOKEN, BOT_TOKEN, SlackServer


@dataclass
class Raw:
    slack: SlackServer
    session: aiohttp.ClientSession

    async def json(self, method: str, *, token: str = BOT_TOKEN, **body: Any) -> dict[str, Any]:
        """A call with a JSON body."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with self.session.post(f"{self.slack.api_url}/{method}", json=body, headers=headers) as response:
            answer: dict[str, Any] = await response.json()
            return answer

    async def form(self, method: str, *, token: str = BOT_TOKEN, **body: str) -> dict[str, Any]:
        """A call with a form."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with self.session.post(f"{self.slack.api_url}/{method}", data=body, headers=headers) as response:
            answer: dict[str, Any] = await response.json()
            return answer

    async def socket(self) -> aiohttp.ClientWebSocketResponse:
        """A Socket Mode connection that has been greeted."""
        url = (await self.json("apps.connections.open", token=APP_TOKEN))["url"]
        ws = await self.session.ws_connect(url)
        assert (await ws.receive_json())["type"] == "hello"
        return ws


@pytest.fixture
async def slack() -> AsyncIterator[SlackServer]:
    async with SlackServer() as server:
        yield server


@pytest.fixture
async def raw(slack: SlackServer) -> AsyncIterator[Raw]:
    async with aiohttp.ClientSession() as session:
        yield Raw(slack, session)
