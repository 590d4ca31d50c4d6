"""One message of Telegram that is a draft while it grows: a preview in a private chat that the app animates.

A draft is no message. Telegram shows it for half a minute after each call, and it goes when the bot sends something
(https://core.telegram.org/bots/api#sendmessagedraft). So it leaves nothing behind when the program is killed; at the
end the message is created and written as any other is, a placeholder first.
"""

from __future__ import annotations

import logging
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from bridges.telegram.client import Client
from bridges.telegram.entities import Entity
from bridges.telegram.errors import AddressUnknown, Misformatted
from bridges.telegram.format import plain, render
from bridges.telegram.surface import PLACEHOLDER, TelegramSurface, for_library
from bridges.telegram.thread import Place
from core.bridge import Wanted
from core.controls import Controls
from core.errors import PlatformRefused
from core.model import MessageId
from core.pace import Call

log = logging.getLogger(__name__)

RENEWED = 15.0
"""Seconds after which a draft has to be shown again; Telegram takes it away after thirty."""


@dataclass(slots=True)
class Drafts:
    """What one bot has learned of drafts."""

    clock: Callable[[], float] = time.monotonic
    known: bool = True
    """Until the server says that it has none."""

    def unknown(self, why: str) -> None:
        self.known = False
        log.warning("Telegram: this server knows no drafts (%s): replies grow by edits", why)


class DraftSurface:
    """Implements `core.bridge.Surface` and `core.bridge.Growing`. `message`: the one that it becomes in the end."""

    def __init__(self, client: Client, drafts: Drafts, place: Place, key: str, message: TelegramSurface) -> None:
        self._client = client
        self._drafts = drafts
        self._place = place
        self._id = (zlib.crc32(key.encode()) & 0x7FFFFFFF) or 1
        """The same for the same part, also after a restart: then the draft that is still there goes on."""
        self._message = message
        self._ended = False
        self._shown: str | None = None
        self._at = 0.0

    @property
    def message(self) -> MessageId | None:
        return self._message.message

    @property
    def shown(self) -> str | None:
        return self._shown if self._drafting else self._message.shown

    @property
    def faded(self) -> bool:
        return self._drafting and self._shown is not None and self._drafts.clock() - self._at >= RENEWED

    @property
    def _drafting(self) -> bool:
        return self._drafts.known and not self._ended and self._message.message is None

    def offer(self, controls: Controls) -> None:
        """A draft has no buttons, the message has."""
        self._message.offer(controls)

    @property
    def offered(self) -> Controls:
        return self._message.offered

    def call(self, wanted: Wanted) -> Call | None:
        if self._drafting and not wanted.final:
            return "edit" if wanted.text != self._shown or self.faded else None
        if self._message.shown == wanted.text and not (wanted.final and self.offered != wanted.controls):
            return None
        return "edit" if self._message.message is not None else "create"

    async def grow(self, wanted: Wanted) -> None:
        if not self._drafting:
            await self._message.show(wanted.text, final=False)
            return
        try:
            await self._draft(wanted.text)
        except AddressUnknown as error:
            self._drafts.unknown(error.detail)
        except PlatformRefused as refusal:
            log.info("Telegram takes no draft in chat %d: %s", self._place.chat, refusal.detail)
            self._ended = True
        else:
            self._shown, self._at = wanted.text, self._drafts.clock()
            return
        await self._message.show(wanted.text, final=False)

    async def show(self, text: str, *, final: bool) -> None:
        if final:
            self._ended = True
            await self._message.show(text, final=True)
        else:
            await self.grow(Wanted(text, final=False))

    async def _draft(self, text: str) -> None:
        shown = render(text)
        try:
            await self._send(shown.text or PLACEHOLDER, shown.entities)
        except Misformatted:
            await self._send(plain(text), ())

    async def _send(self, text: str, entities: tuple[Entity, ...]) -> None:
        with self._client.calling(self._place.chat):
            await self._client.bot.send_message_draft(
                self._place.chat,
                self._id,
                text,
                message_thread_id=self._place.topic,
                entities=[for_library(entity) for entity in entities],
            )
