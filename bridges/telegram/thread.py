"""The thread ids of Telegram: `telegram:{chat}` for private chats, groups and a forum's General topic,
`telegram:{chat}:{topic}` for any other topic."""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.model import ThreadId

_FORM = re.compile(r"telegram:(-?[1-9]\d{0,19})(?::([1-9]\d{0,19}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a conversation stands."""

    chat: int
    topic: int | None = None

    @property
    def private(self) -> bool:
        """Ids of people are positive, those of groups negative."""
        return self.chat > 0

    @property
    def thread(self) -> ThreadId:
        topic = f":{self.topic}" if self.topic is not None else ""
        return ThreadId(f"telegram:{self.chat}{topic}")


def read(thread: ThreadId) -> Place:
    """The reverse of `Place.thread`. Raises `ValueError` for an id that this bridge has not made."""
    match = _FORM.fullmatch(thread)
    if match is None:
        raise ValueError(f"not a thread of Telegram: {thread}")
    return Place(int(match[1]), int(match[2]) if match[2] else None)
