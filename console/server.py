"""The HTTP server: health for the operator, and the endpoints that bridges answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from console.desk import Desk
from console.health import Report
from console.metrics import CONTENT_TYPE, Metrics
from console.site import mount
from core.errors import ConfigError
from core.settings import Http

MOST_BODY = 4 * 1024 * 1024
"""Bytes of a request; the platforms' own events are far smaller."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(
    settings: Http,
    *,
    platforms: Handler,
    report: Callable[[], Awaitable[Report]],
    metrics: Metrics,
    desk: Desk | None = None,
) -> AsyncIterator[tuple[str, int]]:
    """Serves as long as the block runs; gives the address that it is bound to. `platforms` answers all other
    paths, `report` says how it is, `desk` is the operator's. Raises `ConfigError` if the address cannot be had."""

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(_: web.Request) -> web.Response:
        found = await report()
        return web.json_response(found.as_json(), status=200 if found.ready else 503)

    async def readyz_any(_: web.Request) -> web.Response:
        found = await report()
        degraded = {"status": "degraded"} if found.useful and not found.ready else {}
        return web.json_response(found.as_json() | degraded, status=200 if found.useful else 503)

    async def readyz_of(request: web.Request) -> web.Response:
        found, platform = await report(), request.match_info["platform"]
        if platform not in found.platforms:
            reason = f"There is no bridge {platform} here; there are: {', '.join(sorted(found.platforms))}."
            return web.json_response({"status": "not ready", "reason": reason}, status=404)
        its = found.of(platform)
        return web.json_response(its.as_json(), status=200 if its.ready else 503)

    async def scraped(_: web.Request) -> web.Response:
        page = metrics.scraped(await report())
        return web.Response(body=page, headers={"Content-Type": CONTENT_TYPE})

    app = web.Application(client_max_size=MOST_BODY)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/readyz/any", readyz_any)
    app.router.add_get("/readyz/{platform:[a-z]+}", readyz_of)
    app.router.add_get("/metrics", scraped)
    if desk is not None:
        mount(app, settings.admin_token.get_secret_value() if settings.admin_token is not None else "", desk)
    app.router.add_route("*", "/{path:.*}", platforms)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=5.0)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, settings.host, settings.port).start()
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise ConfigError(
                f"The HTTP server cannot listen on {settings.host}:{settings.port} ({reason}). "
                "Stop what uses it, or choose another with http.port."
            ) from None
        host, port = runner.addresses[0][:2]
        yield host, port
    finally:
        await runner.cleanup()
