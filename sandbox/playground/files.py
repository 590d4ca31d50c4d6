"""The files of a message, as the stand-ins keep them, whoever sent them."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from sandbox.discord import DiscordServer
from sandbox.slack import SlackServer
from sandbox.stand_in import StandIn, View
from sandbox.telegram import TelegramServer

PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""What the page shows itself: no other kind may be opened at the page's own address, lest it be run there."""


@dataclass(frozen=True, slots=True)
class File:
    name: str
    media_type: str
    size: int
    kept: bytes | str
    """Its content, as it is or in Base64."""

    @property
    def content(self) -> bytes:
        return base64.b64decode(self.kept) if isinstance(self.kept, str) else self.kept

    @property
    def picture(self) -> bool:
        return self.media_type in PICTURES


def files(stand_in: StandIn, view: View) -> list[File]:
    match stand_in:
        case SlackServer():
            post = stand_in.world.posts[view.place].get(view.id)
            found = [stand_in.world.files[id] for id in (post.files if post else ())]
            return [File(one.name, one.media_type, one.size, one.content) for one in found]
        case DiscordServer():
            message = stand_in.world.messages.get(view.id)
            attached = message.files if message else []
            return [File(one.name, one.media_type, len(one.content), one.content) for one in attached]
        case TelegramServer():
            said = stand_in.world.chats[int(view.place.partition(":")[0])].messages.get(int(view.id))
            return [_on_telegram(stand_in, said.content)] if said and _KINDS & said.content.keys() else []
        case _:
            return []


_KINDS = frozenset({"photo", "document", "voice", "audio", "video", "video_note", "sticker"})


def _on_telegram(server: TelegramServer, content: dict[str, Any]) -> File:
    """A message has one file, in the field of its kind; of a photo there are several sizes, the largest last."""
    kind = next(iter(_KINDS & content.keys()))
    file = content[kind][-1] | {"mime_type": "image/jpeg"} if kind == "photo" else content[kind]
    path, kept = server.world.files[file["file_id"]]
    name = file.get("file_name") or PurePosixPath(path).name
    return File(name, file.get("mime_type", "application/octet-stream"), len(kept), kept)
