"""One person writes 10,000 messages, a thousand at a time, and 100 others one each meanwhile: how much longer these
wait for the request to the upstream than they would alone, and what the flood leaves in memory.

Twice: with a limit, which refuses all but ten messages, and without any, so that all of them wait for an answer.
Recording, scheduling, signs and answering are the program's own; the platform and the upstream are in memory, and the
upstream takes its time."""

from __future__ import annotations

import asyncio
import gc
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, func, select

import migrations
from benchmarks.database import postgresql
from benchmarks.report import Figure
from core.database import opened, parse, transaction
from core.model import Done, Event, Message, Prompt, Text, ThreadId
from core.pace import Pacer
from core.settings import Access
from core.statements import REFUSAL, TURN
from core.store import Store
from core.waiting import WaitingSigns
from tests.fakes import FakeUpstream, SigningBridge
from tests.local import LocalRelay
from tests.messages import message

FLOOD, OTHERS = 10_000, 100
EVERY = 0.05
"""Seconds between two of the others."""
AT_ONCE = 1_000
"""Messages of the flood. The others begin when so many are on record, and what grows from then on is the memory of the
rest."""
THINKS = 0.05
"""Seconds of the upstream before an answer."""
LIMIT_PACE = 3.0
LIMIT_KB = 2.0
"""For each message of the flood, once all are on record."""


class _Thinking(FakeUpstream):
    """Notes when it is asked what."""

    def __init__(self) -> None:
        super().__init__()
        self.at: defaultdict[str, asyncio.Future[float]] = defaultdict(asyncio.get_running_loop().create_future)

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Event, None]:
        if not self.at[prompt.text].done():
            self.at[prompt.text].set_result(time.perf_counter())
        await asyncio.sleep(THINKS)
        yield Text("x")
        yield Done()


@dataclass(frozen=True, slots=True)
class _Run:
    """What the others waited, in seconds, and what grew meanwhile, in bytes."""

    waits: list[float]
    grown: int
    took: float
    lost: int


@asynccontextmanager
async def _relay(url: URL, access: Access, upstream: FakeUpstream) -> AsyncIterator[LocalRelay]:
    bridge = SigningBridge()
    async with opened(url) as engine:
        signs = WaitingSigns(engine, {"fake": bridge}, {"fake": Pacer(bridge.pace)}, ("fake",))
        relay = LocalRelay(Store(engine), bridge, upstream, access=access, observe=signs.observe)
        async with signs.showing():
            try:
                yield relay
            finally:
                await relay.stop(0.0)


async def _others(relay: LocalRelay, upstream: _Thinking) -> list[float]:
    waits: list[float] = []

    async def say(one: Message) -> None:
        began = time.perf_counter()
        await relay.accept(one)
        waits.append(await upstream.at[one.text] - began)

    async with asyncio.TaskGroup() as group:
        for number in range(OTHERS):
            name = f"other {number} {time.perf_counter_ns()}"
            group.create_task(say(message(name, author=name, thread=ThreadId(f"fake:{name}"))))
            await asyncio.sleep(EVERY)
    return waits


async def _flooded(url: URL, access: Access) -> _Run:
    upstream = _Thinking()
    async with _relay(url, access, upstream) as relay:
        await _others(relay, upstream)  # so that what is built once is built
        await relay.idle()

        async def flood(count: int) -> None:
            for _ in range(count // AT_ONCE):
                await asyncio.gather(*(relay.accept(_of_the_flood()) for _ in range(AT_ONCE)))

        began = time.perf_counter()
        await flood(AT_ONCE)
        before = _resident()
        rest = asyncio.create_task(flood(FLOOD - AT_ONCE))
        waits = await _others(relay, upstream)
        await rest
        took = time.perf_counter() - began
        grown = _resident() - before
    async with opened(url) as engine, transaction(engine) as connection:
        kept = 0
        for table in (TURN, REFUSAL):
            its = select(func.count()).where(table.c.author == "flood")
            if table is TURN:
                its = its.where(TURN.c.command == "")
            kept += (await connection.execute(its)).scalar_one()
    return _Run(waits, grown, took, FLOOD - kept)


def _of_the_flood() -> Message:
    return message("flood", author="flood", thread=ThreadId("fake:flood"))


async def _alone(url: URL, access: Access) -> list[float]:
    upstream = _Thinking()
    async with _relay(url, access, upstream) as relay:
        await _others(relay, upstream)
        return await _others(relay, upstream)


def _resident() -> int:
    """Bytes of this process that are in memory."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


async def measure() -> list[Figure]:
    figures = []
    limited, free = Access(policy="open", turns_per_minute=10), Access(policy="open")
    for what, access in (("refused but for ten", limited), ("all of it waiting", free)):
        with tempfile.TemporaryDirectory() as folder:
            url = parse(f"sqlite:///{folder}/bench.db")
            migrations.upgrade(url)
            figures += await _measure("SQLite", url, what, access)
        with postgresql() as url:
            figures += await _measure("PostgreSQL", url, what, access)
    return figures


async def _measure(name: str, url: URL, what: str, access: Access) -> list[Figure]:
    alone, run = await _alone(url, access), await _flooded(url, access)
    if run.lost:
        raise RuntimeError(f"{run.lost} messages of the flood are not on record")
    late, usual = statistics.quantiles(run.waits, n=20)[-1], statistics.quantiles(alone, n=20)[-1]
    each = run.grown / (FLOOD - AT_ONCE) / 1024
    return [
        Figure(
            f"others during a flood of {FLOOD:,}, {what}, {name}",
            f"p50 {statistics.median(run.waits) * 1000:.0f} ms, p95 {late * 1000:.0f} ms; alone p50 "
            f"{statistics.median(alone) * 1000:.0f} ms, p95 {usual * 1000:.0f} ms; the flood took {run.took:.0f} s",
            late / usual,
            LIMIT_PACE,
        ),
        Figure(
            f"memory for each message of that flood, {name}",
            f"{run.grown / 2**20:.1f} MB in all",
            max(0.0, each),
            LIMIT_KB,
        ),
    ]
