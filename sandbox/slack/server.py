"""The server: the routes, and what stands around every call.

Names of calls, for faults and the feed: each Web API method by its own name (`chat.postMessage`), `socket` for opening
a Socket Mode connection, `files` for downloading a file, `upload` for the bytes of
one that the app posts. A `status` fault of 429 is Slack's rate limit; one with an
`error` is that error of Slack's with status 200; any other is that status with a page that is not JSON.
"""

from __future__ import annotations

import base64
import time
from typing import Any, Self

from aiohttp import WSMsgType, web

from sandbox.slack import wire
from sandbox.slack.arguments import Arguments
from sandbox.slack.delivery import Socket
from sandbox.slack.limits import Limits, Meter
from sandbox.slack.methods import METHODS
from sandbox.slack.workspace import SIGNING_SECRET, Workspace
from sandbox.slack.world import APP_ID, SlackError
from sandbox.stand_in import hang_up, struck

__all__ = ["APP_TOKEN", "BOT_TOKEN", "SIGNING_SECRET", "SlackServer"]

BOT_TOKEN = "xoxb-sandbox"
APP_TOKEN = "xapp-sandbox"

MOST_SOCKETS = 10

Json = dict[str, Any]


class SlackServer(Workspace):
    def __init__(self, port: int = 0) -> None:
        super().__init__(port)
        self.limits: Limits | None = Limits()
        """None: nothing is ever too much."""
        self.bot_token, self.app_token = BOT_TOKEN, APP_TOKEN
        """Set them to revoke the old ones."""
        self._meter = Meter()

    @property
    def api_url(self) -> str:
        return f"{self.url}/api"

    @property
    def events_url(self) -> str | None:
        """Where events go over HTTP; None: over Socket Mode."""
        return self.courier.events_url

    @events_url.setter
    def events_url(self, url: str | None) -> None:
        self.courier.events_url = url

    def app(self) -> web.Application:
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_route("*", "/api/{method}", self._call)
        app.router.add_get("/link/", self._link)
        app.router.add_get("/files-pri/{file}/{name}", self._download)
        app.router.add_post("/upload/v1/{secret}", self._upload)
        return app

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        await self.courier.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.courier.stop()
        await super().__aexit__(*error)

    # --- the Web API --------------------------------------------------------------------------------------------

    async def _call(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        try:
            token, given = await wire.read(request, method)
        except SlackError as refusal:
            return wire.refusal(refusal)
        shown = {key: value for key, value in given.items() if key != "token"}
        self.feed.publish("call", name=method, arguments=shown)
        fault = self.faults.take(method)
        if await struck(fault, request):
            return web.Response()
        if fault is not None and fault.kind == "status":
            return wire.status(fault)
        answer = self._answer(method, token, Arguments(given))
        if fault is not None and fault.kind == "lost":
            hang_up(request)
        return answer

    def _answer(self, method: str, token: str, given: Arguments) -> web.Response:
        try:
            perform = METHODS.get(method)
            if perform is None:
                raise SlackError("unknown_method")
            self._authorize(method, token)
            wait = self._too_much(method, given)
            if wait is not None:
                return wire.slow_down(wait)
            answer = perform(self, given)
        except SlackError as refusal:
            return wire.refusal(refusal)
        headers = {"X-OAuth-Scopes": self.scopes, "X-Accepted-OAuth-Scopes": ""}
        return web.json_response({"ok": True, **answer}, headers=headers)

    def _authorize(self, method: str, token: str) -> None:
        if method == "api.test":
            return
        if not token:
            raise SlackError("not_authed")
        wanted, other = self.bot_token, self.app_token
        if method == "apps.connections.open":
            wanted, other = other, wanted
        if token != wanted:
            raise SlackError("not_allowed_token_type" if token == other else "invalid_auth")
        if method.startswith(("chat.", "assistant.")):
            self.need("chat:write")
        if method.startswith("reactions."):
            self.need("reactions:write")

    def _too_much(self, method: str, given: Arguments) -> float | None:
        if self.limits is None:
            return None
        now = time.monotonic()
        if method == "chat.postMessage":
            return self._meter.post_refused(self.limits, given.text("channel"), now)
        return self._meter.refused(self.limits, method, now)

    async def _download(self, request: web.Request) -> web.StreamResponse:
        self.feed.publish("call", name="files", file=request.match_info["file"])
        fault = self.faults.take("files")
        if await struck(fault, request):
            return web.Response()
        if fault is not None and fault.kind == "status":
            return wire.status(fault)
        file = self.world.files.get(request.match_info["file"].rpartition("-")[2])
        if request.headers.get("Authorization") != f"Bearer {self.bot_token}":
            # as Slack does: a page to log in at, with status 200
            return web.Response(text="<!DOCTYPE html><title>Sign in</title>", content_type="text/html")
        if file is None:
            raise web.HTTPNotFound
        return web.Response(body=base64.b64decode(file.content), content_type=file.media_type)

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        """The bytes of a file, as the body or in a form; whoever has the address may send them."""
        fault = self.faults.take("upload")
        if await struck(fault, request):
            return web.Response()
        if fault is not None and fault.kind == "status":
            return web.Response(status=fault.status)
        if request.content_type.startswith("multipart/"):
            fields = (await request.post()).values()
            content = next((one.file.read() for one in fields if isinstance(one, web.FileField)), b"")
        else:
            content = await request.read()
        self.feed.publish("call", name="upload", size=len(content), authorized="Authorization" in request.headers)
        if not self.uploads.receive(request.match_info["secret"], content):
            return web.Response(status=400, text="failed")
        if fault is not None and fault.kind == "lost":
            hang_up(request)
        return web.Response(text=f"OK - {len(content)}")

    # --- Socket Mode --------------------------------------------------------------------------------------------

    async def _link(self, request: web.Request) -> web.StreamResponse:
        self.feed.publish("call", name="socket")
        fault = self.faults.take("socket")
        if await struck(fault, request):
            return web.Response()
        if fault is not None and fault.kind == "status":
            return web.Response(status=fault.status)
        if not self.courier.admits(request.query.get("ticket", "")):
            raise web.HTTPUnauthorized
        ws = web.WebSocketResponse(heartbeat=30, timeout=0.5)
        await ws.prepare(request)
        if len(self.courier.sockets) >= MOST_SOCKETS:
            self.feed.publish("too_many", connections=len(self.courier.sockets))
            await ws.send_json({"type": "disconnect", "reason": "too_many_websockets"})
            await ws.close()
            return ws
        socket = Socket(ws, request)
        await ws.send_json(self._hello())
        self.courier.sockets.append(socket)
        self.feed.publish("connected", connections=len(self.courier.sockets))
        try:
            async for message in ws:
                if message.type is WSMsgType.TEXT:
                    socket.acknowledge(message.data)
        finally:
            if socket in self.courier.sockets:
                self.courier.sockets.remove(socket)
            socket.lost()
            self.feed.publish("disconnected", connections=len(self.courier.sockets))
        return ws

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self.courier.sockets) + 1,
            "connection_info": {"app_id": APP_ID},
            "debug_info": {"host": "sandbox", "build_number": 1, "approximate_connection_time": 18060},
        }

    async def ask_to_leave(self, reason: str = "refresh_requested", *, only: int | None = None) -> None:
        """Tells every connection to make way for a new one, as Slack does now and then; `warning` announces it.
        `only`: one of them, counted from the one that has been there longest."""
        for socket in list(self.courier.sockets) if only is None else [self.courier.sockets[only]]:
            socket.leaving = reason != "warning"
            await socket.ws.send_json({"type": "disconnect", "reason": reason, "debug_info": {"host": "sandbox"}})

    def drop_connections(self, *, only: int | None = None) -> None:
        """Breaks every connection, or one of them, without a word."""
        for socket in list(self.courier.sockets) if only is None else [self.courier.sockets[only]]:
            hang_up(socket.request)
