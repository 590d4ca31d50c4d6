"""The whole program as people run it for a Discord server: a process of its own with its database, while fifty replies
grow at once. Its processor time for each token of the upstream, from the question to the last edit, and its memory.

The best of others on a comparable site took 573 µs for each token, and 124 MB. These are figures of two machines, so
the ratio says no more than that."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.report import Figure
from core.controls import LABELS, Control
from sandbox.stand_in import StandIn
from tests.program import WITHIN, world

REPLIES, WORDS, PER_SECOND = 50, 600, 40.0
OTHERS, OTHERS_MEMORY = 573e-6, 124.0
_ELSEWHERE = re.compile(r"\[\w+\.(slack|telegram)\][^\[]*")


async def measure() -> list[Figure]:
    async with world(speed=PER_SECOND) as standing:
        discord = standing.discord
        places = [discord.new_channel(f"bench-{number}") for number in range(REPLIES)]
        with tempfile.TemporaryDirectory() as folder:
            config = standing.config(Path(folder), "openai")
            config.write_text(_ELSEWHERE.sub("", config.read_text("utf-8")), "utf-8")
            async with _running(config, "db", "upgrade"):
                pass
            async with _running(config, "run") as process:
                before = _spent(process)
                for place in places:
                    await discord.say(place, f"@bot long {WORDS}")
                await discord.feed.until(lambda: all(_is_answered(discord, place) for place in places), within=WITHIN)
                spent, resident = _spent(process) - before, _resident(process)
    each = spent / (REPLIES * WORDS)
    return [
        Figure(
            f"CPU of the whole program for each token, {REPLIES} replies at once, against the best of others",
            f"{each * 1e6:.0f} µs against {OTHERS * 1e6:.0f} µs",
            each / OTHERS,
            1.0,
        ),
        Figure(
            "memory of the whole program then, against the best of others",
            f"{resident:.0f} MB against {OTHERS_MEMORY:.0f} MB",
            resident / OTHERS_MEMORY,
            1.0,
        ),
    ]


@asynccontextmanager
async def _running(config: Path, *command: str) -> AsyncIterator[int]:
    """Started as by hand, so that its memory is its own; gives its process once it hears Discord, or has ended."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bridges.cli", *command, "--config", str(config)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    async for line in process.stdout:
        if b"connected to Discord" in line:
            break
    reading = asyncio.create_task(process.stdout.read())
    try:
        yield process.pid
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        await reading


def _is_answered(discord: StandIn, place: str) -> bool:
    return any(LABELS[Control.RETRY] in label for view in discord.view(place) for label in view.buttons)


def _spent(process: int) -> float:
    """Seconds of the processor."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident(process: int) -> float:
    """Megabytes."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
