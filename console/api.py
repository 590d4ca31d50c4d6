"""The operator's JSON API: each operation with what it takes and gives. `console.openapi` describes them.

An answer is `{"success": true, "data": ...}`, or `{"success": false, "error": {"code": ..., "message": ...}}`.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel, ValidationError

from console.desk import Desk
from console.shapes import (
    Author,
    Begun,
    Code,
    Conversations,
    ConversationShape,
    DetailShape,
    Live,
    Nothing,
    Overview,
    PeopleShape,
    Person,
    Rebinding,
    Shape,
    Turns,
    TurnShape,
    UsageShape,
    pagination,
)
from core.errors import ThreadbridgeError
from core.reading import LARGEST_PAGE, Page, Paging, Sought
from core.tables import Turn

LAST_PAGE = 1_000_000
MOST_DAYS = 366
LONGEST_SEARCH = 200
ID = "[0-9]{1,18}"
"""Every number that a database can hold, and none that it cannot."""
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)?)?", re.ASCII)

Parameter = Literal["page", "limit", "since", "search", "until", "bridge", "days"]
PAGED: tuple[Parameter, ...] = ("page", "limit", "since")


class Refused(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        self.status, self.code, self.message = status, code, message
        super().__init__(message)


def read_moment(text: str) -> datetime | None:
    """None where it is none."""
    if not _MOMENT.fullmatch(text):
        return None
    try:
        found = datetime.fromisoformat(re.sub(r":60(?=\D|$)", ":59", text.upper()))
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


@dataclass(frozen=True, slots=True)
class Call:
    """One request, read."""

    desk: Desk
    id: int
    """The number in the path; 0: there is none."""
    query: dict[str, str]
    body: Any

    @property
    def paging(self) -> Paging:
        return Paging(self.number("page", 1, LAST_PAGE), self.number("limit", 20, LARGEST_PAGE))

    def number(self, name: str, default: int, most: int) -> int:
        text = self.query.get(name)
        if text is None:
            return default
        if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) or not 1 <= int(text) <= most:
            raise Refused(400, "INVALID_REQUEST", f"{name} has to be a whole number from 1 to {most}.")
        return int(text)

    @property
    def since(self) -> datetime | None:
        return self.moment("since")

    def moment(self, name: str) -> datetime | None:
        text = self.query.get(name)
        found = read_moment(text) if text is not None else None
        if found is None and text is not None:
            raise Refused(400, "INVALID_REQUEST", f"{name} has to be a moment such as 2026-01-31T08:00:00Z.")
        return found

    def text(self, name: str) -> str:
        found = self.query.get(name, "")
        if len(found) > LONGEST_SEARCH:
            raise Refused(400, "INVALID_REQUEST", f"{name} may have {LONGEST_SEARCH} characters.")
        return found


@dataclass(frozen=True, slots=True)
class Operation:
    method: Literal["GET", "POST"]
    path: str
    summary: str
    answer: type[Shape]
    do: Callable[[Call], Awaitable[Shape]]
    query: tuple[Parameter, ...] = ()
    body: type[Shape] | None = None


def _found(value: Any, what: str) -> Any:
    if value is None:
        raise Refused(404, "NOT_FOUND", f"There is no such {what}.")
    return value


def _turns(page: Page[Turn]) -> Turns:
    return Turns(turns=[TurnShape.of(turn) for turn in page.items], pagination=pagination(page))


async def _overview(call: Call) -> Shape:
    report = await call.desk.report()
    return Overview(ready=report.ready, reason="; ".join(report.reasons))


async def _conversations(call: Call) -> Shape:
    sought = Sought(call.text("search"), call.text("bridge"), call.since, call.moment("until"))
    page = await call.desk.reading.conversations(sought, call.paging)
    return Conversations(
        conversations=[ConversationShape.of(one) for one in page.items],
        pagination=pagination(page),
        looked_back_to=page.looked_back_to,
    )


async def _conversation(call: Call) -> Shape:
    return ConversationShape.of(_found(await call.desk.reading.conversation(call.id), "conversation"))


async def _history(call: Call) -> Shape:
    page = await call.desk.reading.history(call.id, call.paging, call.since)
    if not page.total:
        _found(await call.desk.reading.conversation(call.id), "conversation")
    return _turns(page)


async def _turn(call: Call) -> Shape:
    return DetailShape.of(_found(await call.desk.reading.turn(call.id), "turn"), call.desk.said(call.id))


async def _live(call: Call) -> Shape:
    return Live(turns=[TurnShape.of(turn, said) for turn, said in await call.desk.live()])


async def _failures(call: Call) -> Shape:
    return _turns(await call.desk.reading.failures(call.paging, call.since))


async def _usage(call: Call) -> Shape:
    return UsageShape.model_validate(await call.desk.usage(call.number("days", 30, MOST_DAYS)))


async def _people(call: Call) -> Shape:
    return await PeopleShape.at(call.desk)


async def _stop(call: Call) -> Shape:
    _found(await call.desk.reading.turn(call.id), "turn")
    await call.desk.operating.stop(call.id)
    return Nothing()


async def _command(call: Call, command: Literal["retry", "new"]) -> Shape:
    _found(await call.desk.reading.conversation(call.id), "conversation")
    return Begun(id=await call.desk.operating.command(call.id, command))


async def _rebind(call: Call) -> Shape:
    _found(await call.desk.reading.conversation(call.id), "conversation")
    return Begun(id=await call.desk.rebind(call.id, call.body.upstream, call.body.upstream_id))


async def _ban(call: Call) -> Shape:
    await call.desk.ban(call.body.bridge, call.body.author)
    return Nothing()


async def _lift(call: Call) -> Shape:
    if not await call.desk.bans.lift(call.body.bridge, call.body.author):
        raise Refused(404, "NOT_FOUND", "This person is not banned.")
    return Nothing()


async def _pair(call: Call) -> Shape:
    await call.desk.register.confirm(call.body.code)
    return Nothing()


async def _revoke(call: Call) -> Shape:
    if not await call.desk.register.revoke(call.body.author):
        raise Refused(404, "NOT_FOUND", "Nobody with this id was let in by a code.")
    return Nothing()


async def _retry(call: Call) -> Shape:
    return await _command(call, "retry")


async def _new(call: Call) -> Shape:
    return await _command(call, "new")


ONE = "/conversations/{id}"
OPERATIONS = (
    Operation("GET", "/overview", "Is all well, and if not, what is wrong?", Overview, _overview),
    Operation(
        "GET",
        "/conversations",
        "Conversations, the ones begun last first",
        Conversations,
        _conversations,
        (*PAGED, "search", "until", "bridge"),
    ),
    Operation("GET", ONE, "One conversation", ConversationShape, _conversation),
    Operation("GET", f"{ONE}/turns", "What was said in it, the oldest first", Turns, _history, PAGED),
    Operation("POST", f"{ONE}/retry", "Ask the last question of its thread again", Begun, _retry),
    Operation("POST", f"{ONE}/new", "Begin another conversation in its thread", Begun, _new),
    Operation(
        "POST", f"{ONE}/rebind", "Go on with an upstream's conversation in its thread", Begun, _rebind, (), Rebinding
    ),
    Operation("GET", "/turns/{id}", "One turn with the messages of its reply", DetailShape, _turn),
    Operation("POST", "/turns/{id}/stop", "End an open turn", Nothing, _stop),
    Operation("GET", "/live", "Turns that are being answered or wait", Live, _live),
    Operation("GET", "/failures", "Turns that failed or expired, the newest first", Turns, _failures, PAGED),
    Operation("GET", "/usage", "What was used in the last days", UsageShape, _usage, ("days",)),
    Operation("GET", "/people", "Who waits to be let in, who was, and who is banned", PeopleShape, _people),
    Operation("POST", "/people/ban", "Answer this person no more", Nothing, _ban, (), Person),
    Operation("POST", "/people/lift-ban", "Answer this person again", Nothing, _lift, (), Person),
    Operation("POST", "/people/pair", "Let in whoever was given this code", Nothing, _pair, (), Code),
    Operation("POST", "/people/revoke", "Let this person in no longer by a code", Nothing, _revoke, (), Author),
)


def carried_out(desk: Desk, operation: Operation) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        try:
            call = Call(desk, int(request.match_info.get("id", "0")), _query(request, operation), None)
            if operation.body is not None:
                call = Call(call.desk, call.id, call.query, await _body(request, operation.body))
            answer = await operation.do(call)
        except Refused as refused:
            return failure(refused.status, refused.code, refused.message)
        return web.json_response({"success": True, "data": answer.model_dump(mode="json", by_alias=True)})

    return handle


def failure(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> web.Response:
    body = {"success": False, "error": {"code": code, "message": message}}
    return web.json_response(body, status=status, headers=headers)


def refusal(error: ThreadbridgeError) -> web.Response:
    return failure(409, "CONFLICT", error.sentence)


def _query(request: web.Request, operation: Operation) -> dict[str, str]:
    for name in request.query:
        if name not in operation.query:
            known = ", ".join(operation.query) or "none"
            raise Refused(400, "INVALID_REQUEST", f"There is a parameter that is not known; known are: {known}.")
        if len(request.query.getall(name)) > 1:
            raise Refused(400, "INVALID_REQUEST", f"{name} is given twice.")
    return dict(request.query)


async def _body(request: web.Request, shape: type[BaseModel]) -> BaseModel:
    try:
        return shape.model_validate_json(await request.read(), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(one) for one in first["loc"])
        raise Refused(400, "INVALID_REQUEST", f"The body is not right: {where or 'JSON'}: {first['msg']}.") from None
