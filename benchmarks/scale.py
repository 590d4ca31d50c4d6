"""How many live replies one process holds: each reads its own stream of 30 events a second from a server in another
process and is painted about once a second, onto a platform that costs nothing. What is measured is all that is ours
between the socket and the platform's library, as the program runs it: reading, decoding, splitting, closing, pacing.

The text of each tenth event is the moment at which it was sent, so that its lag is known when it is shown."""

from __future__ import annotations

import asyncio
import bisect
import json
import os
import re
import time
from array import array
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from pydantic import SecretStr

from benchmarks.report import Figure
from benchmarks.source import RATE, STAMPED, Source, source
from bridges.garbage import look_seldom
from core.live import LiveReply
from core.model import MessageId, Prompt, Replace, Text, ThreadId
from core.observing import unwatched
from core.pace import Budget, Pace, Pacer
from core.settings import OpenAi
from core.upstream import Upstream
from core.upstream.build import build
from tests.ledger import Ledger

FEW, MANY = 10, (100, 200, 400, 1_000)
SECONDS, BEGINNING = 30.0, 15.0
LIMIT_LAG, LIMIT_BARE, LIMIT_MEMORY = 1.5, 0.34, 40.0
READERS = 200

_STAMP = re.compile(r"\d+\.\d{4}")


class _Surface:
    """A message of a platform without any cost. Remembers how long its text was when."""

    def __init__(self) -> None:
        self.message: MessageId | None = None
        self.shown: str | None = None
        self.lengths, self.times = array("l"), array("d")  # small beside what is measured

    async def show(self, text: str, *, final: bool) -> None:
        self.message, self.shown = MessageId("m"), text
        self.lengths.append(len(text))
        self.times.append(time.monotonic())


class _Platform:
    name = "nothing"
    pace = Pace(lambda thread, call: (Budget(f"{call} {thread}", calls=10, seconds=10.0),))

    def __init__(self) -> None:
        self.surfaces: list[_Surface] = []

    def fits(self, text: str) -> bool:
        return len(text) <= 2_000

    def open(self, thread: ThreadId, key: str, message: object = None, *, reply_to: object = None) -> _Surface:
        self.surfaces.append(_Surface())
        return self.surfaces[-1]

    @asynccontextmanager
    async def typing(self, thread: ThreadId, may: object) -> AsyncIterator[None]:
        yield

    async def find(self, thread: ThreadId, key: str) -> None:
        return None

    def lags(self) -> list[float]:
        """Of every event that was shown."""
        found = []
        for surface in self.surfaces:
            for stamp in _STAMP.finditer(surface.shown or ""):
                index = bisect.bisect_left(surface.lengths, stamp.end())
                if index < len(surface.lengths):
                    found.append(surface.times[index] - float(stamp[0]))
        return sorted(found)


@dataclass(frozen=True, slots=True)
class _Held:
    late: float
    """The lag that 95 of 100 events keep below."""
    spent: float
    """CPU seconds for each event."""
    source: float
    """The part of a core that the other process took while all were live."""
    resident: float
    """Bytes of this process while all were live."""


def _resident() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def _hold(upstream: Upstream, server: Source, replies: int) -> _Held:
    platform: Any = _Platform()
    pacer = Pacer(platform.pace)
    watch = unwatched()  # the program has each turn from its record
    events = 0

    async def answer(number: int) -> None:
        nonlocal events
        await asyncio.sleep(BEGINNING * number / replies)  # not all in one moment
        live = LiveReply(platform, pacer, ThreadId(f"n:{number}"), Ledger(), reply_to=None, watch=watch)
        async with live.painting() as reply:
            async for event in upstream.stream(Prompt("go", "u")):
                match event:
                    case Text(delta):
                        reply.append(delta)
                    case Replace(text):
                        reply.replace(text)
                    case _:
                        pass
            await reply.finish()
            events += STAMPED * len(_STAMP.findall(reply.text))

    began = time.process_time()
    answers = [asyncio.create_task(answer(number)) for number in range(replies)]
    await asyncio.sleep(BEGINNING)
    taken, at = server.spent(), time.monotonic()
    await asyncio.sleep((SECONDS - BEGINNING) / 2)
    resident = _resident()
    taken = (server.spent() - taken) / (time.monotonic() - at)
    await asyncio.gather(*answers)
    spent = time.process_time() - began
    lags = platform.lags()
    return _Held(lags[int(len(lags) * 0.95)], spent / events, taken, resident)


async def _read(read: Callable[[], Awaitable[object]]) -> float:
    """CPU seconds for each event of many streams, while all of them are open."""
    tasks = [asyncio.ensure_future(read()) for _ in range(READERS)]
    await asyncio.sleep(SECONDS * 0.3)
    began, at = time.process_time(), time.monotonic()
    await asyncio.sleep(SECONDS * 0.5)
    spent, took = time.process_time() - began, time.monotonic() - at
    await asyncio.gather(*tasks)
    return spent / (READERS * RATE * took)


async def measure() -> list[Figure]:
    look_seldom()  # as the program does
    async with source() as server:
        address = f"{server.root}/{SECONDS:g}"
        section = OpenAi(kind="openai", base_url=address, api_key=SecretStr("k"), model="m")
        async with (
            build("main", section) as upstream,
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
        ):

            async def ours() -> None:
                async for _ in upstream.stream(Prompt("go", "u")):
                    pass

            async def bare() -> None:
                async with session.post(f"{address}/chat/completions", json={"stream": True}) as response:
                    async for line in response.content:
                        if line.startswith(b"data: {"):
                            json.loads(line[6:])["choices"][0]["delta"].get("content", "")

            mine, other = await _read(ours), await _read(bare)
            few = await _hold(upstream, server, FEW)
            before = _resident()
            figures = [
                Figure(
                    f"CPU per event of {READERS} steady streams, against a bare aiohttp reader",
                    f"ours {mine * 1e6:.1f} µs, bare {other * 1e6:.1f} µs",
                    mine / other,
                    LIMIT_BARE,
                )
            ]
            memory: Figure | None = None
            for replies in MANY:
                held = await _hold(upstream, server, replies)
                if held.late > LIMIT_LAG * few.late and memory is not None:
                    break  # the machine's limit is passed: more would only take long
                figures.append(
                    Figure(
                        f"{replies:,} live replies at {RATE:g} events a second, lag p95 against {FEW} of them",
                        f"{held.late:.2f} s against {few.late:.2f} s; {held.spent * 1e6:.0f} µs of CPU per event with "
                        f"painting; the source took {held.source:.2f} of a core",
                        held.late / few.late,
                        LIMIT_LAG,
                    )
                )
                each = (held.resident - before) / replies / 1024
                memory = Figure(f"memory per live reply, {replies:,} of them", f"{each:.0f} kB", each, LIMIT_MEMORY)
            assert memory is not None
    return [*figures, memory]
