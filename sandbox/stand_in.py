"""What the stand-ins of the platforms have in common: serving, faults, and being looked at."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any, Self

from aiohttp import web

from sandbox.faults import Fault, Faults
from sandbox.feed import Feed


@dataclass(frozen=True, slots=True)
class Place:
    """A place where people write: a channel, a thread, a topic, a direct chat."""

    id: str
    name: str
    kind: str
    """`channel`, `thread`, `forum`, `direct`, `group`, `topic`"""


@dataclass(frozen=True, slots=True)
class View:
    """A message as people see it."""

    id: str
    place: str
    parent: str | None
    """The message whose thread it stands in."""
    author: str
    """The name shown."""
    bot: bool
    text: str
    """The plain text that a reader sees, markup taken away."""
    html: str
    """The same as safe HTML, formatted as the platform's client would."""
    edits: int
    at: float
    """Unix time."""
    reactions: tuple[str, ...] = ()
    """The names of the emoji that stand below it, in the order in which they came."""
    draft: bool = False
    """Still streaming, or a preview."""
    buttons: tuple[str, ...] = ()
    """The labels of what may be pressed below it, in their order."""
    files: tuple[str, ...] = ()
    """The names of the files that it carries; `sandbox.files` has them."""


class StandIn(ABC):
    """A server on 127.0.0.1 that stands in for one service. Use it with `async with`."""

    name: str

    def __init__(self, port: int = 0) -> None:
        self._port = port
        self.faults = Faults()
        self.feed = Feed(self.name)
        self.clock_ahead = 0.0
        """Seconds that its answers claim to be ahead of this machine."""
        self._runner: web.AppRunner | None = None

    @property
    def port(self) -> int:
        return self._port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @abstractmethod
    def app(self) -> web.Application:
        """The routes. Called once for each start."""

    async def __aenter__(self) -> Self:
        app = self.app()
        app.on_response_prepare.append(self._dated)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        assert site._server is not None
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _dated(self, _: web.Request, response: web.StreamResponse) -> None:
        response.headers["Date"] = formatdate(time.time() + self.clock_ahead, usegmt=True)

    # --- people -------------------------------------------------------------------------------------------------

    def places(self) -> list[Place]:
        return []

    def view(self, place: str) -> list[View]:
        """The messages of a place in their order, those in threads included."""
        return []

    async def say(self, place: str, text: str, *, author: str = "ann", parent: str | None = None) -> str:
        """A person writes; returns the message's id. `@bot` in the text is a mention of the bot."""
        raise NotImplementedError

    async def press(self, place: str, message: str, button: str, *, author: str = "ann") -> str:
        """A person presses the button with this label below a message; returns the press's id."""
        raise NotImplementedError

    # --- lasting ------------------------------------------------------------------------------------------------

    @abstractmethod
    def dump(self) -> dict[str, Any]:
        """All that has to outlive this process, as JSON."""

    @abstractmethod
    def load(self, state: dict[str, Any]) -> None:
        """Takes up what `dump` gave. Called before the start."""


def hang_up(request: web.Request) -> None:
    """Closes the connection of a request without an answer."""
    if request.transport is not None:
        request.transport.abort()


async def struck(fault: Fault | None, request: web.Request) -> bool:
    """Plays the part of a fault that comes before the call is performed. True: the call is not to be performed,
    because the connection is closed. A `status` fault is left to the stand-in, which knows the platform's format."""
    if fault is None:
        return False
    if fault.kind == "slow":
        await asyncio.sleep(fault.seconds)
    if fault.kind == "drop":
        hang_up(request)
        return True
    return False
