"""What `benchmarks.lag` measures, in simulated time: the same libraries, sockets and limits, but a clock that stands
still while anything is being done. So the figures are those of the pacing alone, the same on every machine."""

from __future__ import annotations

import asyncio
import time
from unittest.mock import patch

from benchmarks.lag import LIMIT, REPLIES, Seen, figure, run
from benchmarks.report import Figure
from tests import virtual_time

NAMES = ("Slack", "Discord", "Telegram")
IN_FLIGHT = 0.002
"""Real seconds after which nothing is on its way any more between two sockets of one process."""


def measure() -> list[Figure]:
    figures = [_simulated(name, replies) for replies in REPLIES for name in NAMES]
    # where there are not as many edits as replies, there is no optimum to compare with
    return [found for found in figures if found.limit == LIMIT]


def _simulated(name: str, replies: int) -> Figure:
    async def main() -> tuple[list[Seen], int, float | None]:
        clock, epoch = asyncio.get_running_loop().time, time.time()
        with patch("time.monotonic", clock), patch("time.time", lambda: epoch + clock()):  # the stand-ins look at both
            return await run(name, replies)

    found = virtual_time.run(main(), sockets=True, in_flight=IN_FLIGHT)
    return figure(f"pacing in simulated time, {name}", *found, costs=False)
