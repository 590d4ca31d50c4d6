"""One message being written to Discord: created with its key as the nonce, then edited."""

from __future__ import annotations

from bridges.discord import format as formats
from bridges.discord.errors import ContentRefused
from bridges.discord.room import Room
from core.controls import NONE, Controls
from core.model import MessageId

PLACEHOLDER = "…"
"""What a message shows while it has no text: Discord takes no empty ones."""


class DiscordSurface:
    """See `core.bridge.Surface`."""

    def __init__(self, room: Room, key: str, message: MessageId | None, reply_to: MessageId | None) -> None:
        self._room = room
        self._key = key
        self._message = message
        # a command that somebody used is no message
        self._reply_to = int(reply_to) if reply_to is not None and reply_to.isdecimal() else None
        self._shown: str | None = None
        self._content: str | None = None
        self._controls = self._offered = NONE

    def offer(self, controls: Controls) -> None:
        self._controls = controls

    @property
    def offered(self) -> Controls:
        return self._offered

    @property
    def message(self) -> MessageId | None:
        return self._message

    @property
    def shown(self) -> str | None:
        return self._shown

    async def show(self, text: str, *, final: bool) -> None:
        content = formats.render(text)
        if not content and final:
            if self._message is not None or self._shown is None:
                await self._take_away()
        elif content:
            await self._put(content, formats.plain(text), final=final)
        elif self._message is not None:
            await self._put(PLACEHOLDER, PLACEHOLDER, final=final)
        if self._message is None or self._content is not None:
            self._shown = text

    async def _put(self, content: str, plain: str, *, final: bool) -> None:
        """Sets `_content` to `content` when it is shown; after a creation it may be None: what is shown then is from
        an earlier creation under the same key, and has to be edited."""
        if content == self._content and not (final and self._controls != self._offered):
            return
        try:
            await self._write(content)
        except ContentRefused:
            if plain == content or formats.length(plain) > formats.LIMIT:
                raise
            await self._write(plain)
            self._content = None if self._content is None else content

    async def _write(self, content: str) -> None:
        controls = self._controls
        if self._message is None:
            written = await self._room.write(content, self._key, self._reply_to, controls)
            self._message = MessageId(str(written.id))
            self._content = content if written.content == content else None
        else:
            await self._room.edit(int(self._message), content, controls)
            self._content = content
        self._offered = controls

    async def _take_away(self) -> None:
        if self._message is None:
            # It may have been created without anybody having learned its id: the same nonce gives it back, or another
            # one, and either has to go.
            written = await self._room.write(PLACEHOLDER, self._key, self._reply_to)
            self._message = MessageId(str(written.id))
        await self._room.delete(int(self._message))
        self._message = self._content = None
