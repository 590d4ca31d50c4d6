"""All checks at once, each bounded in time, and told in their order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from bridges.doctor.finding import Check, Finding, failed

Told = Callable[[int, Finding], None]


async def examine(checks: Sequence[Check], within: float, told: Told) -> tuple[Finding, ...]:
    """What each check found, in their order. `told` hears of each, with its position, as soon as it is known."""
    found: dict[int, Finding] = {}

    async def one(position: int, check: Check) -> None:
        found[position] = await _finding(check, within)
        told(position, found[position])

    async with asyncio.TaskGroup() as group:
        for position, check in enumerate(checks):
            group.create_task(one(position, check))
    return tuple(found[position] for position in range(len(checks)))


async def _finding(check: Check, within: float) -> Finding:
    try:
        async with asyncio.timeout(within):
            return await check.look()
    except TimeoutError:
        return failed(
            f"no answer within {within:g} seconds",
            "The server hangs, or the network between swallows what is sent: look at both.",
        )
    except Exception as error:
        # one check that cannot cope with an answer must not hide what the others found
        return failed(
            f"it said something that cannot be understood ({type(error).__name__})",
            "Check that the configured address is the right one.",
        )
