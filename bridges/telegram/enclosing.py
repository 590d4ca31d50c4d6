"""Posting files: as a picture, a sound or a film where Telegram shows it as such, else as a document."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any, Literal

from telegram import InputFile, ReplyParameters

from bridges.telegram.client import Client
from bridges.telegram.errors import AddressUnknown, Moved
from bridges.telegram.thread import Place
from core.errors import PlatformRefused
from core.fetching import Fetched
from core.model import MessageId

log = logging.getLogger(__name__)

LARGEST = 50 * 2**20
"""Bytes that the Bot API takes (https://core.telegram.org/bots/api#sending-files)."""
LARGEST_PHOTO = 10 * 2**20
PHOTOS = frozenset({"image/jpeg", "image/png", "image/webp"})
SOUNDS = frozenset({"audio/mpeg", "audio/mp4"})
UPLOAD_WITHIN = 120.0
"""Seconds."""

Kind = Literal["photo", "audio", "video", "document"]


async def attach(
    client: Client, moved: dict[int, int], place: Place, name: str, file: Fetched, reply_to: MessageId | None
) -> MessageId:
    """Raises `PlatformError`."""
    kind = _kind(file)
    post = partial(_post, client, moved, place, name=name, file=file, reply_to=reply_to)
    try:
        return await post(kind)
    except PlatformRefused as error:
        if kind == "document":
            raise
        log.info("Telegram does not take %s as %s (%s)", name, kind, error.detail)
    # too wide, say, or in a form that it does not know: whoever wants it can open it all the same
    return await post("document")


def _kind(file: Fetched) -> Kind:
    """As what it can be shown."""
    if file.media_type in PHOTOS and file.size <= LARGEST_PHOTO:
        return "photo"
    if file.media_type in SOUNDS:
        return "audio"
    return "video" if file.media_type == "video/mp4" else "document"


async def _post(
    client: Client,
    moved: dict[int, int],
    place: Place,
    kind: Kind,
    *,
    name: str,
    file: Fetched,
    reply_to: MessageId | None,
) -> MessageId:
    chat = moved.get(place.chat, place.chat)
    try:
        return await _send(client, chat, place, kind, name, file, reply_to)
    except AddressUnknown as error:  # a server without this method
        raise PlatformRefused(detail=error.detail) from None
    except Moved as error:
        moved[place.chat] = error.chat
        return await _send(client, error.chat, place, kind, name, file, reply_to)


async def _send(
    client: Client, chat: int, place: Place, kind: Kind, name: str, file: Fetched, reply_to: MessageId | None
) -> MessageId:
    send = getattr(client.bot, f"send_{kind}")
    more: dict[str, Any] = {}
    if reply_to is not None and reply_to.isdecimal() and not place.private:
        more["reply_parameters"] = ReplyParameters(int(reply_to), allow_sending_without_reply=True)
    file.content.seek(0)
    with client.calling(place.chat):
        message = await send(
            chat,
            **{kind: InputFile(file.content, filename=name, read_file_handle=False)},
            message_thread_id=place.topic,
            write_timeout=UPLOAD_WITHIN,
            read_timeout=UPLOAD_WITHIN,
            **more,
        )
    return MessageId(str(message.message_id))
