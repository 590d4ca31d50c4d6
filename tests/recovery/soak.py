"""A soak with faults: many people write in many threads of three platforms and of the web while platforms refuse and
hang up, upstreams break off, messages are delivered twice, programs are killed and the database goes away. In the end
nothing is lost, nothing is there twice, every thread is in order, and memory has stayed flat.

    python -m tests.recovery.soak --seconds 300 --threads 200 --seed 1 --workers 2

The seed gives the plan (`tests.recovery.plan`); exit code 1 comes with it and with everything that is wrong. An answer
that the upstream breaks off may end as a failure that the person sees; such turns are counted, and there are never more
of them than faults of the upstream.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import psycopg
from sqlalchemy import URL
from sqlalchemy.exc import SQLAlchemyError

from core.database import parse
from core.tables import OPEN
from tests.cut import shut
from tests.postgresql import copied, postgresql_server
from tests.program import Program, World, world
from tests.recovery.crowd import Answers, Thread, answers, crowd, seconds_to_answer
from tests.recovery.plan import Break, Disconnect, Kill, Outage, Redeliver, Say, Step, plan
from tests.recovery.site import Role, Site
from tests.visitors import SECTION, Visitors

WORDS_PER_SECOND = 40
SETTLING = 240.0
"""Seconds after the last step within which every turn has to end."""
LOOK = 0.5
"""Seconds between two looks at the record."""
GROWTH, LEEWAY = 1.15, 10 * 2**20
"""How much more memory the last third of a program's life may need than the one before: this factor, and bytes."""
LIFE = 60
"""Samples of memory, one a second, without which nothing is said of a program: its beginning needs ever more."""


@dataclass
class Report:
    """What happened, for people, and what is wrong."""

    seed: int
    counts: Counter[str] = field(default_factory=Counter)
    to_answer: list[float] = field(default_factory=list)
    takeovers: list[float] = field(default_factory=list)
    """Seconds from a kill until another program had the turn."""
    memory: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    """Bytes, by role and process."""
    wrong: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        lines = [f"seed {self.seed}"]
        lines += [f"  {name}: {count}" for name, count in sorted(self.counts.items())]
        lines.append(f"  seconds to the whole answer: {_spread(self.to_answer)}")
        lines.append(f"  seconds from a kill to the next runner: {_spread(self.takeovers)}")
        for name, samples in self.memory.items():
            if len(samples) >= LIFE:
                _, middle, last = _thirds(samples)
                lines.append(f"  memory of {name}: {middle / 2**20:.0f} MB, then {last / 2**20:.0f} MB")
        return lines + [f"WRONG: {one}" for one in self.wrong]


def _spread(values: Sequence[float]) -> str:
    if not values:
        return "none"
    ordered = sorted(values)
    at = [ordered[int(len(ordered) * part)] for part in (0.5, 0.95)]
    return f"p50 {at[0]:.1f}, p95 {at[1]:.1f}, longest {ordered[-1]:.1f} ({len(ordered)} of them)"


def _thirds(samples: Sequence[int]) -> list[float]:
    third = len(samples) // 3
    return [statistics.median(samples[place * third : (place + 1) * third]) for place in range(3)]


def _resident(process: int) -> int | None:
    """Bytes of memory; None if it has ended."""
    try:
        pages = Path(f"/proc/{process}/statm").read_text("ascii").split()[1]
    except OSError:
        return None
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


