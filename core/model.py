"""The values that cross the seams. All of them are frozen; what lasts is in `core.store`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NewType

ThreadId = NewType("ThreadId", str)
"""One conversation of one platform, opaque outside its own bridge, which alone makes and reads it.

Holds all that tells threads apart: workspace or guild, channel, topic or thread. Starts with the bridge's name and a
colon, so that no two bridges share one. At most 200 characters."""

MessageId = NewType("MessageId", str)
"""One message of a thread, opaque outside its own bridge. Unique within its thread. At most 100 characters."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A reference to a file that a person sent: any process fetches it through its bridge, when it is needed."""

    name: str
    media_type: str
    size: int | None
    """Bytes, as the platform states them; None where it does not."""
    reference: str
    """Opaque: what the bridge's `fetch` needs to read the bytes. Holds no secret, for it is stored."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a person said, as a bridge hands it over."""

    id: MessageId
    thread: ThreadId
    author: str
    """The person's stable id on the platform."""
    author_name: str
    text: str
    """Markdown, the mention of the bot removed. May be empty when there are attachments."""
    sent_at: datetime
    """Aware, UTC, by the platform's clock."""
    channel: str
    """The stable id of the channel or chat that the thread is in, as an operator would write it in a list."""
    addressed: bool
    """A direct message, a mention, a reply to the bot, or a command. A bridge hands over a message that is not
    addressed only where a follow-up needs no mention; the relay takes it only if the bot already takes part there."""
    attachments: tuple[Attachment, ...] = ()
    command: str = ""
    """A command to the program itself and not to the assistant: `new`, `help`, `stop`, `retry`, `status`. The bridge
    translates its platform's own spelling; `text` is then what follows the command."""
    outsider: bool = False
    """The person belongs to another organisation than the bot (a channel shared between workspaces)."""
    organisation: str | None = None
    """The stable id of the server that the channel is in, where a bot may be in several; None in direct messages."""
    roles: frozenset[str] = frozenset()
    """The stable ids of the person's roles there."""
    about: int | None = None
    """The turn below whose reply the person pressed a button (`core.controls`); `command` says which, and may then be
    `good` or `bad` too."""
    album: str | None = None
    """What the messages have in common that the person sent as one, where a platform takes them apart. Unique within
    the thread, at most 100 characters. Only one of them has to be addressed."""


Fetch = Callable[[Attachment], AsyncIterator[bytes]]
"""Streams the bytes of an attachment. Raises `core.errors.AttachmentError`."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One earlier question and its answer, for upstreams that remember nothing."""

    prompt: str
    reply: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """All that an upstream needs for one turn. It asks nobody back."""

    text: str
    user: str
    """A stable key of the person, at most 32 characters of `[0-9a-z]`, that tells nothing about them."""
    conversation_id: str | None = None
    """The upstream's own; None begins a conversation."""
    history: tuple[Exchange, ...] = ()
    """What was said in the thread that the upstream does not know, oldest first, already bounded."""
    attachments: tuple[Attachment, ...] = ()
    fetch: Fetch | None = field(default=None, compare=False)
    """Reads an attachment; set whenever there are any."""


# --- what an upstream says while it answers ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Opened:
    """The upstream named the conversation. Comes at the first moment it is known, and again if it changes."""

    conversation_id: str


@dataclass(frozen=True, slots=True)
class Text:
    """More text: append it. Never empty, never half a surrogate pair."""

    delta: str


@dataclass(frozen=True, slots=True)
class Replace:
    """The whole text so far, instead of all that came before."""

    text: str


@dataclass(frozen=True, slots=True)
class Status:
    """What the upstream is doing just now, in a few words ("Searching"); empty when it is done with it."""

    label: str


@dataclass(frozen=True, slots=True)
class File:
    """A file of the answer."""

    name: str
    media_type: str
    source: str | bytes
    """An http(s) address, or the content."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What the turn cost, as far as the upstream tells."""

    prompt_tokens: int | None = None
    reply_tokens: int | None = None
    credits: float | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """The upstream's own terminal marker was seen: the answer is whole. Nothing follows."""

    usage: Usage | None = None
    answer_id: str = ""
    """The upstream's own name for the answer, where it takes ratings by it."""


Event = Opened | Text | Replace | Status | File | Done
