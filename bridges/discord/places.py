"""Where to look for what was missed, by what a guild tells of itself. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

import discord

from bridges.discord.thread import Where

Place: TypeAlias = discord.TextChannel | discord.VoiceChannel | discord.StageChannel | discord.Thread
"""Where people write in a guild."""


@dataclass(frozen=True, slots=True)
class Found:
    """Where to look in a guild."""

    known: list[Place]
    """Where the bot was spoken to of late, or in a thread of it, and something was said."""
    others: list[Place]
    """Where something was said, and the bot may have been mentioned."""
    unlisted: list[int]
    """Where the bot was spoken to of late, and nothing is known of: archived threads above all."""
    closed: list[int]
    """Where the bot was spoken to of late, and may not read any more."""


def look(guild: discord.Guild, conversations: Iterable[Where], since: int, me: int) -> Found:
    """`conversations`: where the bot was spoken to of late, the newest first; `since`: an id that is older than what
    counts. Places with the newest messages come first. No I/O."""
    here = [where for where in conversations if where.guild == guild.id]
    known = dict.fromkeys(key for where in here for key in (where.target, where.channel))
    listed: dict[int, Place] = {one.id: one for one in _places(guild)}
    told = [one for one in listed.values() if _news(one, since, one.id in known) and _may_read(one, me)]
    told.sort(key=lambda one: one.last_message_id or 0, reverse=True)
    closed = [key for key in known if (channel := guild.get_channel(key)) is not None and not _may_read(channel, me)]
    unlisted = [where.target for where in here if where.target not in listed and where.channel not in closed]
    return Found(
        known=[one for one in told if one.id in known],
        others=[one for one in told if one.id not in known],
        unlisted=list(dict.fromkeys(unlisted)),
        closed=closed,
    )


def _places(guild: discord.Guild) -> tuple[Place, ...]:
    return (*guild.text_channels, *guild.voice_channels, *guild.stage_channels, *guild.threads)


def _news(place: Place, since: int, known: bool) -> bool:
    """A place where something was said has a newest message; a server may leave out which."""
    return known if place.last_message_id is None else place.last_message_id > since


def _may_read(channel: discord.abc.GuildChannel | discord.Thread, me: int) -> bool:
    """Refused calls count against the bot, so those that are known to be are not made."""
    member = channel.guild.get_member(me)
    if member is None:
        return True
    try:
        may = channel.permissions_for(member)
    except discord.ClientException:
        # a thread of a channel that the bot does not know of
        return False
    return may.view_channel and may.read_message_history
