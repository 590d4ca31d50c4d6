"""The commands that Telegram's apps offer when somebody types a slash.

https://core.telegram.org/bots/api#botcommandscope
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from telegram import (
    BotCommand,
    BotCommandScope,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeDefault,
)

from bridges.telegram.client import Client
from core.errors import PlatformError

log = logging.getLogger(__name__)

COMMANDS = (
    BotCommand("new", "Begin a new conversation"),
    BotCommand("stop", "Stop the answer that is being written"),
    BotCommand("retry", "Answer the last question again"),
    BotCommand("status", "Which assistant is this?"),
    BotCommand("help", "What this bot can do"),
)
USE = BotCommand("use", "Choose the assistant")
"""Where there are several."""
ASK = BotCommand("ask", "Ask the assistant")
"""In private every message is a question."""


def menus(*, choices: bool) -> Mapping[BotCommandScope, tuple[BotCommand, ...]]:
    """In no language of its own, which is the one for everybody. `choices`: are there several assistants?"""
    everywhere = (*COMMANDS, USE) if choices else COMMANDS
    return {
        BotCommandScopeDefault(): everywhere,
        BotCommandScopeAllPrivateChats(): everywhere,
        BotCommandScopeAllGroupChats(): (ASK, *everywhere),
    }


async def offer(client: Client, *, choices: bool = False) -> None:
    """Sets the menus that are others than these. What fails is the log's to say: commands work without a menu."""
    for scope, commands in menus(choices=choices).items():
        try:
            with client.calling():
                if tuple(await client.bot.get_my_commands(scope)) != commands:
                    await client.bot.set_my_commands(commands, scope)
        except PlatformError as error:
            log.warning("Telegram: the list of commands could not be set (%s)", error.detail)
            return
