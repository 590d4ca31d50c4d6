"""Several listeners of one bot, each with a bridge and a store of its own, on one PostgreSQL: what people say is on
record once, whoever of them hears it, comes, goes or is cut off."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import pytest
from aiohttp import web
from sqlalchemy import URL, select

from bridges.discord import DiscordBridge, catch_up, shards
from bridges.endpoints import Endpoints
from bridges.settings import DiscordSettings, SlackSettings, TelegramSettings
from bridges.slack import SlackBridge
from bridges.telegram import TelegramBridge
from core.bridge import Bridge
from core.database import opened
from core.inbox import Inbox
from core.queue import JobQueue
from core.settings import Access, Relaying
from core.statements import TURN
from core.store import Store
from sandbox.discord import TOKEN as DISCORD_TOKEN
from sandbox.discord import DiscordServer
from sandbox.slack import APP_TOKEN, BOT_TOKEN, SlackServer
from sandbox.telegram import TOKEN as TELEGRAM_TOKEN
from sandbox.telegram import TelegramServer

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


class Listeners:
    """Of one database."""

    def __init__(self, url: URL) -> None:
        self._url = url

    @asynccontextmanager
    async def listening(self, bridge: Bridge) -> AsyncIterator[None]:
        """As `threadbridge listen` does it."""
        async with opened(self._url) as engine, bridge:
            inbox = Inbox(Store(engine), {bridge.name: Access(policy="open")}, Relaying(), JobQueue())
            accept, recent = partial(inbox.accept, bridge.name), partial(inbox.recent, bridge.name)
            task = asyncio.create_task(bridge.listen(accept, recent))
            try:
                yield
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def hold_once(self, messages: Collection[str]) -> None:
        """Waits until all of these are on record, and nothing is twice."""
        async with opened(self._url) as engine, asyncio.timeout(30):
            while True:
                async with engine.connect() as connection:
                    found = sorted((await connection.execute(select(TURN.c.message))).scalars())
                if set(messages) <= set(found):
                    assert found == sorted(messages)
                    return
                # not told by `accept`: one that is cancelled may have recorded its message all the same
                await asyncio.sleep(0.05)


@pytest.fixture
def listeners(url: URL) -> Listeners:
    return Listeners(url)


async def test_on_slack(listeners: Listeners) -> None:
    async with SlackServer() as slack, AsyncExitStack() as stack:
        slack.courier.retry_delays = (0.0, 0.1, 0.1)
        settings = SlackSettings.model_validate(
            {"bot_token": BOT_TOKEN, "app_token": APP_TOKEN, "api_url": slack.api_url, "sockets": 2}
        )
        where = next(place.id for place in slack.places() if place.kind == "channel")
        for _ in range(2):
            await stack.enter_async_context(listeners.listening(SlackBridge(settings)))
        sent = []
        async with listeners.listening(SlackBridge(settings)):
            await slack.feed.until(lambda: len(slack.courier.sockets) == 6)
            sent += [await slack.say(where, f"@bot {number}") for number in range(12)]
            slack.drop_connections(only=3)
            sent += [await slack.say(where, f"@bot {number}") for number in range(12)]
        # with what its third had and did not acknowledge
        sent += [await slack.say(where, f"@bot {number}") for number in range(6)]
        for ts in sent[::5]:
            slack.redeliver(where, ts)
        await listeners.hold_once(sent)
        await slack.feed.until(lambda: not slack.courier.pending)
        await listeners.hold_once(sent)


async def test_on_discord(listeners: Listeners, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "IDENTIFY_SECONDS", 0.0)
    monkeypatch.setattr(catch_up, "SPACING", 0.0)
    async with DiscordServer() as discord, AsyncExitStack() as stack:
        decks = [
            discord.new_channel("deck", discord.world.new_guild(f"guild {number}", (number, 2))) for number in range(2)
        ]
        places = [*decks, discord.direct]

        def bridge(number: int) -> DiscordBridge:
            return DiscordBridge(
                DiscordSettings.model_validate(
                    {
                        "token": DISCORD_TOKEN,
                        "api_url": discord.api_url,
                        "gateway_url": discord.gateway_url,
                        "shards": 2,
                        "shard_ids": [number],
                    }
                )
            )

        async def say(times: int) -> list[str]:
            return [await discord.say(place, f"@bot {number}") for number in range(times) for place in places]

        sent = []
        async with listeners.listening(bridge(0)):
            await stack.enter_async_context(listeners.listening(bridge(1)))
            await discord.feed.until(lambda: discord.gateway.connected == 2)
            sent += await say(4)
            # one more for a shard that has one, as while one takes over from the other
            await stack.enter_async_context(listeners.listening(bridge(1)))
            await discord.feed.until(lambda: discord.gateway.connected == 3)
            sent += await say(4)
            discord.expire_sessions(1)
            sent += await say(4)
            await listeners.hold_once(sent)
        sent += await say(4)
        await stack.enter_async_context(listeners.listening(bridge(0)))
        await listeners.hold_once(sent)
        for message in sent[::5]:
            discord.redeliver(message)
        sent += await say(1)
        await listeners.hold_once(sent)


async def test_on_telegram(listeners: Listeners) -> None:
    receivers: list[Endpoints] = []
    turns = itertools.count()

    async def balance(request: web.Request) -> web.StreamResponse:
        if not receivers:
            raise web.HTTPBadGateway
        return await receivers[next(turns) % len(receivers)].dispatch(request)

    app = web.Application()
    app.router.add_post("/{path:.*}", balance)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with TelegramServer(limits=None, webhook_delay=0.05) as telegram, AsyncExitStack() as stack:
        settings = TelegramSettings.model_validate(
            {
                "token": TELEGRAM_TOKEN,
                "api_url": telegram.api_url,
                "mode": "webhook",
                "public_url": f"http://127.0.0.1:{runner.addresses[0][1]}",
            }
        )
        chats = [place.id for place in telegram.places() if place.kind == "direct"]

        async def say(times: int) -> list[str]:
            return [await telegram.say(chat, str(number)) for number in range(times) for chat in chats]

        sent = await say(2)
        for _ in range(2):
            receivers.append(Endpoints())
            await stack.enter_async_context(listeners.listening(TelegramBridge(settings, endpoints=receivers[-1])))
        leaving = Endpoints()
        async with listeners.listening(TelegramBridge(settings, endpoints=leaving)):
            receivers.append(leaving)
            sent += await say(4)
        # the balancer still knows it
        sent += await say(4)
        await telegram.feed.until(lambda: not telegram.pending())
        for chat in chats:
            await telegram.redeliver(
                chat, next(one for one in sent if int(one) in telegram.world.chats[int(chat)].messages)
            )
        sent += await say(1)
        await telegram.feed.until(lambda: not telegram.pending())
        await listeners.hold_once(sent)
    await runner.cleanup()
