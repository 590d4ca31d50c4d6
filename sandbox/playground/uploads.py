"""Files that somebody chose in a page, until the message is sent that they belong to."""

from __future__ import annotations

import mimetypes
import re
import secrets
from dataclasses import dataclass

from sandbox.playground.errors import Refused

LARGEST = 5_000_000
"""Bytes. Every file is kept in the stand-ins' worlds, which are written down whole whenever something happens."""
MOST = 10
"""Files of one message: Discord takes no more, nor does an album of Telegram's."""
KEPT = 30
"""Files that may wait for their messages; the oldest makes way."""

_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]{0,80}")


@dataclass(frozen=True, slots=True)
class Upload:
    name: str
    media_type: str
    content: bytes


class Uploads:
    def __init__(self) -> None:
        self._waiting: dict[str, Upload] = {}

    def add(self, name: str, media_type: str, content: bytes) -> str:
        """Returns the id by which a message names it. Raises `Refused`."""
        name = _named(name)
        if not content:
            raise Refused(f"{name} is empty: choose a file with something in it.")
        if len(content) > LARGEST:
            raise Refused(too_large(name))
        if not _MEDIA_TYPE.fullmatch(media_type):
            media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        while len(self._waiting) >= KEPT:
            del self._waiting[next(iter(self._waiting))]
        id = secrets.token_hex(8)
        self._waiting[id] = Upload(name, media_type, content)
        return id

    def get(self, id: str) -> Upload:
        """Raises `Refused`."""
        if id not in self._waiting:
            raise Refused("That file is not here any more: choose it again.")
        return self._waiting[id]

    def drop(self, id: str) -> None:
        """It has been sent."""
        self._waiting.pop(id, None)


def too_large(name: str) -> str:
    return f"{_named(name)} is too large: a file may have {LARGEST // 1_000_000} MB here."


def _named(name: str) -> str:
    """The last part of a path, without anything that cannot be shown."""
    last = re.split(r"[/\\]", name)[-1]
    shown = "".join(sign for sign in last if sign.isprintable()).strip()[:120]
    return shown if shown.strip(".") else "file"
