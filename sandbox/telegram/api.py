"""The Bot API over HTTP, as the open-source bot-api server speaks it.

Faults go by the methods' own names (`getMe`, `getUpdates`, `setWebhook`, `deleteWebhook`, `getWebhookInfo`,
`sendMessage`, `sendPhoto`, `sendAudio`, `sendVideo`, `sendDocument`, `editMessageText`, `deleteMessage`,
`sendMessageDraft`, `sendChatAction`, `setMessageReaction`, `getFile`, `setMyCommands`, `getMyCommands`,
`answerCallbackQuery`) and `file` for downloads. The feed tells `call`, `delivery` (to a webhook), `message`, `edit`,
`delete`, `draft`, `typing`, `reaction`.
"""

from __future__ import annotations

import json
import re
from typing import Any

from aiohttp import web

from sandbox.faults import Fault, Faults
from sandbox.feed import Feed
from sandbox.stand_in import hang_up, struck
from sandbox.telegram.arguments import Args, Upload
from sandbox.telegram.methods import Methods
from sandbox.telegram.refusal import Refusal, slow_down


class Api:
    """Checks the token, reads the arguments, plays the faults, and answers in the server's form."""

    def __init__(self, token: str, methods: Methods, faults: Faults, feed: Feed) -> None:
        self._token = token
        self._world = methods.world
        self._methods = {name.lower(): (name, method) for name, method in methods.named().items()}
        self._faults = faults
        self._feed = feed

    def app(self) -> web.Application:
        app = web.Application(client_max_size=51 << 20)
        app.router.add_get("/file/bot{token}/{path:.+}", self._download)
        app.router.add_route("*", "/bot{token}/{method}", self._call)
        app.router.add_route("*", "/{rest:.*}", self._unknown)
        return app

    async def _unknown(self, request: web.Request) -> web.Response:
        return _refused(Refusal(404))

    async def _call(self, request: web.Request) -> web.StreamResponse:
        called = request.match_info["method"]
        try:
            self._check(request)
            if called.lower() not in self._methods:
                raise Refusal(404, "method not found")
            name, method = self._methods[called.lower()]
            args = await _args(request)
            fault = self._faults.take(name)
            self._feed.publish("call", name=name, args={k: v for k, v in args.items() if k != "secret_token"})
            if await struck(fault, request):
                return web.Response(status=500)
            if fault is not None and fault.kind == "status":
                raise _asked_for(fault)
            result = await method(args)
        except Refusal as refusal:
            return _refused(refusal)
        except (ValueError, TypeError, AttributeError, KeyError):
            return _refused(Refusal(400, "wrong parameter in request"))
        if fault is not None and fault.kind == "lost":
            hang_up(request)
        answer: dict[str, Any] = {"ok": True}
        if isinstance(result, tuple):
            answer |= {"result": result[0], "description": result[1]}
        else:
            answer["result"] = result
        return web.json_response(answer)

    def _check(self, request: web.Request) -> None:
        token = request.match_info["token"]
        if not re.fullmatch(r"[1-9]\d*:[\w-]+", token):
            raise Refusal(404)
        if token != self._token:
            raise Refusal(401)

    async def _download(self, request: web.Request) -> web.StreamResponse:
        try:
            self._check(request)
            fault = self._faults.take("file")
            self._feed.publish("call", name="file", args={})
            if await struck(fault, request):
                return web.Response(status=500)
            if fault is not None and fault.kind == "status":
                raise _asked_for(fault)
            wanted = request.match_info["path"]
            content = next((data for path, data in self._world.files.values() if path == wanted), None)
            if content is None:
                raise Refusal(404)
        except Refusal as refusal:
            return _refused(refusal)
        if fault is not None and fault.kind == "lost":
            response = web.StreamResponse(headers={"Content-Length": str(len(content))})
            await response.prepare(request)
            await response.write(content[: len(content) // 2])
            hang_up(request)
            return response
        return web.Response(body=content, content_type="application/octet-stream")


def _refused(refusal: Refusal) -> web.Response:
    return web.json_response(refusal.body, status=refusal.status, headers=refusal.headers)


def _asked_for(fault: Fault) -> Refusal:
    if fault.status == 429:
        return slow_down(int(fault.retry_after or 1))
    words = {403: "bot was blocked by the user", 400: "chat not found", 502: "Bad Gateway"}
    return Refusal(fault.status, fault.error or words.get(fault.status, ""))


async def _args(request: web.Request) -> Args:
    """The arguments of a call from its address and its body, whichever form that has. What is no string in a JSON
    body is given as its JSON."""
    args = Args(request.query)
    if request.content_type == "application/json":
        try:
            body = await request.json()
        except ValueError:
            raise Refusal(400, "can't parse request: invalid JSON") from None
        if isinstance(body, dict):
            for key, value in body.items():
                if value is not None:
                    args[str(key)] = value if isinstance(value, str) else json.dumps(value)
    elif request.method == "POST":
        for key, value in (await request.post()).items():
            if isinstance(value, str):
                args[key] = value
            elif isinstance(value, web.FileField):
                args.uploads[key] = Upload(value.filename, value.content_type, value.file.read())
    return args
