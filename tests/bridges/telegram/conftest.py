from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from pydantic import SecretStr

from bridges.endpoints import Endpoints
from bridges.settings import TelegramSettings
from bridges.telegram import TelegramBridge
from bridges.telegram.rhythm import Rhythm
from sandbox.telegram import TOKEN, TelegramServer
from tests.bridges.telegram.ear import Ear, listening

QUICK = Rhythm(poll=5.0, first=0.01, longest=0.05, conflict=0.05, check=0.05, typing=0.02)


@pytest.fixture
async def tg() -> AsyncIterator[TelegramServer]:
    async with TelegramServer(limits=None, webhook_delay=0.01) as server:
        yield server


@pytest.fixture
def settings(tg: TelegramServer) -> TelegramSettings:
    return TelegramSettings(token=SecretStr(TOKEN), api_url=tg.api_url)


@pytest.fixture
async def bridge(settings: TelegramSettings) -> AsyncIterator[TelegramBridge]:
    """Connected, but not listening."""
    async with TelegramBridge(settings, rhythm=QUICK) as bridge:
        yield bridge


@pytest.fixture
async def ear(tg: TelegramServer, bridge: TelegramBridge) -> AsyncIterator[Ear]:
    """Hears what the bridge hands over, by polling."""
    ear = Ear(tg)
    async with listening(bridge, ear) as task:
        yield ear
        assert not task.done() or task.result(), "the bridge has stopped listening"


@pytest.fixture
async def hook(tg: TelegramServer) -> AsyncIterator[tuple[TelegramBridge, Ear, str]]:
    """The same by webhook: the bridge, what it hears, and the address of the program's server."""
    endpoints = Endpoints()
    app = web.Application()
    app.router.add_post("/{path:.*}", endpoints.dispatch)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    settings = TelegramSettings(token=SecretStr(TOKEN), api_url=tg.api_url, mode="webhook", public_url=address)
    ear = Ear(tg)
    try:
        async with (
            TelegramBridge(settings, endpoints=endpoints, rhythm=QUICK) as bridge,
            listening(bridge, ear) as task,
        ):
            await tg.feed.until(lambda: tg.webhook_url)
            yield bridge, ear, address
            assert not task.done() or task.result(), "the bridge has stopped listening"
    finally:
        await runner.cleanup()
