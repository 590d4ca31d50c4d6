"""The limits of Slack's methods, each with a budget of its own, in virtual time."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from itertools import pairwise

import pytest

from bridges.slack.pace import PACE
from bridges.slack.thread import Thread
from core.model import ThreadId
from core.pace import Call, Pacer
from sandbox.slack.limits import METHODS
from tests.virtual_time import run

PER_MINUTE: dict[Call, int] = {
    "edit": METHODS["chat.update"],
    "append": METHODS["chat.appendStream"],
    "close": METHODS["chat.stopStream"],
}


def thread(number: int) -> ThreadId:
    return Thread("T1", "C1", f"{number}.000001").id()


async def calls(pacer: Pacer, call: Call, replies: int, *, seconds: float) -> list[float]:
    """When so many replies of one workspace may call that never want to do anything else."""
    loop, made = asyncio.get_running_loop(), list[float]()

    async def one(number: int) -> None:
        while True:
            await pacer.leave(thread(number), call, urgent=False)
            made.append(loop.time())

    tasks = [asyncio.create_task(one(number)) for number in range(replies)]
    await asyncio.sleep(seconds)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return made


@pytest.mark.parametrize("call", PER_MINUTE)
@pytest.mark.parametrize("replies", [1, 8])
def test_no_minute_has_more_calls_of_a_method_than_slack_allows(call: Call, replies: int) -> None:
    made = run(calls(Pacer(PACE), call, replies, seconds=300))
    most = max(index + 1 - bisect_left(made, at - 60) for index, at in enumerate(made))
    assert 0.5 * PER_MINUTE[call] <= most <= PER_MINUTE[call]


def test_an_answer_of_ordinary_length_is_appended_to_three_times_a_second() -> None:
    made = run(calls(Pacer(PACE), "append", 1, seconds=12))
    assert len(made) >= 30
    assert max(b - a for a, b in pairwise(made)) < 0.6


def test_methods_do_not_wait_for_each_other() -> None:
    async def main() -> float:
        pacer, loop = Pacer(PACE), asyncio.get_running_loop()
        await calls(pacer, "append", 8, seconds=120)
        began = loop.time()
        for call in ("edit", "close"):
            await pacer.leave(thread(0), call, urgent=True)
        return loop.time() - began

    assert run(main()) < 0.01
