"""The outer form of the Web API's requests and answers."""

from __future__ import annotations

import json
import math
from typing import Any

from aiohttp import web

from sandbox.faults import Fault
from sandbox.slack.methods import FORM_ONLY
from sandbox.slack.world import SlackError

Json = dict[str, Any]


async def read(request: web.Request, method: str) -> tuple[str, Json]:
    """The token and the arguments of a call."""
    given: Json = dict(request.query)
    if request.content_type == "application/json":
        try:
            body = json.loads(await request.text() or "{}")
        except ValueError:
            raise SlackError("invalid_json") from None
        if not isinstance(body, dict):
            raise SlackError("json_not_object")
        if method not in FORM_ONLY:
            given |= body
    elif request.can_read_body:
        given |= {key: value for key, value in (await request.post()).items() if isinstance(value, str)}
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        # opening a socket is the one call that takes its token nowhere else
        token = "" if method == "apps.connections.open" else str(given.get("token", ""))
    return token.strip(), given


def refusal(refusal: SlackError) -> web.Response:
    body: Json = {"ok": False, "error": refusal.error}
    if refusal.messages:
        body["response_metadata"] = {"messages": list(refusal.messages)}
    return web.json_response(body)


def slow_down(wait: float) -> web.Response:
    headers = {"Retry-After": str(max(1, math.ceil(wait)))}
    return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers=headers)


def status(fault: Fault) -> web.Response:
    if fault.status == 429:
        return slow_down(fault.retry_after if fault.retry_after is not None else 1.0)
    if fault.error is not None:
        return web.json_response({"ok": False, "error": fault.error})
    return web.Response(status=fault.status, text="<html>Something went wrong.</html>", content_type="text/html")
