"""What the HTTP server answers below `/web/`: the page, and the API behind it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from bridges.web import page
from bridges.web.clients import Clients
from bridges.web.inbound import Refused, asked, message_of
from bridges.web.room import Listed, Room
from bridges.web.stream import Stream, as_json
from bridges.web.thread import NAME, name_of, thread_of
from core.bridge import Accept
from core.errors import DatabaseError
from core.model import ThreadId

log = logging.getLogger(__name__)

PATH = "/web/"
MOST_BODY = 256 * 1024
"""Bytes of one message."""
MOST_LISTED = 100

_SAFE = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
_ALLOWED = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Last-Event-ID",
    "Access-Control-Max-Age": "600",
}


class Api:
    """`stream` makes one for each reader; `choices`: the names that `use` takes; `with_page`: the page is served
    too."""

    def __init__(
        self,
        room: Room,
        clients: Clients,
        accept: Accept,
        stream: Callable[[bool], Stream],
        *,
        choices: Sequence[str],
        origins: frozenset[str],
        with_page: bool,
    ) -> None:
        self._room = room
        self._clients = clients
        self._accept = accept
        self._stream = stream
        self._choices = choices
        self._origins = origins
        self._with_page = with_page

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Any request below `PATH`."""
        steps = request.path.removeprefix(PATH).split("/")
        if steps[0] != "api":
            return self._page(request)
        cross = self._cross_origin(request)
        try:
            if request.method == "OPTIONS":
                return web.Response(status=204, headers={**_SAFE, **cross, **(_ALLOWED if cross else {})})
            return await self._asked(request, steps[1:], {**_SAFE, **cross})
        except Refused as refused:
            headers = {"WWW-Authenticate": "Bearer"} if refused.status == 401 else {}
            return web.json_response(
                {"error": refused.sentence}, status=refused.status, headers={**_SAFE, **cross, **headers}
            )
        except DatabaseError as error:
            log.error("web: a request could not be answered (%s)", error)
            return web.json_response(
                {"error": "The database cannot be used just now. Send the same again in a moment."},
                status=503,
                headers={**_SAFE, **cross, "Retry-After": "2"},
            )

    def _page(self, request: web.Request) -> web.StreamResponse:
        if not self._with_page or request.method not in ("GET", "HEAD"):
            raise web.HTTPNotFound
        return page.response(request.path.removeprefix(PATH), _SAFE)

    def _cross_origin(self, request: web.Request) -> dict[str, str]:
        """Lets a page of another site read the answer, if that is wanted."""
        origin = request.headers.get("Origin", "")
        return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"} if origin in self._origins else {}

    async def _asked(self, request: web.Request, steps: list[str], headers: dict[str, str]) -> web.StreamResponse:
        client = self._clients.named(request.headers.get("Authorization", ""))
        if client is None:
            raise Refused(401, "Send Authorization: Bearer and the token of a client, from bridges.web.clients.")
        match (request.method, *steps):
            case ("GET", "assistants"):
                found = {"assistants": list(self._choices)}
            case ("GET", "threads"):
                found = await self._threads(client, request)
            case ("GET", "threads", name, "messages"):
                found = await self._history(_thread(client, name), request)
            case ("POST", "threads", name, "messages"):
                found = await self._say(client, _thread(client, name), request)
                return web.json_response(found, status=202, headers=headers)
            case ("GET", "threads", name, "events"):
                return await self._events(_thread(client, name), request, headers)
            case _:
                raise Refused(404, "There is nothing here: docs/web.md lists what there is.")
        return web.json_response(found, headers=headers)

    # --- what there is ----------------------------------------------------------------------------------------------

    async def _say(self, client: str, thread: ThreadId, request: web.Request) -> dict[str, Any]:
        """Kept before it is answered, and recorded before the client is told (I1). The same again is silence."""
        wanted = asked(await _body(request))
        said = await self._room.say(
            client, thread, wanted.id, author=wanted.author, command=wanted.command, text=wanted.text
        )
        if said.role != "user" or said.asked != (wanted.author, wanted.command, wanted.text):
            raise Refused(409, f"Something else was said under the id {wanted.id}: each message needs its own.")
        await self._accept(message_of(said))
        return {"message": as_json(said, rendered=False), "cursor": said.change}

    async def _events(self, thread: ThreadId, request: web.Request, headers: dict[str, str]) -> web.StreamResponse:
        changes = await self._changes(thread)
        since = _number(request.headers.get("Last-Event-ID") or request.query.get("since"), "since", 0)
        events = self._stream(_flag(request, "html")).events(thread, since if since <= changes else 0)
        response = web.StreamResponse(headers={**headers, "X-Accel-Buffering": "no"})
        response.content_type = "text/event-stream"
        await response.prepare(request)
        try:
            async with aclosing(events):
                async for event in events:
                    await response.write(event)
        except ConnectionError:
            pass  # the reader went away
        except DatabaseError as error:
            log.warning("web: a reader has to come back (%s)", error)
        return response

    async def _history(self, thread: ThreadId, request: web.Request) -> dict[str, Any]:
        cursor = await self._changes(thread)  # before the messages: what changes meanwhile is an event too
        page, limit = _wanted(request)
        found, total = await self._room.history(thread, page=page, limit=limit, since=_since(request))
        rendered = _flag(request, "html")
        messages = [as_json(said, rendered=rendered) for said in found]
        return {"messages": messages, "pagination": _pages(page, limit, total), "cursor": cursor}

    async def _threads(self, client: str, request: web.Request) -> dict[str, Any]:
        page, limit = _wanted(request)
        found, total = await self._room.threads(client, page=page, limit=limit, since=_since(request))
        return {"threads": [_listed(one) for one in found], "pagination": _pages(page, limit, total)}

    async def _changes(self, thread: ThreadId) -> int:
        changes = await self._room.changes(thread)
        if changes is None:
            raise Refused(404, "There is no such conversation.")
        return changes


