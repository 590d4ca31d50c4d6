"""What somebody wrote, as a `core.model.Message`: pure, and None for all that is not for the bot."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

import discord

from bridges.commands import command_in
from bridges.discord.thread import Where
from core.model import Attachment, Message, MessageId
from core.text import clean

SPOKEN = (discord.MessageType.default, discord.MessageType.reply)
"""The kinds of message that people write; the others tell of joins, pins, new threads and the like."""


def from_a_person(message: discord.Message) -> bool:
    """Neither from a bot (this one included) or a webhook, nor about joins, pins, new threads and the like."""
    return not message.author.bot and message.webhook_id is None and message.type in SPOKEN


def is_direct(channel: object) -> bool:
    """A direct channel, or what stands for one."""
    match channel:
        case discord.DMChannel():
            return True
        case discord.PartialMessageable():
            return channel.type is discord.ChannelType.private
        case _:
            return False


def read(message: discord.Message, me: int, answer_in: Literal["channel", "thread"]) -> Message | None:
    """`me`: the bot's own id.

    Handed over are direct messages, mentions of the bot, replies to it, and everything in threads and forum posts;
    no mention of a role or of everyone. `message` is what `from_a_person` is true for."""
    author = message.author
    channel = message.channel
    direct = is_direct(channel)
    addressed = direct or any(user.id == me for user in message.mentions) or _answers(message, me)
    place = _where(message, me, answer_in)
    if place is None or not (addressed or isinstance(channel, discord.Thread)):
        return None
    text = readable(message.content, me, _names(message))
    command, text = command_in(text, addressed=addressed)
    attachments = tuple(_attachment(channel.id, message.id, one) for one in message.attachments)
    if not (addressed or text or command or attachments):
        # without the message content intent there is nothing to read here
        return None
    return Message(
        id=MessageId(str(message.id)),
        thread=place.id(),
        author=str(author.id),
        author_name=clean(author.display_name),
        text=text,
        sent_at=message.created_at,
        channel=str(place.channel),
        addressed=addressed,
        attachments=attachments,
        command=command,
        organisation=None if place.guild is None else str(place.guild),
    )


def _answers(message: discord.Message, me: int) -> bool:
    """Is it a reply to the bot? A forwarded message of the bot's is not."""
    if message.type is not discord.MessageType.reply or message.reference is None:
        return False
    replied = message.reference.resolved
    return isinstance(replied, discord.Message) and replied.author.id == me


def _where(message: discord.Message, me: int, answer_in: Literal["channel", "thread"]) -> Where | None:
    channel = message.channel
    if isinstance(channel, discord.TextChannel) and answer_in == "thread" and _may_start_threads(channel, me):
        return Where(channel.guild.id, channel.id, message.id)
    return where(channel)


def where(channel: object) -> Where | None:
    """What is said there and begins no thread; None where nobody can talk with the bot."""
    match channel:
        case discord.DMChannel() | discord.PartialMessageable() if is_direct(channel):
            return Where(None, channel.id)
        case discord.Thread():
            return Where(channel.guild.id, channel.parent_id, channel.id)
        case discord.TextChannel() | discord.VoiceChannel() | discord.StageChannel():
            return Where(channel.guild.id, channel.id)
        case discord.PartialMessageable() if channel.guild_id is not None:
            # nothing could be learned about it: what is said to the bot there is answered there
            return Where(channel.guild_id, channel.id)
        case _:
            return None


def _may_start_threads(channel: discord.TextChannel, me: int) -> bool:
    """Where it may not, the channel itself is the next best place for an answer."""
    member = channel.guild.get_member(me)
    if member is None:
        return True
    may = channel.permissions_for(member)
    return may.create_public_threads and may.send_messages_in_threads


def _attachment(channel: int, message: int, file: discord.Attachment) -> Attachment:
    return Attachment(
        name=clean(file.filename),
        media_type=(file.content_type or "application/octet-stream").partition(";")[0].strip(),
        size=file.size,
        reference=f"{channel}/{message}/{file.id}",
    )


# --- text ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Names:
    """What ids in a text stand for, as far as it is known."""

    users: Mapping[int, str] = field(default_factory=dict)
    roles: Mapping[int, str] = field(default_factory=dict)
    channels: Mapping[int, str] = field(default_factory=dict)


def _names(message: discord.Message) -> Names:
    guild = message.guild
    channels = {} if guild is None else {key: guild.get_channel_or_thread(key) for key in message.raw_channel_mentions}
    roles = {} if guild is None else {key: guild.get_role(key) for key in message.raw_role_mentions}
    return Names(
        users={user.id: user.display_name for user in message.mentions},
        roles={key: role.name for key, role in roles.items() if role is not None},
        channels={key: channel.name for key, channel in channels.items() if channel is not None},
    )


_TOKEN = re.compile(
    r"(?P<code>```.*?```|(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`))"
    r"|(?P<gap>[ \t]?)<(?P<kind>@!?|@&|\#)(?P<id>[0-9]{1,20})>(?P<after>[ \t]?)"
    r"|<a?(?P<emoji>:\w{1,64}:)[0-9]{1,20}>"
    r"|<(?P<command>/[^:<>\n]{1,100}):[0-9]{1,20}>"
    r"|<t:(?P<time>-?[0-9]{1,12})(?::[a-zA-Z])?>",
    re.DOTALL,
)


def readable(content: str, me: int, names: Names) -> str:
    """Discord's dialect as Markdown that says the same: the mention of the bot is gone, ids are names, custom emoji
    and times are words. Code stays as it is."""

    def one(match: re.Match[str]) -> str:
        if match["code"]:
            return match[0]
        if match["emoji"] or match["command"]:
            return match["emoji"] or match["command"]
        if match["time"]:
            return _moment(int(match["time"])) or match[0]
        name = named(match["kind"], int(match["id"]))
        if not name:
            return match["gap"] and match["after"]
        return match["gap"] + name + match["after"]

    def named(kind: str, key: int) -> str:
        match kind:
            case "@&":
                return f"@{names.roles.get(key, 'unknown role')}"
            case "#":
                return f"#{names.channels.get(key, 'unknown channel')}"
            case _ if key == me:
                return ""
            case _:
                return f"@{names.users.get(key, 'unknown person')}"

    return _TOKEN.sub(one, clean(content)).strip()


def _moment(seconds: int) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
    except (ValueError, OverflowError, OSError):
        return ""
