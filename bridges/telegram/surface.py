"""One message of Telegram being written: a placeholder first, then edits."""

from __future__ import annotations

from telegram import LinkPreviewOptions, MessageEntity, ReplyParameters

from bridges.telegram.buttons import keyboard
from bridges.telegram.client import Client
from bridges.telegram.entities import Entity
from bridges.telegram.errors import Misformatted, Moved, Unchanged
from bridges.telegram.format import plain, render
from bridges.telegram.thread import Place
from core.controls import NONE, Controls
from core.errors import MessageMissing
from core.model import MessageId

PLACEHOLDER = "…"

_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)


class TelegramSurface:
    """Implements `core.bridge.Surface`.

    Telegram has no means to find a post again or to make a repeated one harmless. So what is created is never more
    than a placeholder: the text goes in by edits, which may be repeated, once the caller has recorded the id."""

    def __init__(
        self,
        client: Client,
        moved: dict[int, int],
        place: Place,
        message: MessageId | None,
        reply_to: MessageId | None,
    ) -> None:
        """`moved`: new ids of groups by their old ones, shared by all surfaces of a bot."""
        self._client = client
        self._moved = moved
        self._place = place
        self._message = message
        # a press of a button is no message
        self._reply_to = int(reply_to) if reply_to is not None and reply_to.isdecimal() else None
        self._controls = self._offered = NONE
        self._shown: str | None = None

    @property
    def message(self) -> MessageId | None:
        return self._message

    @property
    def shown(self) -> str | None:
        return self._shown

    def offer(self, controls: Controls) -> None:
        self._controls = controls

    @property
    def offered(self) -> Controls:
        return self._offered

    async def show(self, text: str, *, final: bool) -> None:
        if self._message is None:
            if text or not final:
                await self._create()
            self._shown = ""
        elif text != self._shown or (final and (not text or self._controls != self._offered)):
            await self._change(text, final=final)
            self._shown = text

    @property
    def _chat(self) -> int:
        return self._moved.get(self._place.chat, self._place.chat)

    # --- creating -----------------------------------------------------------------------------------------------

    async def _create(self) -> None:
        try:
            self._message = await self._send()
        except Moved as moved:
            self._moved[self._place.chat] = moved.chat
            self._message = await self._send()

    async def _send(self) -> MessageId:
        reply = None
        if self._reply_to is not None and not self._place.private:
            reply = ReplyParameters(self._reply_to, allow_sending_without_reply=True)
        controls = self._controls
        with self._client.calling(self._place.chat):
            message = await self._client.bot.send_message(
                self._chat,
                PLACEHOLDER,
                message_thread_id=self._place.topic,
                reply_parameters=reply,
                link_preview_options=_NO_PREVIEW,
                reply_markup=keyboard(controls),
            )
        self._offered = controls
        return MessageId(str(message.message_id))

    # --- changing -----------------------------------------------------------------------------------------------

    async def _change(self, text: str, *, final: bool) -> None:
        shown = render(text)
        if not shown.text and final:
            await self._delete()
            return
        try:
            await self._edit(shown.text or PLACEHOLDER, shown.entities)
        except Misformatted:
            await self._edit(plain(text), ())

    async def _edit(self, text: str, entities: tuple[Entity, ...]) -> None:
        controls = self._controls
        try:
            with self._client.calling(self._place.chat):
                await self._client.bot.edit_message_text(
                    text,
                    chat_id=self._chat,
                    message_id=int(self._message or 0),
                    entities=[for_library(entity) for entity in entities],
                    link_preview_options=_NO_PREVIEW,
                    reply_markup=keyboard(controls),
                )
        except Unchanged:
            pass
        except Moved as moved:
            # the ids of messages begin anew in a supergroup, so there is nothing left to edit
            self._moved[self._place.chat] = moved.chat
            raise MessageMissing(detail=moved.detail) from None
        self._offered = controls

    async def _delete(self) -> None:
        try:
            with self._client.calling(self._place.chat):
                await self._client.bot.delete_message(self._chat, int(self._message or 0))
        except MessageMissing:
            pass
        self._message = None


def for_library(entity: Entity) -> MessageEntity:
    return MessageEntity(
        entity.kind, entity.offset, entity.length, url=entity.url or None, language=entity.language or None
    )
