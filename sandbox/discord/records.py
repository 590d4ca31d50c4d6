"""What exists at a Discord: people, channels, messages, files; and the refusals of its rules."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

TEXT, DIRECT, NEWS, NEWS_THREAD, THREAD, FORUM = 0, 1, 5, 10, 11, 15
THREADS = (NEWS_THREAD, THREAD)
DEFAULT, RENAMED, REPLY, STARTER = 0, 4, 19, 21
SUPPRESS_EMBEDS, HAS_THREAD, SUPPRESS_NOTIFICATIONS = 1 << 2, 1 << 5, 1 << 12

PERMISSIONS = {
    "ADD_REACTIONS": 1 << 6,
    "VIEW_CHANNEL": 1 << 10,
    "SEND_MESSAGES": 1 << 11,
    "MANAGE_MESSAGES": 1 << 13,
    "ATTACH_FILES": 1 << 15,
    "READ_MESSAGE_HISTORY": 1 << 16,
    "CREATE_PUBLIC_THREADS": 1 << 35,
    "SEND_MESSAGES_IN_THREADS": 1 << 38,
}


class Refusal(Exception):
    """A rule of Discord's was broken: the HTTP status, the JSON error code, and Discord's sentence."""

    def __init__(self, status: int, code: int, message: str, errors: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.errors = errors


def unknown_channel() -> Refusal:
    return Refusal(404, 10003, "Unknown Channel")


def unknown_message() -> Refusal:
    return Refusal(404, 10008, "Unknown Message")


def invalid_form(where: str, code: str, message: str) -> Refusal:
    return Refusal(400, 50035, "Invalid Form Body", {where: {"_errors": [{"code": code, "message": message}]}})


LARGEST_FILE = 10 * 2**20
"""Bytes, in servers that nobody pays for."""


@dataclass(slots=True)
class User:
    id: str
    username: str
    name: str
    bot: bool = False


@dataclass(slots=True)
class Channel:
    id: str
    kind: int
    name: str
    guild: str | None = None
    """None: a direct channel."""
    parent: str | None = None
    """Of a thread: the channel or forum that it belongs to."""
    owner: str | None = None
    recipient: str | None = None
    """Of a direct channel: the person at the other end."""
    archived: bool = False
    locked: bool = False
    auto_archive: int = 1440
    denied: list[str] = field(default_factory=list)
    """Names of `PERMISSIONS` that the bot lacks here."""


@dataclass(slots=True)
class File:
    id: str
    name: str
    media_type: str
    content: bytes
    stated_size: int | None = None
    """What the API says, where that is not the truth."""


@dataclass(slots=True)
class Message:
    id: str
    channel: str
    author: str
    content: str
    at: float
    kind: int = DEFAULT
    edited_at: float | None = None
    edits: int = 0
    flags: int = 0
    nonce: str | None = None
    reference: str | None = None
    reference_channel: str | None = None
    mentions: list[str] = field(default_factory=list)
    """The people in the message's `mentions`: named in the text, or the author of the message it replies to."""
    mention_roles: list[str] = field(default_factory=list)
    mention_everyone: bool = False
    pings: list[str] = field(default_factory=list)
    """Whom it really notified: user ids, role ids, `everyone`."""
    webhook: str | None = None
    files: list[File] = field(default_factory=list)
    components: list[dict[str, Any]] = field(default_factory=list)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    """Who reacted, by emoji."""

    @property
    def unfurls(self) -> bool:
        """Would the client show previews of the links in it?"""
        return bool(re.search(r"(?<!<)https?://", self.content)) and not self.flags & SUPPRESS_EMBEDS
