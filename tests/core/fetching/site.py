"""Servers that files are fetched from. 127.0.0.1 is the private network here; 127.0.0.2 stands for the public one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from core.fetching import Fetcher
from core.fetching.fetcher import IN_MEMORY

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 100
LIMIT = 4 * IN_MEMORY

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Site:
    """A server that answers everything in one way and remembers what it was asked."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.asked: list[web.Request] = []
        self.address = ""

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        assert isinstance(request, web.BaseRequest)
        self.asked.append(request)  # type: ignore[arg-type]  # of a server without an application
        return await self._answer(request)  # type: ignore[arg-type]


@asynccontextmanager
async def serving(answer: Answer, host: str = "127.0.0.2") -> AsyncIterator[Site]:
    site = Site(answer)
    runner = web.ServerRunner(web.Server(site), shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, host, 0).start()
    site.address = f"http://{host}:{runner.addresses[0][1]}"
    try:
        yield site
    finally:
        await runner.cleanup()


def fetcher(**options: object) -> Fetcher:
    return Fetcher(**{"allowed": lambda host: host == "127.0.0.2", **options})  # type: ignore[arg-type]


def sends(body: bytes, **headers: str) -> Answer:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body, headers={name.replace("_", "-"): value for name, value in headers.items()})

    return answer
