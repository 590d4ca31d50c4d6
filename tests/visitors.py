"""People at clients of the web bridge, for tests of the whole program: what they say is sent again until it is taken,
and their readers come back to where they were. To a test that watches platforms they are one more."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

import aiohttp

from sandbox.feed import Feed
from sandbox.stand_in import View
from tests.program import Program
from tests.web import ANN, Events, WebClient

SECTION = f'[bridges.web.clients.ann]\ntoken = "{ANN}"\n'
"""Switches the bridge on for them."""
PAUSE = 0.1
"""Seconds between two attempts."""
WITHIN = 20.0
FENCE = re.compile(r"^```.*$", re.M)
"""Of a block of code: no reader sees it."""


@dataclass
class _Room:
    name: str
    said: asyncio.Queue[dict[str, str]] = field(default_factory=asyncio.Queue)
    events: Events = field(default_factory=Events)
    reader: aiohttp.ClientResponse | None = None


class Visitors:
    """`program`: whose HTTP server they talk to just now. Used with `async with`."""

    name = "web"

    def __init__(self, program: Callable[[], Program]) -> None:
        self._program = program
        self.feed = Feed(self.name)
        self.taken: set[str] = set()
        """The messages that were acknowledged."""
        self._rooms: dict[str, _Room] = {}
        self._bodies: dict[str, dict[str, str]] = {}
        self._numbers = itertools.count()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        ends = await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._session.close()
        assert not [end for end in ends if isinstance(end, Exception)], ends

    # --- saying -----------------------------------------------------------------------------------------------------

    async def say(self, place: str, text: str, *, author: str | None = None, parent: str | None = None) -> str:
        """Does not wait until it is taken. Unless somebody is named, each conversation is another person's."""
        message = f"m{next(self._numbers)}"
        self._bodies[message] = {"id": message, "text": text, "user": author or place}
        self._room(place).said.put_nowait(self._bodies[message])
        return message

    def redeliver(self, place: str, message: str) -> None:
        """A client that did not hear that it was taken sends it again."""
        self._room(place).said.put_nowait(self._bodies[message])

    def _room(self, place: str) -> _Room:
        if place not in self._rooms:
            room = self._rooms[place] = _Room(place)
            self._tasks += [asyncio.create_task(self._send(room)), asyncio.create_task(self._read(room))]
        return self._rooms[place]

    async def _send(self, room: _Room) -> None:
        """One after the other, as a client does that wants them in their order."""
        while True:
            body = await room.said.get()
            while await self._post(room, body) != 202:  # noqa: ASYNC110 - nobody tells when it would be taken
                await asyncio.sleep(PAUSE)
            self.taken.add(body["id"])
            self.feed.publish("taken", **body)

    async def _post(self, room: _Room, body: dict[str, str]) -> int | None:
        """The status of the answer; None: nobody answers."""
        client = self._client()
        if client is None:
            return None
        try:
            status, told = await client.say(room.name, **body)
        except (aiohttp.ClientError, OSError):
            return None
        assert status in (202, 503), told
        return status

    # --- reading ----------------------------------------------------------------------------------------------------

    async def _read(self, room: _Room) -> None:
        while True:
            with contextlib.suppress(aiohttp.ClientError, OSError):  # whoever was there has gone
                await self._follow(room)
            await asyncio.sleep(PAUSE)

    async def _follow(self, room: _Room) -> None:
        if (client := self._client()) is None:
            return
        headers = {"Last-Event-ID": room.events.last} if room.events.last else {}
        async with client.asked("GET", f"api/threads/{room.name}/events", headers=headers) as answer:
            if answer.status == 200:
                room.reader = answer
                async for event in room.events.of(answer):
                    self.feed.publish(event, place=room.name)

    def drop_connections(self) -> None:
        """Of all readers."""
        for room in self._rooms.values():
            if room.reader is not None:
                room.reader.close()

    def _client(self) -> WebClient | None:
        """None while nobody serves the bridge."""
        log = self._program().log
        found = [match[1] for line in log if (match := re.search(r"HTTP on (http://\S+)", line))]
        if not found or not any("Web: 1 client" in line for line in log):
            return None
        return WebClient(found[0], self._session)

    def view(self, place: str) -> list[View]:
        """What its reader has heard, in the order in which it came to be."""
        if place not in self._rooms:
            return []
        heard = self._rooms[place].events.messages.values()
        return [_view(place, one) for one in sorted(heard, key=lambda one: one["createdAt"])]

    async def agree(self) -> None:
        """What each reader has heard becomes what stands in the history."""
        async with asyncio.timeout(WITHIN):
            while (client := self._client()) is None:  # noqa: ASYNC110 - a process that starts tells nobody
                await asyncio.sleep(PAUSE)
        for room in self._rooms.values():
            kept: dict[str, str] = {}
            more, page = True, 1
            while more:
                status, told = await client.get(f"threads/{room.name}/messages?limit=100&page={page}")
                assert status == 200, told
                kept |= {one["id"]: one["text"] for one in told["messages"]}
                more, page = told["pagination"]["hasMore"], page + 1
            await self.feed.until(partial(_has, room.events, kept), within=WITHIN)


def _has(events: Events, kept: dict[str, str]) -> bool:
    return events.texts == kept


def _view(place: str, message: dict[str, Any]) -> View:
    """As readers see it: the fences of code are not text."""
    return View(
        id=message["id"],
        place=place,
        parent=None,
        author=message.get("user", ""),
        bot=message["role"] == "assistant",
        text=FENCE.sub("", message["text"]),
        html="",
        edits=0,
        at=0.0,
        draft=message["state"] == "growing",
    )
