"""What the upstream is doing is shown on every platform while it does it, and goes with the next text."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from pydantic import SecretStr

from bridges.discord import DiscordBridge
from bridges.settings import DiscordSettings, SlackSettings, TelegramSettings
from bridges.slack import SlackBridge
from bridges.telegram import TelegramBridge
from core.bridge import Bridge
from core.live import LiveReply
from core.model import MessageId, ThreadId
from core.pace import Pacer
from sandbox.discord import TOKEN as DISCORD_TOKEN
from sandbox.discord import DiscordServer
from sandbox.slack import APP_TOKEN, BOT_TOKEN, SlackServer
from sandbox.slack.world import TEAM
from sandbox.stand_in import StandIn
from sandbox.telegram import TOKEN, TelegramServer
from tests.ledger import Ledger
from tests.program import place


@asynccontextmanager
async def asked(kind: str) -> AsyncIterator[tuple[StandIn, Bridge, str, ThreadId, MessageId]]:
    """A platform, the bridge to it, a place in it, and a question with its thread."""
    async with AsyncExitStack() as stack:
        server: StandIn
        bridge: Bridge
        match kind.split():
            case ["slack", streaming]:
                server = slack = await stack.enter_async_context(SlackServer())
                settings = SlackSettings(
                    bot_token=SecretStr(BOT_TOKEN),
                    app_token=SecretStr(APP_TOKEN),
                    api_url=slack.api_url,
                    streaming="auto" if streaming == "streams" else "off",
                )
                bridge, world = SlackBridge(settings), f"slack:{TEAM}"
            case ["discord"]:
                server = discord = await stack.enter_async_context(DiscordServer())
                address = {"api_url": discord.api_url, "gateway_url": discord.gateway_url}
                bridge = DiscordBridge(DiscordSettings(token=SecretStr(DISCORD_TOKEN), **address))
                world = f"discord:{discord.world.guild}"
            case ["telegram", growing]:
                server = telegram = await stack.enter_async_context(TelegramServer())
                drafts, world = growing == "drafts", "telegram"
                bridge = TelegramBridge(
                    TelegramSettings(token=SecretStr(TOKEN), api_url=telegram.api_url, drafts=drafts)
                )
            case other:
                raise AssertionError(other)
        where = place(server, "channel" if server.name == "discord" else "direct")
        message = MessageId(await server.say(where, "question"))
        thread = f"{world}:{where}:{message}" if server.name == "slack" else f"{world}:{where}"
        yield server, await stack.enter_async_context(bridge), where, ThreadId(thread), message


@pytest.mark.parametrize(
    "kind", ["slack streams", "slack edits", "discord", "telegram edits", "telegram drafts"], ids=str
)
async def test_what_is_being_done_is_shown_and_goes(kind: str) -> None:
    async with asked(kind) as (server, bridge, where, thread, message):

        def shown() -> str:
            return "".join(view.text for view in server.view(where) if view.bot)

        reply = LiveReply(bridge, Pacer(bridge.pace), thread, Ledger(), reply_to=message)
        async with reply.painting():
            reply.status("Searching")
            await server.feed.until(lambda: "Searching" in shown())
            reply.status("")
            reply.append("Found it")
            await server.feed.until(lambda: "Found it" in shown())
            assert "Searching …" not in shown()
            reply.status("Drawing")
            await server.feed.until(lambda: "Drawing" in shown())
            reply.append(" all.")
            await reply.finish()
        assert shown() == "Found it all."
        assert not any(view.draft for view in server.view(where))
