"""The operator's pages at `/console` and their API at `/api/v1`, both behind the token. Without a token there are
neither, wherever the server listens."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from pathlib import Path

from aiohttp import web

from console.api import ID, OPERATIONS, carried_out, failure, refusal
from console.desk import Desk
from console.gate import LASTS, Gate
from console.openapi import described
from console.pages import FORM_TOKEN, Pages, sent_to
from core.errors import DatabaseError, ThreadbridgeError

log = logging.getLogger(__name__)

COOKIE = "threadbridge_console"
STATIC = Path(__file__).parent / "static"
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
NO_TOKEN = "There is no console: set http.admin_token in the configuration, and restart.\n"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def mount(app: web.Application, token: str, desk: Desk) -> None:
    """Adds the console to a server; with an empty token, only the sentence that says what to do."""
    if not token:
        app.router.add_get("/console{rest:(/.*)?}", _no_token)
        return
    gate = Gate(token)
    app.router.add_get("/console", _to_console)
    app.add_subapp("/console/", _pages(gate, desk))
    app.add_subapp("/api/v1/", _api(gate, desk))


async def _no_token(_: web.Request) -> web.Response:
    return web.Response(status=403, text=NO_TOKEN)


async def _to_console(_: web.Request) -> web.Response:
    return sent_to("/console/")


def _api(gate: Gate, desk: Desk) -> web.Application:
    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await answered(request, handler)
        response.headers.update(HEADERS)
        return response

    async def answered(request: web.Request, handler: Handler) -> web.StreamResponse:
        address = request.remote or ""
        if wait := gate.wait(address):
            later = {"Retry-After": str(int(wait) + 1)}
            return failure(429, "RATE_LIMIT_EXCEEDED", f"Too many wrong tokens. Try again in {wait:.0f} s.", later)
        kind, _, offered = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer" or not gate.opens(offered.strip(), address):
            how = {"WWW-Authenticate": "Bearer"}
            return failure(401, "UNAUTHORIZED", "Send the header Authorization: Bearer, and http.admin_token.", how)
        try:
            return await handler(request)
        except web.HTTPException as error:
            allowed = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
            return failure(error.status, error.reason.upper().replace(" ", "_"), f"{error.reason}.", allowed)
        except DatabaseError as error:
            log.warning("the API: %s (%s)", error.sentence, error.detail)
            return failure(503, "DATABASE_ERROR", error.sentence)
        except ThreadbridgeError as error:
            return refusal(error)

    app = web.Application(middlewares=[guarded])
    description = described(version("threadbridge"))

    async def openapi(_: web.Request) -> web.Response:
        return web.json_response(description)

    app.router.add_get("/openapi.json", openapi)
    for operation in OPERATIONS:
        path = operation.path.replace("{id}", f"{{id:{ID}}}")
        app.router.add_route(operation.method, path, carried_out(desk, operation))
    return app


def _pages(gate: Gate, desk: Desk) -> web.Application:
    pages = Pages(desk)

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            response = await answered(request, handler)
        except web.HTTPException as error:
            response = pages.sorry(request, error.status, f"{error.reason}.")
        except DatabaseError as error:
            log.warning("the console: %s (%s)", error.sentence, error.detail)
            response = pages.sorry(request, 503, error.sentence)
        except ThreadbridgeError as error:
            response = pages.sorry(request, 409, error.sentence)
        response.headers.update(HEADERS)
        return response

    async def answered(request: web.Request, handler: Handler) -> web.StreamResponse:
        session = request.cookies.get(COOKIE, "")
        inside = gate.knows(session)
        request[FORM_TOKEN] = gate.form_token(session) if inside else ""
        if request.path.startswith("/console/static/") or request.path == "/console/login":
            return await handler(request)
        if not inside:
            return sent_to("/console/login")
        if request.method == "POST":
            form = await request.post()
            if not gate.is_form_token(str(form.get("form_token", "")), session):
                return pages.sorry(request, 403, "This form is not of your session any more: go back and try again.")
        return await handler(request)

    async def login(request: web.Request) -> web.Response:
        if request.method != "POST":
            return pages.login(request)
        address = request.remote or ""
        if wait := gate.wait(address):
            return pages.login(request, f"Too many wrong tokens. Try again in {wait:.0f} s.", 429)
        if not gate.opens(str((await request.post()).get("token", "")), address):
            return pages.login(request, "This is not the token. It stands in the configuration: http.admin_token.", 403)
        response = sent_to("/console/")
        secure = request.secure or request.headers.get("X-Forwarded-Proto") == "https"
        response.set_cookie(
            COOKIE, gate.session(), max_age=LASTS, path="/console", httponly=True, samesite="Strict", secure=secure
        )
        return response

    async def logout(_: web.Request) -> web.Response:
        response = sent_to("/console/login")
        response.del_cookie(COOKIE, path="/console")
        return response

    app = web.Application(middlewares=[guarded])
    app.router.add_route("GET", "/login", login)
    app.router.add_route("POST", "/login", login)
    app.router.add_post("/logout", logout)
    app.router.add_static("/static", STATIC)
    pages.route(app.router)
    return app
