"""What goes on beside the work ends with it."""

from __future__ import annotations

import asyncio

from core.aside import Aside
from tests.virtual_time import in_virtual_time


async def _long() -> None:
    await asyncio.sleep(1_000)


@in_virtual_time
async def test_none_is_running_after_the_end() -> None:
    aside = Aside()
    ended: list[str] = []

    async def brief() -> None:
        await asyncio.sleep(0)
        ended.append("brief")
        aside.begin(late())

    async def late() -> None:
        try:
            await _long()
        finally:
            ended.append("late")

    aside.begin(brief())
    held = aside.hold(asyncio.create_task(_long()))
    await aside.end(within=1.0)
    assert held.cancelled()
    assert ended == ["brief", "late"]


@in_virtual_time
async def test_nobody_is_waited_for_where_there_is_nobody() -> None:
    await Aside().end(within=1_000)
