"""The whole program as people run it, in a process of its own with its database, while fifty replies grow at once on
Discord: its processor time for each token of the upstream, from the question to the last edit, and its memory.

The best of others on a comparable site took 573 µs for each token, and 124 MB. These are figures of two machines, so
the ratio says no more than that."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from benchmarks.report import Figure
from core.controls import LABELS, Control
from sandbox.stand_in import StandIn
from tests.program import WITHIN, Program, world

REPLIES, WORDS, PER_SECOND = 50, 600, 40.0
OTHERS, OTHERS_MEMORY = 573e-6, 124.0


async def measure() -> list[Figure]:
    async with world(speed=PER_SECOND) as standing:
        discord = standing.discord
        places = [discord.new_channel(f"bench-{number}") for number in range(REPLIES)]
        with tempfile.TemporaryDirectory() as folder:
            config = standing.config(Path(folder), "openai")
            async with Program(("run", "--config", str(config))) as program:
                await standing.listening(program)
                before = _spent(program.pid)
                for place in places:
                    await discord.say(place, f"@bot long {WORDS}")
                await discord.feed.until(lambda: all(_is_answered(discord, place) for place in places), within=WITHIN)
                spent, resident = _spent(program.pid) - before, _resident(program.pid)
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
        ),
    ]


def _is_answered(discord: StandIn, place: str) -> bool:
    return any(LABELS[Control.RETRY] in label for view in discord.view(place) for label in view.buttons)


def _spent(process: int) -> float:
    """Seconds of the processor."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident(process: int) -> float:
    """Megabytes."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
