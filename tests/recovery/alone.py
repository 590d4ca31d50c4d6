"""A live reply on a real bridge, without a relay."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import SecretStr

from bridges.discord import DiscordBridge
from bridges.settings import TelegramSettings
from bridges.slack import SlackBridge
from bridges.slack.thread import Thread
from bridges.telegram import TelegramBridge
from core.bridge import Bridge
from core.model import ThreadId
from sandbox.slack.world import TEAM
from sandbox.telegram import TOKEN
from tests.bridges.discord.conftest import settings as discord_settings
from tests.bridges.slack.conftest import settings as slack_settings
from tests.program import World

PLACES = {"slack": "channel", "discord": "channel", "telegram": "direct"}


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


def thread_in(standing: World, name: str, where: str, root: str) -> ThreadId:
    """Where a reply to the message `root` goes."""
    return {
        "slack": Thread(TEAM, where, root).id(),
        "discord": ThreadId(f"discord:{standing.discord.world.guild}:{where}"),
        "telegram": ThreadId(f"telegram:{where}"),
    }[name]
