"""Several that run for as long as all of them can."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine


async def run_together(*runs: Coroutine[object, object, None]) -> None:
    """Runs all of them until the first fails, whose error is raised as it is, or until cancelled; then none is left
    running."""
    tasks = [asyncio.create_task(run) for run in runs]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