@dataclass
class Soak:
    world: World
    site: Site
    visitors: Visitors
    url: URL
    threads: list[Thread]
    report: Report

    async def run(self, steps: Sequence[Step]) -> None:
        await self.site.ready()
        async with asyncio.TaskGroup() as tasks:
            watching = [tasks.create_task(self._watch_memory()), tasks.create_task(self._keep())]
            began = asyncio.get_running_loop().time()
            async with asyncio.TaskGroup() as doing:
                for step in steps:
                    await asyncio.sleep(step.at - (asyncio.get_running_loop().time() - began))
                    doing.create_task(self._do(step))
            found = await self._settled()
            await self.visitors.agree()
            for task in watching:
                task.cancel()
        self._judge(found)
        for program in self.site.programs:
            if (code := await program.stop()) != 0:
                self._ended(program, code)
            self._read(program)

    # --- doing ------------------------------------------------------------------------------------------------------

    async def _do(self, step: Step) -> None:
        match step:
            case Say():
                await self.threads[step.thread].say(step)
                self._count("messages")
            case Break(_, source, fault):
                stand_in = self.world.upstream if source == "upstream" else self.world.platforms[source]
                stand_in.faults.add(replace(fault))
                status = f" {fault.status}" if fault.kind == "status" else ""
                self._count(f"fault: {source} {fault.kind}{status}", fault.times)
            case Redeliver(_, thread):
                await self.threads[thread].deliver_again()
                self._count("redeliveries")
            case Disconnect():
                self._disconnect(step)
                self._count(f"connections of {step.platform} dropped")
            case Kill(_, victim):
                await self._kill(self.site.programs[victim])
            case Outage(_, seconds):
                with shut(self.url):
                    await asyncio.sleep(seconds)
                self._count("outages of the database")

    def _count(self, what: str, times: int = 1) -> None:
        self.report.counts[what] += times

    def _disconnect(self, step: Disconnect) -> None:
        match step.platform:
            case "slack":
                self.world.slack.drop_connections()
            case "discord" if step.forgets:
                self.world.discord.expire_sessions()
            case "discord":
                self.world.discord.drop_connections()
            case "web":
                self.visitors.drop_connections()
            case _:
                self.world.telegram.drop_connections()

    async def _kill(self, victim: Program) -> None:
        if not victim.running:
            return  # the one before has only just been killed
        role = victim.arguments[0]
        before = await self._look() if role == "work" else {}
        at = asyncio.get_running_loop().time()
        victim.send(signal.SIGKILL)
        self._count(f"kills of {role}")
        waiting = {key: turn for key, turn in before.items() if turn.state == "running"}
        while waiting and asyncio.get_running_loop().time() < at + SETTLING:
            await asyncio.sleep(LOOK / 2)
            now = await self._look()
            for key, turn in list(waiting.items()):
                if key in now and now[key].attempt > turn.attempt:
                    self.report.takeovers.append(asyncio.get_running_loop().time() - at)
                    del waiting[key]
                elif key in now and now[key].state not in OPEN:
                    del waiting[key]  # another worker had it

    # --- looking ----------------------------------------------------------------------------------------------------

    async def _look(self) -> Answers:
        """The record; empty while the database is away."""
        with contextlib.suppress(SQLAlchemyError):
            return await asyncio.to_thread(answers, self.url)
        return {}

    async def _settled(self) -> Answers:
        """Waits until everything has an end."""
        wanted = {(thread.platform, asked.message) for thread in self.threads for asked in thread.asked}
        until = asyncio.get_running_loop().time() + SETTLING
        while True:
            found = await self._look()
            ended = {key for key, turn in found.items() if turn.state not in OPEN}
            if wanted <= ended or asyncio.get_running_loop().time() > until:
                return found
            await asyncio.sleep(LOOK)

    async def _keep(self) -> None:
        """Starts again whatever has ended, as a process manager does. To end by itself is wrong, unless the database
        was away just when it began."""
        while True:
            for program in [one for one in self.site.programs if not one.running]:
                code = await program.ended()
                self._read(program)
                if code == 1 and not any("HTTP on" in line for line in program.log):
                    self._count("starts without the database")
                elif code != -signal.SIGKILL:
                    self._ended(program, code)
                await self.site.replace(program)
            await asyncio.sleep(LOOK)

    def _ended(self, program: Program, code: int) -> None:
        self.report.wrong.append(f"{program.arguments[0]} ended with {code}:\n" + "\n".join(program.log[-15:]))

    async def _watch_memory(self) -> None:
        while True:
            for program in self.site.programs:
                if (resident := _resident(program.pid)) is not None:
                    self.report.memory[f"{program.arguments[0]} {program.pid}"].append(resident)
            await asyncio.sleep(1.0)

    # --- judging ----------------------------------------------------------------------------------------------------

    def _judge(self, found: Answers) -> None:
        report = self.report
        said = sum(len(thread.asked) for thread in self.threads)
        states = Counter(turn.state for turn in found.values())
        for state, count in states.items():
            self._count(f"turns {state}", count)
        self._count("replies on the platforms", sum(len(thread.shown) for thread in self.threads))
        report.to_answer = seconds_to_answer(self.threads, found)
        for thread in self.threads:
            report.wrong += thread.wrong(found)
        if len(found) != said:
            report.wrong.append(f"{said} messages were said, and {len(found)} turns are on record")
        planned = sum(count for name, count in report.counts.items() if name.startswith("fault: upstream"))
        struck = planned - sum(fault.times for fault in self.world.upstream.faults.waiting)
        if states["failed"] > struck:
            report.wrong.append(f"{states['failed']} turns failed, and the upstream only {struck} times")
        for error, count in Counter(turn.error for turn in found.values() if turn.state == "failed").items():
            self._count(f"told to people: {error}", count)
        for name, samples in report.memory.items():
            if len(samples) >= LIFE and (thirds := _thirds(samples))[2] > thirds[1] * GROWTH + LEEWAY:
                report.wrong.append(f"the memory of {name} grew from {thirds[1]:,.0f} to {thirds[2]:,.0f} bytes")

    def _read(self, program: Program) -> None:
        """What its log must not have."""
        log = "\n".join(program.log)
        if "Traceback" in log:
            place = log.index("Traceback")
            self.report.wrong.append(f"{program.arguments[0]} met with a fault:\n{log[place - 500 : place + 3000]}")


async def soak(server: str, *, seconds: float, threads: int, seed: int, workers: int) -> Report:
    """One run, on a database of its own of a PostgreSQL server."""
    address = copied(server, f"soak_{time.time_ns()}")
    report = Report(seed)
    with tempfile.TemporaryDirectory(prefix="tb-soak-") as folder:
        async with world(speed=WORDS_PER_SECOND) as standing:
            standing.slack.courier.retry_delays = (0.5,) * 600
            people = crowd(standing, threads)
            config = standing.config(Path(folder), "goapi", database=address, extra=SECTION)
            work: tuple[Role, ...] = ("work",)
            async with (
                Site(standing, config, ("listen", *work * workers)) as site,
                Visitors(site.first) as visitors,
            ):
                standing.web = visitors
                steps = plan(seed, seconds=seconds, threads=threads, programs=1 + workers)
                await Soak(standing, site, visitors, parse(address), people, report).run(steps)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {parse(address).database} WITH (FORCE)")
    return report


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.recovery.soak", description="A soak with faults.")
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--threads", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2, help="at least 2: most kills leave the first one alone")
    chosen = parser.parse_args()
    if chosen.workers < 2:
        parser.error("there have to be 2 workers at least")
    # The stand-ins' server tells of every client that dies in the middle of a call: many do here.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    with postgresql_server() as server:
        report = asyncio.run(
            soak(server, seconds=chosen.seconds, threads=chosen.threads, seed=chosen.seed, workers=chosen.workers)
        )
    sys.stdout.write("\n".join(report.lines()) + "\n")
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
