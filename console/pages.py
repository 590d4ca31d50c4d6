"""The operator's pages. Everything that people wrote is escaped by the templates, without exception."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from console import plots
from console.api import ID, LAST_PAGE, LONGEST_SEARCH, read_moment
from console.desk import Desk
from console.shapes import PeopleShape
from core.operating import by_operator
from core.pairing import written
from core.reading import Page, Paging, Sought
from core.tables import OPEN
from core.text import clean

T = TypeVar("T")

FORM_TOKEN = web.RequestKey("form_token", str)
"""What the forms of a request's page carry; empty for whoever has not signed in."""
DAYS = (7, 30, 90)
ON_A_PAGE = 25
DONE = {
    "stop": "The turn was told to stop.",
    "retry": "The last question is being asked again.",
    "new": "Another conversation begins in this thread.",
    "rebind": "The next turn of this thread goes on in that conversation.",
    "ban": "This person is not answered any more.",
    "lift": "This person is answered again.",
    "pair": "This person is let in.",
    "revoke": "This person is no longer let in by a code.",
}


def moment(value: datetime | None) -> str:
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if value is not None else "–"


def lasted(begin: datetime | None, end: datetime | None) -> str:
    if begin is None or end is None:
        return "–"
    seconds = max(0.0, (end - begin).total_seconds())
    return f"{seconds:.1f} s" if seconds < 60 else str(timedelta(seconds=round(seconds)))


def span(seconds: float) -> str:
    """About how long that is."""
    for unit, length in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def sent_to(path: str) -> web.Response:
    """After what was done: a page that may be loaded again."""
    return web.Response(status=303, headers={"Location": path})


