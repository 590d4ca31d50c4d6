from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import aiohttp
import pytest
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine

from bridges.endpoints import Endpoints, Handler
from bridges.settings import WebSettings
from bridges.web import WebBridge
from console.health import Report
from console.metrics import Metrics
from console.server import serving
from core.bridge import Recent
from core.database import opened
from core.errors import DatabaseError
from core.model import Message, MessageId
from core.settings import Http
from tests.web import ANN, BOB, WebClient

SITE = "https://www.example.org"
SETTINGS = WebSettings.model_validate({"clients": {"ann": {"token": ANN}, "bob": {"token": BOB}}, "origins": [SITE]})


@dataclass(kw_only=True)
class Web(WebClient):
    """A bridge that listens, and what it hears, behind an HTTP server of its own."""

    bridge: WebBridge
    heard: list[Message] = field(default_factory=list)
    refuses: bool = False
    """The database takes nothing."""

    async def accept(self, message: Message) -> None:
        if self.refuses:
            raise DatabaseError
        self.heard.append(message)


@pytest.fixture
async def engine(url: URL) -> AsyncIterator[AsyncEngine]:
    async with opened(url) as engine:
        yield engine


async def _report() -> Report:
    return Report(None)


class _Endpoints(Endpoints):
    def __init__(self) -> None:
        super().__init__()
        self.served = asyncio.Event()

    @contextmanager
    def serve(self, path: str, handler: Handler) -> Iterator[None]:
        with super().serve(path, handler):
            self.served.set()
            yield


@asynccontextmanager
async def standing(
    engine: AsyncEngine, recorded: frozenset[MessageId] = frozenset(), choices: tuple[str, ...] = ()
) -> AsyncIterator[Web]:
    """`recorded`: what is on record already; `choices`: the names that `use` takes."""
    endpoints = _Endpoints()

    async def recollect() -> Recent:
        return Recent(timedelta(minutes=15), (), recorded)

    async with (
        serving(Http(port=0), platforms=endpoints.dispatch, report=_report, metrics=Metrics(())) as (host, port),
        aiohttp.ClientSession() as session,
        WebBridge(SETTINGS, engine=engine, endpoints=endpoints, choices=choices) as bridge,
    ):
        web = Web(address=f"http://{host}:{port}", session=session, bridge=bridge)
        listening = asyncio.create_task(bridge.listen(web.accept, recollect))
        try:
            async with asyncio.timeout(20):
                await endpoints.served.wait()
            yield web
            assert not listening.done() or listening.result(), "the bridge has stopped listening"
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


@pytest.fixture
async def web(engine: AsyncEngine) -> AsyncIterator[Web]:
    async with standing(engine) as web:
        yield web
