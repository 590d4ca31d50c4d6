"""A server that answers each request as the test has written it down, and remembers what it was asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web
from multidict import CIMultiDict

from core.errors import UpstreamError
from core.model import Attachment, Event, Prompt
from core.upstream import Upstream
from tests.core.upstream.reading import Heard, seen

Reply = Callable[["Asked"], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Asked:
    """One request."""

    method: str
    path: str
    query: dict[str, str]
    headers: CIMultiDict[str]
    body: bytes
    request: web.Request
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the server has seen that the client went away."""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Scripted:
    """Listens on 127.0.0.1. Use it with `async with`; a request beyond the script is answered with 418."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.asked: list[Asked] = []
        self.slept: list[float] = []
        self._arrived = asyncio.Condition()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._port: int = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def sleep(self, seconds: float) -> None:
        """In place of waiting between two attempts."""
        self.slept.append(seconds)

    async def until_asked(self, times: int) -> Asked:
        async with self._arrived, asyncio.timeout(20):
            await self._arrived.wait_for(lambda: len(self.asked) >= times)
            return self.asked[times - 1]

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        query = dict(request.query)
        asked = Asked(
            request.method,
            request.raw_path.partition("?")[0],
            query,
            CIMultiDict(request.headers),
            await request.read(),
            request,
        )
        reply = self.replies.pop(0) if self.replies else status(418)
        async with self._arrived:
            self.asked.append(asked)
            self._arrived.notify_all()
        try:
            return await reply(asked)
        except asyncio.CancelledError:
            asked.gone.set()
            raise


def status(code: int, body: bytes | str | dict[str, Any] = b"", headers: dict[str, str] | None = None) -> Reply:
    content = json.dumps(body) if isinstance(body, dict) else body

    async def reply(_: Asked) -> web.StreamResponse:
        return web.Response(status=code, body=content, headers=headers)

    return reply


def document(body: dict[str, Any]) -> Reply:
    return status(200, body, {"Content-Type": "application/json"})


def streamed(*pieces: bytes | Callable[[], Awaitable[object]], then: str = "end") -> Reply:
    """Sends the pieces, and awaits those that are no bytes; then `end`s the body properly, `break`s the connection at
    once, `close`s it without the end of the body, or `hang`s."""

    async def reply(asked: Asked) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(asked.request)
        for piece in pieces:
            await (response.write(piece) if isinstance(piece, bytes) else piece())
        assert asked.request.transport is not None
        match then:
            case "break":
                asked.request.transport.abort()
            case "close":
                asked.request.transport.close()
            case "hang":
                await asyncio.Event().wait()
            case _:
                pass
        return response

    return reply


def after(seconds: float, reply: Reply) -> Reply:
    """The same, so many seconds later; for virtual time."""

    async def later(asked: Asked) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return await reply(asked)

    return later


def hung_up() -> Reply:
    """Reads the request and closes the connection without a word."""

    async def reply(asked: Asked) -> web.StreamResponse:
        assert asked.request.transport is not None
        asked.request.transport.close()
        return web.Response()

    return reply


def prompt(text: str = "Hi", **more: Any) -> Prompt:
    return Prompt(text, "user1", **more)


def attachments(*files: tuple[str, str, bytes]) -> dict[str, Any]:
    """What a prompt with these files has, by name, media type and content."""
    content = {name: data for name, _, data in files}

    async def fetch(attachment: Attachment) -> AsyncIterator[bytes]:
        data = content[attachment.reference]
        for at in range(0, len(data), 1000):
            yield data[at : at + 1000]

    found = tuple(Attachment(name, media_type, len(data), name) for name, media_type, data in files)
    return {"attachments": found, "fetch": fetch}


async def answered(upstream: Upstream, asked: Prompt) -> Heard:
    """What is heard of one turn."""
    events: list[Event] = []
    try:
        async for event in upstream.stream(asked):
            events += [event]  # kept also if the next one fails
    except UpstreamError as error:
        return seen(events, error)
    return seen(events)


async def failure(upstream: Upstream, asked: Prompt) -> UpstreamError:
    """The error that one turn ends with."""
    try:
        async for _ in upstream.stream(asked):
            pass
    except UpstreamError as error:
        return error
    raise AssertionError("it did not fail")
