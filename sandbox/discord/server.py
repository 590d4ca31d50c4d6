"""Discord's REST API version 10, its gateway at `/`, and its file server, on one port.

Names of calls, for faults and in the feed: `users.me`, `users.get`, `applications.me`, `gateway`, `gateway.bot`,
`gateway.connect`, `channels.get`, `channels.modify`, `messages.create`, `messages.list`, `messages.get`,
`messages.edit`, `messages.delete`, `threads.create`, `typing`, `dm.create`, `commands.list`, `commands.replace`,
`interactions.respond`, `cdn`.
"""

from __future__ import annotations

import json
import mimetypes
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import BodyPartReader, web

from sandbox.discord.calls import Calls, Params
from sandbox.discord.gateway import Gateway
from sandbox.discord.interactions import Interactions
from sandbox.discord.limits import Limits
from sandbox.discord.records import (
    File,
    Message,
    Refusal,
    unknown_message,
)
from sandbox.discord.world import World
from sandbox.faults import Fault
from sandbox.stand_in import hang_up, struck

TOKEN = "sandbox-discord-token"

Call = Callable[[web.Request, Params, dict[str, Any]], Awaitable[Any]]


def answer(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Discord's content type has no charset, and libraries compare it as a whole."""
    if data is None:
        return web.Response(status=204, headers=headers)
    body = json.dumps(data).encode()
    return web.Response(body=body, status=status, content_type="application/json", headers=headers)


class DiscordServer(Calls):
    """Use it with `async with`. `limits = None` switches the rate limits off; `message_content_allowed = False` is an
    application without the message content intent."""

    name = "discord"

    def __init__(self, port: int = 0) -> None:
        super().__init__(port)
        self.world = World()
        self.interactions = Interactions()
        self.gateway = Gateway(lambda: self.world, self.feed, TOKEN)
        self.limits: Limits | None = Limits()
        self.file_headers: list[dict[str, str]] = []
        """The headers of every request for a file."""

    @property
    def api_url(self) -> str:
        return f"{self.url}/api/v10"

    async def __aexit__(self, *args: object) -> None:
        await self.gateway.close(1001)
        self.gateway.forget()
        await super().__aexit__(*args)

    def app(self) -> web.Application:
        app = web.Application(client_max_size=30 * 2**20)
        api = "/api/v10"
        message = api + "/channels/{channel}/messages/{message}"
        calls: list[tuple[str, str, str, Call]] = [
            ("GET", api + "/users/@me", "users.me", self._me),
            ("GET", api + "/users/{user}", "users.get", self._user),
            ("GET", api + "/guilds/{guild}/members/{user}", "members.get", self._member),
            ("GET", api + "/oauth2/applications/@me", "applications.me", self._application),
            ("GET", api + "/applications/@me", "applications.me", self._application),
            ("GET", api + "/gateway", "gateway", self._where),
            ("GET", api + "/gateway/bot", "gateway.bot", self._where_for_bots),
            ("POST", api + "/users/@me/channels", "dm.create", self._open_direct),
            ("GET", api + "/channels/{channel}", "channels.get", self._channel),
            ("PATCH", api + "/channels/{channel}", "channels.modify", self._modify),
            ("GET", api + "/channels/{channel}/messages", "messages.list", self._list),
            ("POST", api + "/channels/{channel}/messages", "messages.create", self._create),
            ("GET", message, "messages.get", self._get),
            ("PATCH", message, "messages.edit", self._edit),
            ("DELETE", message, "messages.delete", self._delete),
            ("PUT", message + "/reactions/{emoji}/@me", "reactions", self._react),
            ("DELETE", message + "/reactions/{emoji}/@me", "reactions", self._unreact),
            ("POST", message + "/threads", "threads.create", self._thread),
            ("POST", api + "/channels/{channel}/threads", "threads.create", self._post),
            ("POST", api + "/channels/{channel}/typing", "typing", self._typing),
            ("GET", api + "/applications/{application}/commands", "commands.list", self._commands),
            ("PUT", api + "/applications/{application}/commands", "commands.replace", self._replace_commands),
            ("POST", api + "/interactions/{interaction}/{token}/callback", "interactions.respond", self._respond),
        ]
        for method, path, name, call in calls:
            app.router.add_route(method, path, self._handler(name, call))
        app.router.add_get("/attachments/{channel}/{file}/{name}", self._file)
        app.router.add_get("/", self._connect)
        app.router.add_route("*", "/{rest:.*}", self._lost)
        return app

    # --- around every call --------------------------------------------------------------------------------------

    def _handler(self, name: str, call: Call) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            params = dict(request.match_info)
            self.feed.publish("call", name=name, **{key: value for key, value in params.items() if key != "token"})
            fault = self.faults.take(name)
            if await struck(fault, request):
                return web.Response()
            response = await self._perform(name, call, request, params, fault)
            if fault is not None and fault.kind == "lost":
                hang_up(request)
            return response

        return handle

    async def _perform(
        self, name: str, call: Call, request: web.Request, params: Params, fault: Fault | None
    ) -> web.Response:
        if request.headers.get("Authorization") != f"Bot {TOKEN}":
            return answer({"message": "401: Unauthorized", "code": 0}, 401)
        headers = {"Via": "1.1 google"}
        if fault is not None and fault.kind == "status":
            return self._faulty(fault, headers)
        if self.limits is not None:
            verdict = self.limits.take(name, params.get("channel", ""), time.time())
            headers |= verdict.headers
            if verdict.wait is not None:
                return self._slow_down(verdict.wait, verdict.scope, headers)
        try:
            return answer(await call(request, params, await _body(request, self.world)), headers=headers)
        except Refusal as refusal:
            self.feed.publish("refused", name=name, code=refusal.code)
            errors = {} if refusal.errors is None else {"errors": refusal.errors}
            return answer({"message": refusal.message, "code": refusal.code, **errors}, refusal.status, headers)

    def _faulty(self, fault: Fault, headers: dict[str, str]) -> web.Response:
        if fault.status == 429:
            scope = fault.error or "user"
            return self._slow_down(1.0 if fault.retry_after is None else fault.retry_after, scope, headers)
        code, message = {
            401: (0, "401: Unauthorized"),
            403: (50013, "Missing Permissions"),
            404: (10003, "Unknown Channel"),
        }.get(fault.status, (0, f"{fault.status}: Internal Server Error"))
        if fault.error is not None:
            code = int(fault.error)
        return answer({"message": message, "code": code}, fault.status, headers)

    def _slow_down(self, wait: float, scope: str, headers: dict[str, str]) -> web.Response:
        """`scope` is `user`, `global` or `shared`; `cloudflare` is a ban, which is neither JSON nor Discord's own."""
        self.feed.publish("slow_down", seconds=wait, scope=scope)
        headers["Retry-After"] = str(max(1, round(wait)))
        if scope == "cloudflare":
            del headers["Via"]
            return web.Response(status=429, text="error code: 1015", headers=headers)
        headers["X-RateLimit-Scope"] = scope
        if scope == "global":
            headers["X-RateLimit-Global"] = "true"
        body = {"message": "You are being rate limited.", "retry_after": round(wait, 3), "global": scope == "global"}
        return answer(body, 429, headers)

    async def _lost(self, request: web.Request) -> web.Response:
        return answer({"message": "404: Not Found", "code": 0}, 404)

    async def _connect(self, request: web.Request) -> web.StreamResponse:
        fault = self.faults.take("gateway.connect")
        if await struck(fault, request):
            return web.Response()
        if fault is not None and fault.kind == "status":
            return web.Response(status=fault.status)
        self.gateway.address, self.gateway.files_url = self.gateway_url, self.url
        return await self.gateway.serve(request)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        """The file server: public to whoever has the address while its signature holds."""
        fault = self.faults.take("cdn")
        self.file_headers.append(dict(request.headers))
        self.feed.publish("call", name="cdn", file=request.match_info["file"])
        if await struck(fault, request):
            return web.Response()
        if fault is not None and fault.kind == "status":
            return web.Response(status=fault.status)
        key = request.match_info["file"]
        found = next((f for m in self.world.messages.values() for f in m.files if f.id == key), None)
        if found is None or request.query.get("hm") != f"{int(key):064x}":
            return web.Response(status=404, text="This content is no longer available.")
        response = web.StreamResponse(headers={"Content-Type": found.media_type})
        response.content_length = len(found.content)
        await response.prepare(request)
        if fault is not None and fault.kind == "lost":
            await response.write(found.content[: len(found.content) // 2])
            hang_up(request)
            return response
        await response.write(found.content)
        await response.write_eof()
        return response

    # --- lasting ------------------------------------------------------------------------------------------------

    def dump(self) -> dict[str, Any]:
        return self.world.dump()

    def load(self, state: dict[str, Any]) -> None:
        self.world.load(state)

    def find(self, message: str) -> Message:
        """A message by its id. Raises `Refusal`."""
        if message not in self.world.messages:
            raise unknown_message()
        return self.world.messages[message]


async def _body(request: web.Request, world: World) -> dict[str, Any]:
    """The JSON of a request, or of the `payload_json` of a form; its files are under `_files`. A list is under
    `_list`."""
    if request.method in ("GET", "DELETE") or not request.can_read_body:
        return {}
    if not request.content_type.startswith("multipart/"):
        return _json(await request.text())
    body: dict[str, Any] = {"_files": []}
    async for part in await request.multipart():
        assert isinstance(part, BodyPartReader)
        if part.name == "payload_json":
            body |= _json(await part.text())
        else:
            name = part.filename or "file"
            # by the name, whatever the client says
            media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
            body["_files"].append(File(world.snowflake(), name, media_type, bytes(await part.read())))
    return body


def _json(text: str) -> dict[str, Any]:
    try:
        body = json.loads(text)
        json.dumps(body, ensure_ascii=False).encode()
    except ValueError:
        raise Refusal(400, 50109, "The request body contains invalid JSON.") from None
    if isinstance(body, list):
        return {"_list": body}
    if not isinstance(body, dict):
        raise Refusal(400, 50035, "Invalid Form Body", {"_errors": [{"code": "DICT_TYPE_CONVERT", "message": "Only"}]})
    return body
