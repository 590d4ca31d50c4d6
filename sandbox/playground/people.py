"""Who lives in the stand-ins' worlds, and as whom one speaks in the page: two people whom the configuration lets in,
and a stranger."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.discord import DiscordServer
from sandbox.discord.records import User
from sandbox.slack import SlackServer
from sandbox.slack.world import BOT_USER
from sandbox.telegram import TelegramServer


@dataclass(frozen=True, slots=True)
class Person:
    id: str
    """By which every stand-in knows them."""
    name: str
    stranger: bool = False


PEOPLE = (Person("ann", "Ann Kern"), Person("bob", "Bob Moss"), Person("eve", "Eve Stray", stranger=True))
KNOWN = tuple(person.id for person in PEOPLE if not person.stranger)


def is_here(author: str) -> bool:
    return any(person.id == author for person in PEOPLE)


def settle_in_slack(server: SlackServer) -> list[str]:
    """Whoever is missing comes into the channels and gets a direct chat with the bot. Returns the platform's own ids of
    those who are let in. Settling twice does no harm; so do the two below."""
    world = server.world
    handles = {user.handle: user for user in world.users.values()}
    for person in PEOPLE:
        user = handles.get(person.id) or world.add_user(person.id, person.name)
        for channel in world.channels.values():
            if channel.kind == "channel" and user.id not in channel.members:
                channel.members.append(user.id)
        if not any(channel.kind == "im" and user.id in channel.members for channel in world.channels.values()):
            world.add_channel(person.id, "im", [user.id, BOT_USER])
    return [world.user(one).id for one in KNOWN]


def settle_in_discord(server: DiscordServer) -> list[str]:
    world = server.world
    ids = {user.username: user.id for user in world.users.values()}
    for person in PEOPLE:
        if person.id not in ids:
            ids[person.id] = world.snowflake()
            world.users[ids[person.id]] = User(ids[person.id], person.id, person.name)
        world.direct_with(ids[person.id])
    return [ids[one] for one in KNOWN]


def settle_in_telegram(server: TelegramServer) -> list[str]:
    """All of them are there from the start."""
    return [str(server.world.user(one).id) for one in KNOWN]
