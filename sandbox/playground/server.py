"""The page and what it asks for, on 127.0.0.1.

A page elsewhere on the web must not be able to write here: requests have to name this host (so that no other name
can be pointed at it), and whatever changes something has to be JSON, or a file without a kind, which a browser does
not send across origins without asking first.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import web

from sandbox.playground.errors import PlaygroundError, Refused
from sandbox.playground.hub import AGAIN, record
from sandbox.playground.playground import Playground
from sandbox.playground.uploads import LARGEST, too_large

STATIC = Path(__file__).parent / "static"
UPLOAD = "/api/upload"
TAKEN = {UPLOAD: "application/octet-stream"}
"""What a path takes other than JSON."""
HOSTS = ("127.0.0.1", "localhost")
HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def application(playground: Playground) -> web.Application:
    page = Page(playground)
    app = web.Application(middlewares=[_guarded], client_max_size=2**20)
    app.router.add_get("/", page.index)
    app.router.add_static("/static", STATIC)
    app.router.add_get("/events", page.events)
    app.router.add_get("/api/state", page.state)
    app.router.add_get("/api/log", page.log)
    app.router.add_get("/api/file", page.file)
    app.router.add_post(UPLOAD, page.upload)
    for name in ("say", "press", "pair", "upstream", "speed", "fault", "program", "fresh"):
        app.router.add_post(f"/api/{name}", getattr(page, name))
    app.router.add_post("/api/faults/clear", page.clear_faults)
    return app


async def serving(playground: Playground, port: int) -> tuple[web.AppRunner, int]:
    """Serves from now on; returns what to clean up, and the port. Raises `PlaygroundError` if the port is taken."""
    runner = web.AppRunner(application(playground), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
    except OSError as error:
        await runner.cleanup()
        raise PlaygroundError(
            f"Port {port} cannot be used ({os.strerror(error.errno or 0)}): perhaps another playground is there. "
            "Choose another with --port."
        ) from None
    return runner, int(runner.addresses[0][1])


@web.middleware
async def _guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    host = request.host.rsplit(":", 1)[0]
    if host not in HOSTS:
        response: web.StreamResponse = _error(403, f"This is only for this machine, at {' or '.join(HOSTS)}.")
    elif request.method == "POST" and request.content_type != (wanted := TAKEN.get(request.path, "application/json")):
        response = _error(415, f"Send {wanted}.")
    else:
        try:
            response = await handler(request)
        except Refused as refused:
            response = _error(400, str(refused))
        except web.HTTPException as error:
            response = _error(error.status, error.reason)
    if not response.prepared:
        response.headers.update(HEADERS)
    return response


def _error(status: int, sentence: str) -> web.Response:
    return web.json_response({"error": sentence}, status=status)


def _done(**values: Any) -> web.Response:
    return web.json_response(values)


class Page:
    """What each path does."""

    def __init__(self, playground: Playground) -> None:
        self._playground = playground

    async def index(self, _: web.Request) -> web.StreamResponse:
        return web.FileResponse(STATIC / "index.html")

    async def state(self, _: web.Request) -> web.StreamResponse:
        await self._playground.ready.wait()
        return web.json_response(self._playground.state())

    async def log(self, _: web.Request) -> web.StreamResponse:
        return web.json_response({"lines": self._playground.log()})

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: `state` first, then every change."""
        await self._playground.ready.wait()
        response = web.StreamResponse(headers={**HEADERS, "Content-Type": "text/event-stream"})
        with self._playground.hub.listening() as told:
            state = self._playground.state()
            await response.prepare(request)
            try:
                await response.write(AGAIN + record("state", state))
                async with aclosing(told):
                    async for each in told:
                        await response.write(each)
            except ConnectionError:  # the page was closed
                pass
        return response

    async def say(self, request: web.Request) -> web.StreamResponse:
        asked = await self._asked(request)
        names = ("platform", "place", "text", "author")
        parent = _text(asked, "parent") if asked.get("parent") is not None else None
        files = asked.get("files") or []
        if not isinstance(files, list) or not all(isinstance(one, str) for one in files):
            raise Refused("files is not a list of texts.")
        platform, place, text, author = (_text(asked, name) for name in names)
        return _done(id=await self._playground.chats.say(platform, place, text, author, parent, files))

    async def upload(self, request: web.Request) -> web.StreamResponse:
        """Keeps a file for the message that names its id; the query says its name and media type."""
        await self._stands()
        name = request.query.get("name", "")
        content = bytearray()
        async for piece in request.content.iter_any():
            content += piece
            if max(len(content), request.content_length or 0) > LARGEST:
                return _error(413, too_large(name))
        return _done(id=self._playground.chats.uploads.add(name, request.query.get("type", ""), bytes(content)))

    async def file(self, request: web.Request) -> web.StreamResponse:
        """A file of a message: pictures to be shown, anything else only to be kept."""
        await self._stands()
        query = {**request.query}
        number = _text(query, "number")
        found = self._playground.chats.file(
            _text(query, "platform"),
            _text(query, "place"),
            _text(query, "message"),
            int(number) if number.isdecimal() else -1,
        )
        disposition = "inline" if found.picture else "attachment"
        return web.Response(
            body=found.content,
            content_type=found.media_type if found.picture else "application/octet-stream",
            headers={"Content-Disposition": f"{disposition}; filename*=UTF-8''{quote(found.name)}"},
        )

    async def pair(self, request: web.Request) -> web.StreamResponse:
        return _done(said=await self._playground.pair(_text(await self._asked(request), "code")))

    async def press(self, request: web.Request) -> web.StreamResponse:
        asked = await self._asked(request)
        names = ("platform", "place", "message", "button", "author")
        await self._playground.chats.press(*(_text(asked, name) for name in names))
        return _done()

    async def upstream(self, request: web.Request) -> web.StreamResponse:
        await self._playground.set_kind(_text(await self._asked(request), "kind"))
        return _done()

    async def speed(self, request: web.Request) -> web.StreamResponse:
        words = (await self._asked(request)).get("words")
        if isinstance(words, bool) or not isinstance(words, int | float):
            raise Refused("The speed is a number.")
        self._playground.set_speed(words)
        return _done()

    async def fault(self, request: web.Request) -> web.StreamResponse:
        asked = await self._asked(request)
        self._playground.add_fault(_text(asked, "where"), _text(asked, "fault"))
        return _done()

    async def clear_faults(self, request: web.Request) -> web.StreamResponse:
        await self._asked(request)
        self._playground.clear_faults()
        return _done()

    async def program(self, request: web.Request) -> web.StreamResponse:
        action = _text(await self._asked(request), "action")
        if action not in ("restart", "kill"):
            raise Refused("The action is restart or kill.")
        await self._playground.restart(kill=action == "kill")
        return _done()

    async def fresh(self, request: web.Request) -> web.StreamResponse:
        await self._asked(request)
        await self._playground.begin_anew()
        return _done()

    async def _asked(self, request: web.Request) -> dict[str, Any]:
        """The body, once everything stands."""
        try:
            body = await request.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise Refused("Send a JSON object.")
        await self._stands()
        return body

    async def _stands(self) -> None:
        async with asyncio.timeout(30):
            await self._playground.ready.wait()


def _text(asked: dict[str, Any], name: str) -> str:
    value = asked.get(name)
    if not isinstance(value, str):
        raise Refused(f"{name} is missing, or is not a text.")
    return value
