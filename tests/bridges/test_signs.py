"""A platform on which nobody says anything gives signs of life all the same, and none where it cannot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from time import monotonic

import pytest

from bridges.discord import DiscordBridge, gateway, shards
from bridges.endpoints import Endpoints
from bridges.settings import DiscordSettings, SlackSettings, TelegramSettings
from bridges.slack import SlackBridge
from bridges.slack import socket as sockets
from bridges.telegram import TelegramBridge
from bridges.telegram.rhythm import Rhythm
from core.bridge import Bridge, Recent
from core.model import Message
from sandbox.discord import TOKEN as DISCORD_TOKEN
from sandbox.slack import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET
from sandbox.telegram import TOKEN as TELEGRAM_TOKEN
from tests.program import World, world

PLATFORMS = ("slack", "discord", "telegram")


@pytest.fixture(autouse=True)
def _quick_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (gateway, sockets):
        monkeypatch.setattr(module, "SIGN_SECONDS", 0.1)
    monkeypatch.setattr(shards, "IDENTIFY_SECONDS", 0.0)


def bridge_to(standing: World, name: str, *, called: bool = False) -> Bridge:
    """`called`: the platform calls us."""
    match name:
        case "slack":
            tokens = {"bot_token": BOT_TOKEN, "app_token": APP_TOKEN, "signing_secret": SIGNING_SECRET}
            mode = "http" if called else "socket"
            slack = SlackSettings.model_validate({**tokens, "api_url": standing.slack.api_url, "mode": mode})
            return SlackBridge(slack, endpoints=Endpoints())
        case "discord":
            addresses = {"api_url": standing.discord.api_url, "gateway_url": standing.discord.gateway_url}
            return DiscordBridge(DiscordSettings.model_validate({"token": DISCORD_TOKEN, **addresses, "shards": 2}))
        case _:
            values = {"token": TELEGRAM_TOKEN, "api_url": standing.telegram.api_url}
            if called:
                values |= {"mode": "webhook", "public_url": "http://127.0.0.1:9"}
            telegram = TelegramSettings.model_validate(values)
            return TelegramBridge(telegram, endpoints=Endpoints(), rhythm=Rhythm(poll=1.0))


async def accept(_: Message) -> None:
    raise AssertionError("nobody has said anything")


async def recollect() -> Recent:
    return Recent(timedelta(), (), frozenset())


@asynccontextmanager
async def listening(bridge: Bridge) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(bridge)
        assert bridge.heard_at is None
        task = asyncio.create_task(bridge.listen(accept, recollect))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def signs(bridge: Bridge, count: int) -> None:
    """Waits for so many more signs."""
    async with asyncio.timeout(20):
        for _ in range(count):
            before = bridge.heard_at
            while bridge.heard_at == before:  # noqa: ASYNC110 - nobody tells of a ping that is answered
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("name", PLATFORMS)
async def test_signs_come_as_long_as_it_listens(name: str) -> None:
    async with world() as standing:
        bridge = bridge_to(standing, name)
        async with listening(bridge):
            began = monotonic()
            await signs(bridge, 12 if name != "telegram" else 3)  # more than the greetings of two shards bring
            assert bridge.heard_at is not None
            assert bridge.heard_at >= began
            assert bridge.unready is None
        assert bridge.heard_at is None, "who does not listen is not deaf"


@pytest.mark.parametrize("name", ["slack", "telegram"])
async def test_where_the_platform_calls_us_none_is_expected(name: str) -> None:
    async with world() as standing:
        bridge = bridge_to(standing, name, called=True)
        async with listening(bridge):
            if name == "telegram":
                await standing.telegram.feed.until(lambda: standing.telegram.webhook_url)
            assert bridge.heard_at is None


async def test_more_heartbeats_do_not_make_the_library_complain(caplog: pytest.LogCaptureFixture) -> None:
    async with world() as standing:
        bridge = bridge_to(standing, "discord")
        async with listening(bridge):
            await signs(bridge, 20)
    assert "keep up" not in caplog.text
