"""The time between a message's arrival and the request to the upstream, against one bare commit to the same database.

Arrival is the call of `accept`; the request is the moment at which the upstream is asked. Between them a turn is
recorded, claimed, and given its conversation and what was said before."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import AsyncGenerator

from sqlalchemy import URL, text

import migrations
from benchmarks.database import postgresql
from benchmarks.report import Figure
from core.database import opened, parse
from core.model import Done, Event, Prompt, Text, ThreadId
from core.store import Store
from tests.fakes import FakeBridge, FakeUpstream
from tests.local import LocalRelay
from tests.messages import message

ROUNDS = 300
LIMIT = 10.0
"""Bare commits."""


class _Asked(FakeUpstream):
    """Notes when it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.at: list[float] = []

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Event, None]:
        self.at.append(time.perf_counter())
        yield Text("x")
        yield Done()


async def measure() -> list[Figure]:
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        figures.append(await _measure("SQLite", parse(f"sqlite:///{folder}/bench.db")))
    with postgresql() as url:
        figures.append(await _measure("PostgreSQL", url))
    return figures


async def _measure(name: str, url: URL) -> Figure:
    migrations.upgrade(url)
    bridge, upstream = FakeBridge(), _Asked()
    added: list[float] = []
    bare: list[float] = []
    async with opened(url) as engine:
        async with engine.begin() as connection:
            await connection.execute(text("CREATE TABLE bare (n INTEGER)"))
        relay = LocalRelay(Store(engine), bridge, upstream)
        for number in range(ROUNDS):
            began = time.perf_counter()
            async with engine.begin() as connection:
                await connection.execute(text("INSERT INTO bare VALUES (:n)"), {"n": number})
            bare.append(time.perf_counter() - began)
            began = time.perf_counter()
            await relay.accept(message(thread=ThreadId(f"fake:{number % 10}")))
            await relay.idle()
            added.append(upstream.at[-1] - began)
        await relay.stop()
    middle, slow = statistics.median(added), statistics.quantiles(added, n=20)[-1]
    return Figure(
        f"arrival to upstream request, {name}",
        f"p50 {middle * 1000:.1f} ms, p95 {slow * 1000:.1f} ms; a bare commit {statistics.median(bare) * 1000:.1f} ms",
        middle / statistics.median(bare),
        LIMIT,
    )