def _thread(client: str, name: str) -> ThreadId:
    if not NAME.fullmatch(name):
        raise Refused(400, "A conversation's name is 1 to 64 letters, digits or . _ ~ -, of your choice.")
    return thread_of(client, name)


async def _body(request: web.Request) -> bytes:
    """As far as it may go: a body that is too long is not read to its end."""
    body = b""
    async for piece in request.content.iter_chunked(64 * 1024):
        body += piece
        if len(body) > MOST_BODY:
            raise Refused(413, f"The message is too long: a request may have {MOST_BODY // 1024} KiB.")
    return body


def _wanted(request: web.Request) -> tuple[int, int]:
    page, limit = (_number(request.query.get(name), name, default) for name, default in (("page", 1), ("limit", 20)))
    if not 1 <= limit <= MOST_LISTED or not 1 <= page <= 1_000_000:
        raise Refused(400, f"page is counted from 1, and limit is at most {MOST_LISTED}.")
    return page, limit


def _number(value: str | None, name: str, default: int) -> int:
    if not value:
        return default
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise Refused(400, f"{name} has to be a number.")
    return int(value)


def _since(request: web.Request) -> datetime | None:
    value = request.query.get("since")
    if not value:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise Refused(400, "since has to be a moment, such as 2026-01-31T12:00:00Z.") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _flag(request: web.Request, name: str) -> bool:
    return request.query.get(name) in ("1", "true")


def _pages(page: int, limit: int, total: int) -> dict[str, Any]:
    return {"page": page, "limit": limit, "total": total, "hasMore": page * limit < total}


def _listed(one: Listed) -> dict[str, Any]:
    return {
        "id": name_of(one.thread),
        "preview": one.preview,
        "messageCount": one.messages,
        "createdAt": one.started_at.isoformat(),
        "updatedAt": one.changed_at.isoformat(),
    }
