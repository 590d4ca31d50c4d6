"""One place to write to, over REST: each method is one step, and raises `PlatformError` only.

Whom a message may notify is the client's to say, for all that it sends: nobody.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import IO, Any, Final, TypeVar

import discord

from bridges.discord import inbound
from bridges.discord.buttons import view
from bridges.discord.errors import (
    NO_REPLIES,
    NOT_THIS_MESSAGE,
    THREAD_ARCHIVED,
    THREAD_EXISTS,
    TRANSLATED,
    UNKNOWN_CHANNEL,
    translated,
)
from bridges.discord.thread import Where
from core.controls import NONE, Controls
from core.errors import MessageMissing, PlatformRefused
from core.text import clean

log = logging.getLogger(__name__)

T = TypeVar("T")

NAME_LENGTH = 80
"""Characters of a thread's name; Discord takes 100."""
ARCHIVE_MINUTES: Final = 1440
MANY = 10_000


@dataclass(slots=True)
class KnownThreads:
    """Threads that exist, or did: one that is gone afterwards was deleted by somebody and is not made again."""

    _ids: OrderedDict[int, None] = field(default_factory=OrderedDict)

    def add(self, thread: int) -> None:
        self._ids[thread] = None
        self._ids.move_to_end(thread)
        if len(self._ids) > MANY:
            self._ids.popitem(last=False)

    def __contains__(self, thread: int) -> bool:
        return thread in self._ids


@dataclass(frozen=True, slots=True)
class Written:
    """A message as Discord confirms it: its text is another one where an earlier message had the same nonce."""

    id: int
    content: str


@dataclass(frozen=True, slots=True)
class Enclosed:
    """A file that goes with a message."""

    name: str
    content: IO[bytes]


@dataclass(frozen=True, slots=True)
class Room:
    client: discord.Client
    where: Where
    known: KnownThreads
    starts_thread: bool
    """The thread may have to be created, from the message that has its id."""

    async def write(
        self,
        content: str,
        nonce: str,
        reply_to: int | None,
        controls: Controls = NONE,
        enclosed: Enclosed | None = None,
    ) -> Written:
        """Creates a message; within some minutes the same nonce gives the same message again."""

        async def send() -> discord.Message:
            if reply_to is None or reply_to == self.where.thread:
                return await self._send(content, nonce, None, controls, enclosed)
            try:
                return await self._send(content, nonce, self._reference(reply_to), controls, enclosed)
            except discord.HTTPException as error:
                if error.code != NO_REPLIES:
                    raise
                return await self._send(content, nonce, None, controls, enclosed)

        message = await self._in_thread(send)
        if self.where.thread is not None:
            self.known.add(self.where.thread)
        return Written(message.id, message.content)

    async def edit(self, message: int, content: str, controls: Controls = NONE) -> None:
        # not `Message.edit`, which in 2.7.1 brings the previews of links back
        partial = self._channel.get_partial_message(message)

        async def change() -> object:
            try:
                return await partial.edit(content=content, view=view(controls))
            except discord.HTTPException as error:
                if error.code != THREAD_ARCHIVED:
                    raise
                # writing opens an archived thread by itself, editing does not
                await self.client.http.edit_channel(self.where.target, archived=False)
                return await partial.edit(content=content, view=view(controls))

        await self._translated(change)

    async def delete(self, message: int) -> None:
        """Takes a message away; one that is gone already is no error."""
        try:
            await self._translated(self._channel.get_partial_message(message).delete)
        except MessageMissing:
            return

    async def react(self, message: int, emoji: str, *, stands: bool) -> None:
        """Puts a reaction of the bot's own on a message, or takes it away."""
        http = self.client.http
        react = http.add_reaction if stands else http.remove_own_reaction

        async def change() -> None:
            try:
                await react(self.where.target, message, emoji)
            except discord.HTTPException as error:
                if error.code in NOT_THIS_MESSAGE:
                    raise MessageMissing(detail=f"code {error.code}") from None
                raise

        await self._translated(change)

    async def show_typing(self) -> None:
        """For about ten seconds."""
        await self._in_thread(lambda: self.client.http.send_typing(self.where.target))

    @property
    def _channel(self) -> discord.PartialMessageable:
        return self.client.get_partial_messageable(self.where.target, guild_id=self.where.guild)

    async def _send(
        self,
        content: str,
        nonce: str,
        reference: discord.MessageReference | None,
        controls: Controls,
        enclosed: Enclosed | None,
    ) -> discord.Message:
        more: dict[str, Any] = {} if reference is None else {"reference": reference, "mention_author": False}
        if enclosed is not None:
            enclosed.content.seek(0)  # it may have been sent before
            more["file"] = discord.File(enclosed.content, enclosed.name)  # type: ignore[arg-type]  # any file will do
        if (buttons := view(controls)) is not None:
            more["view"] = buttons
        return await self._channel.send(
            content,
            nonce=nonce,
            suppress_embeds=True,
            **more,
        )

    def _reference(self, message: int) -> discord.MessageReference:
        return discord.MessageReference(
            message_id=message,
            channel_id=self.where.target,
            guild_id=self.where.guild,
            fail_if_not_exists=False,
        )

    # --- threads that are still to be ---------------------------------------------------------------------------

    async def _in_thread(self, call: Callable[[], Awaitable[T]]) -> T:
        """Makes a call, and once more if the thread for it had to be created first."""
        thread = self.where.thread
        if thread is None or not self.starts_thread or thread in self.known:
            return await self._translated(call)
        try:
            return await call()
        except discord.NotFound as error:
            if error.code != UNKNOWN_CHANNEL:
                raise translated(error) from None
        except TRANSLATED as error:
            raise translated(error) from None
        try:
            await self._translated(lambda: self._start(thread))
        except MessageMissing as error:
            raise PlatformRefused(detail=f"no message to start a thread from: {error.detail}") from None
        self.known.add(thread)
        return await self._translated(call)

    async def _start(self, message: int) -> None:
        """Creates the thread of a message; that it exists already is no error. Any process can do it, for the name
        comes from the message itself."""
        parent = self.client.get_partial_messageable(self.where.channel, guild_id=self.where.guild)
        starter = await parent.get_partial_message(message).fetch()
        me = self.client.user.id if self.client.user is not None else 0
        try:
            await self.client.http.start_thread_with_message(
                self.where.channel, message, name=name_of(starter, me), auto_archive_duration=ARCHIVE_MINUTES
            )
        except discord.HTTPException as error:
            if error.code != THREAD_EXISTS:
                raise

    async def _translated(self, call: Callable[[], Awaitable[T]]) -> T:
        try:
            return await call()
        except TRANSLATED as error:
            raise translated(error) from None


def name_of(starter: discord.Message, me: int) -> str:
    """A name for the thread of a message, from its words."""
    names = inbound.Names(users={user.id: user.display_name for user in starter.mentions})
    words = " ".join(inbound.readable(starter.content, me, names).split())
    if not words:
        return clean(starter.author.display_name)[:NAME_LENGTH] or "…"
    if len(words) <= NAME_LENGTH:
        return words
    return words[: NAME_LENGTH - 1].rsplit(" ", 1)[0].rstrip() + "…"