class Pages:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {"moment": moment, "span": span, "written": written}
        self._templates.globals |= {
            "lasted": lasted,
            "by_operator": by_operator,
            "share": plots.share,
            "bars": plots.bars,
            "open_states": OPEN,
            "bridges": list(desk.bridges),
            "upstreams": list(desk.upstreams),
        }

    def route(self, router: web.UrlDispatcher) -> None:
        shown: dict[str, Callable[[web.Request], Awaitable[web.Response]]] = {
            "/": self.overview,
            "/live": self.live,
            "/conversations": self.conversations,
            f"/conversations/{{id:{ID}}}": self.conversation,
            f"/turns/{{id:{ID}}}": self.turn,
            "/failures": self.failures,
            "/usage": self.usage,
            "/people": self.people,
        }
        for path, page in shown.items():
            router.add_get(path, page)
        router.add_post(f"/turns/{{id:{ID}}}/stop", self.stop)
        router.add_post(f"/conversations/{{id:{ID}}}/{{command:retry|new}}", self.command)
        router.add_post(f"/conversations/{{id:{ID}}}/rebind", self.rebind)
        router.add_post("/people/{action:ban|lift|pair|revoke}", self.act)

    def _shown(self, request: web.Request, template: str, status: int = 200, **values: Any) -> web.Response:
        about = {
            "form_token": request.get(FORM_TOKEN, ""),
            "path": request.path,
            "done": DONE.get(request.query.get("done", ""), ""),
            "now": datetime.now(UTC),
        }
        text = self._templates.get_template(template).render(**about, **values)
        return web.Response(text=text, content_type="text/html", status=status)

    def sorry(self, request: web.Request, status: int, sentence: str) -> web.Response:
        return self._shown(request, "sorry.html", status, sentence=sentence)

    def login(self, request: web.Request, wrong: str = "", status: int = 200) -> web.Response:
        return self._shown(request, "login.html", status, wrong=wrong)

    # --- shown --------------------------------------------------------------------------------------------------------

    async def overview(self, request: web.Request) -> web.Response:
        report, used = await self._desk.report(), await self._desk.usage(1)
        failed = await self._desk.reading.failures(Paging(1, 5))
        return self._shown(request, "overview.html", report=report, today=used.days[0], failed=failed)

    async def live(self, request: web.Request) -> web.Response:
        page = "live_turns.html" if "part" in request.query else "live.html"
        return self._shown(request, page, turns=await self._desk.live())

    async def conversations(self, request: web.Request) -> web.Response:
        text, bridge = (request.query.get(name, "")[:LONGEST_SEARCH] for name in ("search", "bridge"))
        sought = Sought(text, bridge, until=read_moment(request.query.get("until", "")))
        page = await _page(request, partial(self._desk.reading.conversations, sought))
        back = page.looked_back_to
        further = request.rel_url.with_query(search=text, bridge=bridge, until=back.isoformat()) if back else ""
        return self._shown(
            request,
            "conversations.html",
            page=page,
            search=text,
            bridge=bridge,
            further=further,
            others=_others(request, page),
        )

    async def conversation(self, request: web.Request) -> web.Response:
        id = int(request.match_info["id"])
        listed = await self._desk.reading.conversation(id)
        if listed is None:
            raise web.HTTPNotFound(reason="There is no such conversation, or it was forgotten")
        last = Paging(limit=ON_A_PAGE).pages(listed.turns)
        page = await _page(request, partial(self._desk.reading.history, id), first=last)  # what was said last
        said = {turn.id: self._desk.said(turn.id or 0) for turn in page.items}
        return self._shown(
            request, "conversation.html", listed=listed, page=page, said=said, others=_others(request, page)
        )

    async def turn(self, request: web.Request) -> web.Response:
        detail = await self._desk.reading.turn(int(request.match_info["id"]))
        if detail is None:
            raise web.HTTPNotFound(reason="There is no such turn, or it was forgotten")
        return self._shown(
            request, "turn.html", detail=detail, turn=detail.turn, said=self._desk.said(detail.turn.id or 0)
        )

    async def failures(self, request: web.Request) -> web.Response:
        page = await _page(request, self._desk.reading.failures)
        return self._shown(request, "failures.html", page=page, others=_others(request, page))

    async def usage(self, request: web.Request) -> web.Response:
        asked = request.query.get("days", "30")
        days = int(asked) if asked in map(str, DAYS) else 30
        used = await self._desk.usage(days)
        columns = [(one.key, one.turns, one.failed) for one in used.days]
        return self._shown(request, "usage.html", used=used, columns=columns, days=days, choices=DAYS)

    async def people(self, request: web.Request) -> web.Response:
        return self._shown(request, "people.html", people=await PeopleShape.at(self._desk))

    # --- done ---------------------------------------------------------------------------------------------------------

    async def stop(self, request: web.Request) -> web.Response:
        id = int(request.match_info["id"])
        await self._desk.operating.stop(id)
        return sent_to(f"/console/turns/{id}?done=stop")

    async def command(self, request: web.Request) -> web.Response:
        command = cast(Literal["retry", "new"], request.match_info["command"])
        turn = await self._desk.operating.command(int(request.match_info["id"]), command)
        return sent_to(f"/console/turns/{turn}?done={command}")

    async def rebind(self, request: web.Request) -> web.Response:
        upstream, upstream_id = await _field(request, "upstream"), await _field(request, "upstream_id")
        new = await self._desk.rebind(int(request.match_info["id"]), upstream, upstream_id)
        return sent_to(f"/console/conversations/{new}?done=rebind")

    async def act(self, request: web.Request) -> web.Response:
        action = request.match_info["action"]
        match action:
            case "ban":
                await self._desk.ban(await _field(request, "bridge"), await _field(request, "author"))
            case "lift":
                await self._desk.bans.lift(await _field(request, "bridge"), await _field(request, "author"))
            case "pair":
                await self._desk.register.confirm(await _field(request, "code"))
            case _:
                await self._desk.register.revoke(await _field(request, "author"))
        return sent_to(f"/console/people?done={action}")


async def _page(request: web.Request, read: Callable[[Paging], Awaitable[Page[T]]], *, first: int = 1) -> Page[T]:
    """The page that is asked for, or `first`; the last one in place of one that there is not."""
    asked = request.query.get("page", "")
    number = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 8 else first
    page = await read(Paging(min(max(1, number), LAST_PAGE), ON_A_PAGE))
    if page.items or not page.total:
        return page
    return await read(Paging(page.pages, ON_A_PAGE))


def _others(request: web.Request, page: Page[Any]) -> dict[str, str]:
    """Where the pages around this one are; empty where there is none."""
    number, last = page.paging.page, page.pages

    def at(other: int, *, there: bool) -> str:
        return str(request.rel_url.update_query(page=other).without_query_params("done")) if there else ""

    return {
        "first": at(1, there=number > 1),
        "previous": at(number - 1, there=number > 1),
        "next": at(number + 1, there=number < last),
        "last": at(last, there=number < last),
    }


async def _field(request: web.Request, name: str) -> str:
    """What stands in a field of the form that was sent, which must not be empty."""
    value = clean(str((await request.post()).get(name, ""))).strip()
    if not 0 < len(value) <= 1_000:
        raise web.HTTPBadRequest(reason=f"The field {name} is empty or too long")
    return value
