"""Workers in processes of their own on one PostgreSQL: how soon a turn begins, how soon the next one, how soon after a
death, how many at once, and what a second worker adds.

Each worker writes a line when its upstream is asked and when it has answered, with the time of the system's clock,
which all processes share. `python -m benchmarks.workers URL` is one such process."""

from __future__ import annotations

import asyncio
import itertools
import signal
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import URL, text

from benchmarks.database import postgresql
from benchmarks.report import Figure
from core.answering import Assistant
from core.database import libpq, opened, parse
from core.inbox import Inbox
from core.lease import Lease, clock
from core.model import Done, Event, Prompt, Text, ThreadId
from core.queue import JobQueue
from core.relay import Relay, Route
from core.settings import Access, Relaying
from core.store import Store
from core.worker import Worker
from tests.fakes import FakeBridge, FakeUpstream
from tests.messages import message

ONE_BY_ONE, IN_A_ROW, AT_ONCE, HELD, SHORT = 150, 100, 48, 1000, 1500
FOREVER = "wait"
"""A prompt whose answer ends when the worker is told so."""


# --- one worker -------------------------------------------------------------------------------------------------------


class _Telling(FakeUpstream):
    def __init__(self) -> None:
        super().__init__()
        self.released = asyncio.Event()

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Event, None]:
        _tell("asked", prompt.text)
        yield Text("x")
        if prompt.text.startswith(FOREVER):
            await self.released.wait()
        _tell("ended", prompt.text)
        yield Done()


def _tell(what: str, prompt: str) -> None:
    sys.stdout.write(f"{what} {time.monotonic()} {prompt}\n")
    sys.stdout.flush()


async def work(url: URL) -> None:
    upstream, lease, settings, stop = _Telling(), Lease(), Relaying(), asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, upstream.released.set)
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    async with opened(url) as engine:
        routes = {"fake": Route(FakeBridge(), (Assistant(upstream, 20, 48_000),))}
        relay = Relay(Store(engine), routes, settings, held=lambda: lease.held(clock()))
        await Worker(url, relay, settings, lease).run(stop)


# --- what is measured -------------------------------------------------------------------------------------------------


