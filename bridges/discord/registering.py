"""The commands that Discord offers when somebody types a slash or opens a message's menu.

https://discord.com/developers/docs/interactions/application-commands
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import discord

from bridges.discord.errors import TRANSLATED, translated

log = logging.getLogger(__name__)

Json = dict[str, Any]

SLASH, ON_MESSAGE = 1, 3
"""Types of commands."""
TEXT = 3
"""The type of an option."""
SERVER, DIRECT = 0, 1
"""Where commands are offered."""

ASK = "ask"
QUESTION = "question"
NAME = "name"
ASK_ABOUT = "Ask the assistant"


def _slash(name: str, description: str, *options: Json) -> Json:
    return {
        "name": name,
        "type": SLASH,
        "description": description,
        "options": list(options),
        "contexts": [SERVER, DIRECT],
    }


WANTED: Sequence[Json] = (
    _slash(
        ASK,
        "Ask the assistant",
        {"name": QUESTION, "type": TEXT, "description": "What would you like to know?", "required": True},
    ),
    _slash("new", "Begin a new conversation"),
    _slash("stop", "Stop the answer that is being written"),
    _slash("retry", "Answer the last question again"),
    _slash("status", "Which assistant is this?"),
    _slash("help", "What this bot can do"),
    {"name": ASK_ABOUT, "type": ON_MESSAGE, "contexts": [SERVER, DIRECT]},
)


MOST_CHOICES, LONGEST_CHOICE = 25, 100
"""Of an option, and of each its characters."""


def choosing(names: Sequence[str]) -> Json:
    """Where there are several assistants. Of more than Discord takes, the name is typed."""
    option: Json = {"name": NAME, "type": TEXT, "description": "Which one? Without it: which there are"}
    if len(names) <= MOST_CHOICES and all(len(one) <= LONGEST_CHOICE for one in names):
        option["choices"] = [{"name": one, "value": one} for one in names]
    return _slash("use", "Choose the assistant", option)


def same(found: Any, wanted: Sequence[Mapping[str, Any]] = WANTED) -> bool:
    """Does Discord have these commands already? What a server does not tell of a command counts as wanted."""
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        return False
    return sorted(map(_told, found), key=str) == sorted(map(_told, wanted), key=str)


def _told(command: Mapping[str, Any]) -> tuple[object, ...]:
    contexts = command.get("contexts")
    return (
        command.get("name"),
        command.get("type") or SLASH,
        command.get("description") or "",
        tuple(
            (
                *(one.get("name"), one.get("type"), one.get("description"), bool(one.get("required"))),
                tuple((choice.get("name"), choice.get("value")) for choice in one.get("choices") or ()),
            )
            for one in command.get("options") or ()
        ),
        (SERVER, DIRECT) if contexts is None else tuple(sorted(contexts)),
    )


async def register(client: discord.Client, choices: Sequence[str] = ()) -> None:
    """Replaces the application's commands where they are others than these: Discord allows 200 creations a day. A
    failure is the log's to say, for everything can be asked in words too. `choices`: the names of all assistants, where
    there are several."""
    application = client.application_id or (client.user.id if client.user is not None else 0)
    try:
        offered = (*WANTED, choosing(choices)) if choices else WANTED
        if same(await client.http.get_global_commands(application), offered):
            return
        await client.http.bulk_upsert_global_commands(application, list(offered))
    except TRANSLATED as error:
        log.warning("Discord's slash commands could not be registered (%s)", translated(error).detail)
        return
    log.info("Discord's slash commands are registered")
