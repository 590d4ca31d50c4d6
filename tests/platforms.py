"""Each platform's real bridge at its stand-in, with as many threads as are wanted, in one process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from pydantic import SecretStr

from bridges.discord import DiscordBridge
from bridges.settings import DiscordSettings, SlackSettings, TelegramSettings
from bridges.slack import SlackBridge
from bridges.slack.thread import Thread
from bridges.telegram import TelegramBridge
from core.bridge import Bridge
from core.model import ThreadId
from sandbox.discord import TOKEN as DISCORD_TOKEN
from sandbox.discord import DiscordServer
from sandbox.slack import APP_TOKEN, BOT_TOKEN, SlackServer
from sandbox.slack.world import TEAM
from sandbox.stand_in import StandIn
from sandbox.telegram import TOKEN as TELEGRAM_TOKEN
from sandbox.telegram import TelegramServer
from sandbox.telegram.world import Chat, User

PERSON = 700_000

Standing = tuple[StandIn, Bridge, dict[str, ThreadId]]
"""With the stand-in's name of each thread's place."""


@asynccontextmanager
async def slack(replies: int) -> AsyncIterator[Standing]:
    async with SlackServer() as server:
        places = {}
        for number in range(replies):
            channel = server.add_channel(f"bench-{number}")
            places[channel] = Thread(TEAM, channel, await server.say(channel, "hello")).id()
        settings = SlackSettings(bot_token=SecretStr(BOT_TOKEN), app_token=SecretStr(APP_TOKEN), api_url=server.api_url)
        async with SlackBridge(settings) as bridge:
            yield server, bridge, places


@asynccontextmanager
async def discord(replies: int) -> AsyncIterator[Standing]:
    async with DiscordServer() as server:
        places = {}
        for number in range(replies):
            channel = server.new_channel(f"bench-{number}")
            places[channel] = ThreadId(f"discord:{server.world.guild}:{channel}")
        settings = DiscordSettings(
            token=SecretStr(DISCORD_TOKEN), api_url=server.api_url, gateway_url=server.gateway_url
        )
        async with DiscordBridge(settings) as bridge:
            yield server, bridge, places


@asynccontextmanager
async def telegram(replies: int) -> AsyncIterator[Standing]:
    async with TelegramServer() as server:
        places = {}
        for number in range(PERSON, PERSON + replies):
            server.world.users[number] = User(number, f"Person{number}")
            server.world.chats[number] = Chat(number, "private", "")
            places[str(number)] = ThreadId(f"telegram:{number}")
        async with TelegramBridge(TelegramSettings(token=SecretStr(TELEGRAM_TOKEN), api_url=server.api_url)) as bridge:
            yield server, bridge, places


PLATFORMS: dict[str, Callable[[int], AbstractAsyncContextManager[Standing]]] = {
    "slack": slack,
    "discord": discord,
    "telegram": telegram,
}
