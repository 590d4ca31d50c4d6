"""Emoji below a message: https://docs.discord.com/developers/resources/message#create-reaction"""

from __future__ import annotations

from typing import Any

from sandbox.discord.records import Channel, Message, Refusal
from sandbox.discord.world import World

EMOJI = 20
"""How many different emoji one message takes."""


def add(world: World, channel: Channel, message: Message, emoji: str, user: str) -> None:
    """Adding it twice changes nothing."""
    world.need(channel, "READ_MESSAGE_HISTORY")
    users = message.reactions.get(_checked(emoji), [])
    if not users:
        world.need(channel, "ADD_REACTIONS")
        if len(message.reactions) >= EMOJI:
            raise Refusal(400, 30010, f"Maximum number of reactions reached ({EMOJI})")
    if user not in users:
        message.reactions[emoji] = [*users, user]


def remove(message: Message, emoji: str, user: str) -> None:
    """Removing one that is not there changes nothing."""
    users = [one for one in message.reactions.get(_checked(emoji), []) if one != user]
    if users:
        message.reactions[emoji] = users
    else:
        message.reactions.pop(emoji, None)


def shape(message: Message, me: str) -> list[dict[str, Any]]:
    return [
        {
            "emoji": {"id": None, "name": emoji},
            "count": len(users),
            "count_details": {"burst": 0, "normal": len(users)},
            "me": me in users,
            "me_burst": False,
            "burst_colors": [],
        }
        for emoji, users in message.reactions.items()
    ]


def _checked(emoji: str) -> str:
    """An emoji of Unicode's; there are no others here."""
    if emoji.isascii():
        raise Refusal(400, 10014, "Unknown Emoji")
    return emoji
