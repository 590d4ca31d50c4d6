"""A part that was intended before a kill, of which no message is recorded, and that is not wanted any more: the answer
is shorter when it is asked for again. On the real bridges."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr

from bridges.discord import DiscordBridge
from bridges.settings import TelegramSettings
from bridges.slack import SlackBridge
from bridges.slack.thread import Thread
from bridges.telegram import TelegramBridge
from core.bridge import Bridge
from core.live import LiveReply
from core.model import MessageId, ThreadId
from core.pace import Pacer
from core.tables import Part
from sandbox.slack.world import TEAM
from sandbox.telegram import TOKEN
from tests.bridges.discord.conftest import settings as discord_settings
from tests.bridges.slack.conftest import settings as slack_settings
from tests.program import World, place, world

PLACES = {"slack": "channel", "discord": "channel", "telegram": "direct"}


class Parts:
    """The record of one turn's parts, in memory."""

    def check(self) -> None: ...

    async def intend(self, position: int) -> Part:
        return Part(turn_id=1, position=position, key=f"key{position}")

    async def posted(self, part: Part, message: MessageId) -> None:
        part.message = message

    async def renew(self, part: Part) -> None:
        part.message = None


@asynccontextmanager
async def bridge_to(standing: World, name: str) -> AsyncIterator[Bridge]:
    telegram = TelegramSettings(token=SecretStr(TOKEN), api_url=standing.telegram.api_url)
    bridges: dict[str, Bridge] = {
        "slack": SlackBridge(slack_settings(standing.slack)),
        "discord": DiscordBridge(discord_settings(standing.discord)),
        "telegram": TelegramBridge(telegram),
    }
    async with bridges[name] as bridge:
        yield bridge


@pytest.mark.parametrize("created", [False, True])
@pytest.mark.parametrize("name", PLACES)
async def test_what_is_not_wanted_is_not_left_over(name: str, created: bool) -> None:
    async with world() as standing:
        platform = standing.platforms[name]
        where = place(platform, PLACES[name])
        root = await platform.say(where, "@bot hello")
        thread = {
            "slack": Thread(TEAM, where, root).id(),
            "discord": ThreadId(f"discord:{standing.discord.world.guild}:{where}"),
            "telegram": ThreadId(f"telegram:{where}"),
        }[name]
        if created:
            async with bridge_to(standing, name) as bridge:
                await bridge.open(thread, "key1").show("The rest of a longer answer", final=True)
        async with bridge_to(standing, name) as bridge:
            left = [Part(turn_id=1, position=position, key=f"key{position}") for position in (0, 1)]
            reply = LiveReply(bridge, Pacer(bridge.pace), thread, Parts(), reply_to=None, adopted=left)
            async with asyncio.timeout(20), reply.painting():
                reply.append("Short.")
                await reply.finish()
        shown = [view.text for view in platform.view(where) if view.bot]
        if name == "telegram" and created:  # which can find nothing, and so creates only placeholders
            assert sorted(shown) == ["Short.", "…"]
        else:
            assert shown == ["Short."]