@dataclass
class Process:
    process: asyncio.subprocess.Process
    reading: asyncio.Task[None]

    def peak(self) -> float:
        """Megabytes of memory at most so far."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024


@dataclass
class Site:
    url: URL
    inbox: Inbox
    asked: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    ended: dict[str, float] = field(default_factory=dict)
    told: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[Process]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "benchmarks.workers", libpq(self.url), stdout=asyncio.subprocess.PIPE
        )
        reading = asyncio.create_task(self._read(process))
        try:
            await self.begun()
            yield Process(process, reading)
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()
            await reading

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            what, at, prompt = line.decode().split(maxsplit=2)
            if what == "asked":
                self.asked[prompt.strip()].append(float(at))
            else:
                self.ended[prompt.strip()] = float(at)
            self.told.set()

    async def begun(self) -> None:
        """Until a worker that has just been started answers."""
        prompt = f"begin {time.monotonic()}"
        await self.say(prompt, "begin")
        await self.until(lambda: prompt in self.ended)

    async def say(self, prompt: str, thread: str) -> float:
        began = time.monotonic()
        await self.inbox.accept("fake", message(prompt, thread=ThreadId(f"fake:{thread}")))
        return began

    async def say_all(self, said: Iterable[tuple[str, str]]) -> None:
        """As fast as one listener can."""
        left = iter(said)

        async def one_after_the_other() -> None:
            for prompt, thread in left:
                await self.say(prompt, thread)

        await asyncio.gather(*(one_after_the_other() for _ in range(10)))

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(180):
            while not condition():
                self.told.clear()
                await self.told.wait()


async def measure() -> list[Figure]:
    with postgresql() as url:
        async with opened(url) as engine:
            inbox = Inbox(Store(engine), {"fake": Access(policy="open")}, Relaying(), JobQueue())
            site = Site(url, inbox)
            async with site.worker():
                figures = [await _arrival(site), await _next(site)]
            figures.append(await _held(site))
            async with engine.begin() as connection:
                await connection.execute(text("ANALYZE"))
            figures.append(await _second(site))
            figures.append(await _taken_over(site))
    return figures


async def _arrival(site: Site) -> Figure:
    added = []
    for number in range(ONE_BY_ONE):
        prompt = f"one {number}"
        began = await site.say(prompt, f"one-{number % 10}")
        await site.until(lambda prompt=prompt: prompt in site.ended)
        added.append(site.asked[prompt][0] - began)
    middle, slow = _spread(added)
    return Figure(
        "arrival to upstream request through the job queue, against 15 ms",
        f"p50 {middle * 1000:.1f} ms, p95 {slow * 1000:.1f} ms",
        middle / 0.015,
        1.0,
    )


async def _next(site: Site) -> Figure:
    prompts = [f"row {number}" for number in range(IN_A_ROW)]
    for prompt in prompts:
        await site.say(prompt, "row")
    await site.until(lambda: prompts[-1] in site.ended)
    gaps = [site.asked[after][0] - site.ended[before] for before, after in itertools.pairwise(prompts)]
    # where a turn was not waiting yet when the one before it ended, the message itself was late
    middle, slow = _spread(gaps[: IN_A_ROW // 2])
    return Figure(
        "end of a turn to the next one's request, p95 against 50 ms",
        f"p50 {middle * 1000:.1f} ms, p95 {slow * 1000:.1f} ms",
        slow / 0.05,
        1.0,
    )


async def _held(site: Site) -> Figure:
    async with site.worker() as worker:
        before = worker.peak()
        prompts = [f"{FOREVER} {number}" for number in range(HELD)]
        began = time.monotonic()
        await site.say_all((prompt, prompt) for prompt in prompts)
        await site.until(lambda: all(site.asked[prompt] for prompt in prompts))
        took, peak = time.monotonic() - began, worker.peak()
        await asyncio.sleep(10)  # two leases: it has to keep them all
        worker.process.send_signal(signal.SIGUSR1)
        await site.until(lambda: all(prompt in site.ended for prompt in prompts))
    once, each = sum(len(site.asked[prompt]) == 1 for prompt in prompts), (peak - before) * 1024 / HELD
    return Figure(
        f"turns that run at once in one worker, of {HELD}",
        f"{once} asked once, all running after {took:.1f} s, {peak:.0f} MB, {each:.0f} kB each",
        HELD / once,
        1.0,
    )


async def _second(site: Site) -> Figure:
    speeds = []
    for workers in (1, 2):
        prompts = [f"short {workers} {number}" for number in range(SHORT)]
        async with AsyncExitStack() as stack:
            for _ in range(workers):
                await stack.enter_async_context(site.worker())
            began = time.monotonic()
            await site.say_all((prompt, f"short-{number % 300}") for number, prompt in enumerate(prompts))
            await site.until(lambda prompts=prompts: all(prompt in site.ended for prompt in prompts))
            speeds.append(SHORT / (time.monotonic() - began))
    return Figure(
        "turns a second of one worker against two, listener and database on the same two cores",
        f"{speeds[0]:.0f} and {speeds[1]:.0f}",
        speeds[0] / speeds[1],
    )


async def _taken_over(site: Site) -> Figure:
    prompts = [f"{FOREVER} over {number}" for number in range(AT_ONCE)]
    async with site.worker() as first:
        await site.say_all((prompt, prompt) for prompt in prompts)
        await site.until(lambda: all(site.asked[prompt] for prompt in prompts))
        async with site.worker() as second:
            await asyncio.sleep(6)  # until it has had its lease long enough to call anybody dead
            killed = time.monotonic()
            first.process.kill()
            await site.until(lambda: all(len(site.asked[prompt]) > 1 for prompt in prompts))
            second.process.send_signal(signal.SIGUSR1)
            await site.until(lambda: all(prompt in site.ended for prompt in prompts))
    middle, slow = _spread([site.asked[prompt][1] - killed for prompt in prompts])
    return Figure(
        f"kill to the next request, {AT_ONCE} turns, p95 against 8 s",
        f"p50 {middle:.1f} s, p95 {slow:.1f} s",
        slow / 8,
        1.0,
    )


def _spread(times: list[float]) -> tuple[float, float]:
    return statistics.median(times), statistics.quantiles(times, n=20)[-1]


if __name__ == "__main__":
    asyncio.run(work(parse(sys.argv[1])))
