"""The console on a socket, over a real database: what tests and a browser talk to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from aiohttp import web
from pydantic import SecretStr
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from console.desk import Desk
from console.health import Delivery, Listener, Report
from console.metrics import Metrics
from console.server import serving
from core.backlog import Open
from core.banning import Bans
from core.database import opened, reading
from core.model import ThreadId
from core.operating import Operating
from core.pairing import Register
from core.reading import Reading
from core.settings import Http
from core.tables import Turn
from core.usage import usage

TOKEN = "sandbox-admin-token"


class Told:
    """A scheduler that runs nothing, and keeps what it is told."""

    def __init__(self) -> None:
        self.woken: list[str] = []
        self.stopped: list[int] = []

    async def enlist(self, connection: AsyncConnection, thread: ThreadId) -> None:
        """Nothing to do."""

    def wake(self, thread: ThreadId, turn: Turn | None = None) -> None:
        self.woken.append(thread)

    def stop_turn(self, turn: int) -> None:
        self.stopped.append(turn)


@dataclass
class Standing:
    address: str
    engine: AsyncEngine
    told: Told
    texts: dict[int, str]
    """What answers are so far, by turn."""
    desk: Desk


async def _report() -> Report:
    return Report(
        None,
        {
            "slack": Listener(None, 3.0, 41.0),
            "discord": Listener("no sign of life for 27 s; it may be deaf", 27.0, None),
        },
        {"slack": Delivery(None, 12.0, Open(1, 1, 4.0)), "discord": Delivery(None, None, Open())},
    )


async def _nobody(_: web.Request) -> web.StreamResponse:
    raise web.HTTPNotFound


@asynccontextmanager
async def standing(url: URL, token: str = TOKEN) -> AsyncIterator[Standing]:
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(opened(url))
        looking = await stack.enter_async_context(reading(url))
        told, texts = Told(), dict[int, str]()
        desk = Desk(
            Reading(looking),
            Operating(engine, told),
            Register(engine),
            Bans(engine),
            partial(usage, looking),
            _report,
            texts.get,
            bridges=("slack", "discord"),
            upstreams=("main", "second"),
        )
        settings = Http(port=0, admin_token=SecretStr(token))
        server = serving(settings, platforms=_nobody, report=_report, metrics=Metrics(()), desk=desk)
        host, port = await stack.enter_async_context(server)
        yield Standing(f"http://{host}:{port}", engine, told, texts, desk)


def bearer(token: str = TOKEN) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {token}"}
