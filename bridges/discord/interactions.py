"""A command that somebody used, as a `core.model.Message`, and what is shown in its place. Pure.

https://discord.com/developers/docs/interactions/receiving-and-responding
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import discord

from bridges.commands import named
from bridges.discord import inbound
from bridges.discord.completing import THREADS
from bridges.discord.registering import ASK, ASK_ABOUT, NAME, QUESTION
from bridges.discord.thread import Where
from core.controls import RATINGS, NotTaken, pressed
from core.model import Attachment, Message, MessageId
from core.text import clean

Json = Mapping[str, Any]

COMMAND_USED, BUTTON_PRESSED = 2, 3
"""Types of interactions."""
DIRECT_CHANNEL = 1
MESSAGE, NOTHING = 4, 6
"""Types of responses: a message; and to a press, nothing that has to be seen."""
SUPPRESS_EMBEDS, EPHEMERAL = 1 << 2, 1 << 6
LONGEST_ECHO = 900
"""Characters of a question that are shown again; Discord takes 2,000, however it counts."""

RECEIVED = "Received: see below."
THANKS = "Thank you."
MAY_NOT_WRITE = (
    "I may not write in this channel, so nothing was asked. Somebody who manages the server can allow me View Channel "
    "and Send Messages here (in a thread: Send Messages in Threads)."
)


@dataclass(frozen=True, slots=True)
class Used:
    """A command that was used. `token` is a secret for fifteen minutes: it is for the response alone."""

    id: int
    token: str
    guild: int | None
    channel: int
    where: Where | None
    """None: Discord did not say enough about the channel."""
    author: str
    author_name: str
    roles: frozenset[str]
    command: str
    """As the core knows it; empty: a question."""
    text: str
    attachments: tuple[Attachment, ...]
    may_write: bool
    about: int | None = None
    """Of a press: the turn that the button belongs to."""

    def message(self, where: Where) -> Message:
        return Message(
            # so that it is no number: there is no message that an answer could be a reply to
            id=MessageId(f"interaction-{self.id}"),
            thread=where.id(),
            author=self.author,
            author_name=self.author_name,
            text=self.text,
            sent_at=discord.utils.snowflake_time(self.id),
            channel=str(where.channel),
            addressed=True,
            attachments=self.attachments,
            command=self.command,
            about=self.about,
            organisation=None if where.guild is None else str(where.guild),
            roles=self.roles,
        )

    def response(self, not_taken: NotTaken | None = None) -> dict[str, Any]:
        """Everybody sees what was asked; the rest is shown to whoever used the command."""
        if not self.may_write:
            return _response(MAY_NOT_WRITE, EPHEMERAL)
        if not_taken is not None:
            return _response(not_taken.note, EPHEMERAL) if not_taken.note else {"type": NOTHING}
        if self.about is not None:
            return _response(THANKS, EPHEMERAL) if self.command in RATINGS else {"type": NOTHING}
        if self.command or not self.text:
            return _response(RECEIVED, EPHEMERAL)
        # ">>>" quotes all that follows it
        text = self.text if len(self.text) <= LONGEST_ECHO else self.text[: LONGEST_ECHO - 1] + "…"
        return _response(f">>> {text}", SUPPRESS_EMBEDS)


def read(data: Json, me: int) -> Used | None:
    """None for other interactions than commands and buttons of ours. Raises `LookupError`, `TypeError`, `ValueError` or
    `AttributeError` for what Discord would never send."""
    about: int | None = None
    attachments: tuple[Attachment, ...] = ()
    if data.get("type") not in (COMMAND_USED, BUTTON_PRESSED):
        return None
    member = data.get("member") or {}
    user = member.get("user") or data["user"]
    channel = data.get("channel") or {}
    guild = int(data["guild_id"]) if data.get("guild_id") else None
    place = int(data.get("channel_id") or channel["id"])
    if data["type"] == BUTTON_PRESSED:
        if (found := pressed(str(data["data"].get("custom_id") or ""))) is None:
            return None
        command, about, text = found.control.value, found.turn, found.key
    else:
        command, text, attachments = _said(data["data"], me, place)
    return Used(
        id=int(data["id"]),
        token=str(data["token"]),
        guild=guild,
        channel=place,
        where=_where(guild, place, channel),
        author=str(user["id"]),
        author_name=clean(str(member.get("nick") or user.get("global_name") or user.get("username") or user["id"])),
        roles=frozenset(str(role) for role in member.get("roles") or ()),
        command=command,
        text=text,
        attachments=attachments,
        may_write=_may_write(data, guild, channel.get("type")),
        about=about,
    )


def _said(used: Json, me: int, channel: int) -> tuple[str, str, tuple[Attachment, ...]]:
    """Command, text and files."""
    match used["name"]:
        case name if name == ASK:
            given = {one["name"]: one.get("value") for one in used.get("options") or ()}
            return "", inbound.readable(str(given.get(QUESTION) or ""), me, inbound.Names()), ()
        case name if name == ASK_ABOUT:
            message = (used.get("resolved") or {})["messages"][used["target_id"]]
            people = {int(one["id"]): str(one.get("global_name") or one["username"]) for one in _mentioned(message)}
            text = inbound.readable(str(message.get("content") or ""), me, inbound.Names(users=people))
            return "", text, tuple(_attachment(channel, message, one) for one in message.get("attachments") or ())
        case name:
            given = {one["name"]: one.get("value") for one in used.get("options") or ()}
            return named(str(name)), str(given.get(NAME) or ""), ()


def _mentioned(message: Json) -> list[Json]:
    return [one for one in message.get("mentions") or () if one.get("username")]


def _attachment(channel: int, message: Json, file: Json) -> Attachment:
    return Attachment(
        name=clean(str(file.get("filename") or file["id"])),
        media_type=str(file.get("content_type") or "application/octet-stream").partition(";")[0].strip(),
        size=file.get("size"),
        reference=f"{channel}/{message['id']}/{file['id']}",
    )


def _where(guild: int | None, place: int, channel: Json) -> Where | None:
    kind = channel.get("type")
    if guild is None:
        return Where(None, place) if kind in (None, DIRECT_CHANNEL) else None
    if kind is None or (kind in THREADS and not channel.get("parent_id")):
        return None
    return Where(guild, int(channel["parent_id"]), place) if kind in THREADS else Where(guild, place)


def _may_write(data: Json, guild: int | None, kind: int | None) -> bool:
    """True where the server does not say."""
    if guild is None or data.get("app_permissions") is None:
        return True
    may = discord.Permissions(int(data["app_permissions"]))
    if may.administrator:
        return True
    return may.view_channel and (may.send_messages_in_threads if kind in THREADS else may.send_messages)


def _response(content: str, flags: int) -> dict[str, Any]:
    return {"type": MESSAGE, "data": {"content": content, "flags": flags, "allowed_mentions": {"parse": []}}}
