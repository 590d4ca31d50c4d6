"""A conversation as server-sent events: what has changed since the reader saw it last, and then every change.

Each event bears the number of the change that it brings the reader up to. A reader that comes back with the last one
(`Last-Event-ID`) is sent the messages that changed meanwhile, whole: nothing is lost, and nothing stands there twice.
However slow a reader is, nothing queues up: between two events only what is newest counts.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator
from typing import Any

from bridges.web.format import html
from bridges.web.room import Room, Said
from bridges.web.thread import name_of
from bridges.web.watching import Watching
from core.model import MessageId, ThreadId

KEEP_ALIVE = 15.0
"""Seconds of silence after which proxies and readers are told that the connection stands."""
LOOK, LOOK_AT_REST = 0.15, 1.0
"""Seconds between two looks at what other processes have written: while an answer is open, and while none is."""

_GREETING = b"retry: 1000\n\n"
_ALIVE = b": alive\n\n"


class Stream:
    """`alone`: this process is the only one that writes, so nothing has to be looked for. `rendered`: with HTML."""

    def __init__(self, room: Room, watching: Watching, *, alone: bool, rendered: bool) -> None:
        self._room = room
        self._watching = watching
        self._alone = alone
        self._rendered = rendered
        self._sent: dict[MessageId, str] = {}
        """What the reader has of messages that grow."""

    async def events(self, thread: ThreadId, since: int) -> AsyncGenerator[bytes, None]:
        """Until the program ends. Raises `DatabaseError`."""
        yield _GREETING
        told: bool | None = None
        silent = 0.0
        with self._watching.watch(thread) as watch:
            while not self._watching.closed:
                news = await self._room.news(thread, since)
                for said in news.messages:
                    since = said.change
                    for event, data in self._changed(said):
                        yield _record(event, data, since)
                if news.answering != told:
                    told = news.answering
                    yield _record("answering", {"answering": told})
                    silent = 0.0
                if silent >= KEEP_ALIVE:
                    yield _ALIVE
                    silent = 0.0
                wait = LOOK if news.answering else KEEP_ALIVE if self._alone else LOOK_AT_REST
                silent = 0.0 if news.messages else silent + wait
                await watch.wait(wait)

    def _changed(self, said: Said) -> Iterator[tuple[str, dict[str, Any]]]:
        before = self._sent.pop(said.id, None)
        if said.state == "growing":
            self._sent[said.id] = said.text
        if said.state == "removed":
            yield "removed", {"id": said.id}
        elif before is not None and said.text.startswith(before) and not self._rendered:
            yield "append", {"id": said.id, "text": said.text[len(before) :], "state": said.state}
        else:
            yield "message", as_json(said, rendered=self._rendered)


def as_json(said: Said, *, rendered: bool) -> dict[str, Any]:
    """A message as clients see it."""
    shown: dict[str, Any] = {
        "id": said.id,
        "thread": name_of(said.thread),
        "role": said.role,
        "text": said.text,
        "state": said.state,
        "createdAt": said.created_at.isoformat(),
        "updatedAt": said.changed_at.isoformat(),
    }
    optional = {"user": said.author, "command": said.command, "replyTo": said.reply_to}
    shown |= {name: value for name, value in optional.items() if value}
    if rendered and said.role == "assistant":
        shown["html"] = html(said.text)
    return shown


def _record(event: str, data: dict[str, Any], change: int | None = None) -> bytes:
    number = f"id: {change}\n" if change is not None else ""
    return f"{number}event: {event}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()
