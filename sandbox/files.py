"""The files that messages carry, as the stand-ins keep them, whoever sent them."""

from __future__ import annotations

import base64
from dataclasses import dataclass

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
    """Those of one message."""
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
            carried = stand_in.world.carried(said) if said else None
            return [File(carried.name, carried.media_type, len(carried.content), carried.content)] if carried else []
        case _:
            return []
