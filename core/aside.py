"""Tasks that go on beside the work: nobody waits for them until the work is over."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


class Aside:
    """Holds its tasks, which would be collected in the middle of what they do otherwise."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def begin(self, work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        return self.hold(asyncio.create_task(work))

    def hold(self, task: asyncio.Task[Result]) -> asyncio.Task[Result]:
        """One that somebody else began."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def end(self, within: float) -> None:
        """Cancels those that have not ended by themselves within so many seconds. None is running afterwards."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within)
        left = list(self._tasks)  # what those began meanwhile, too
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
