"""What the paces of all platforms have in common."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from bridges.discord.pace import pace as discord
from bridges.slack.pace import PACE as SLACK
from bridges.slack.thread import Thread
from bridges.telegram.pace import PACE as TELEGRAM
from bridges.web.pace import PACE as WEB
from core.model import ThreadId
from core.pace import Buckets, Call, Pace, Pacer
from tests.virtual_time import VirtualTimeLoop

THREADS = {
    "slack": (SLACK, Thread("T1", "C1", "1.1").id(), Thread("T1", "C2", "1.1").id()),
    "discord": (discord(lambda channel, call: None), ThreadId("discord:1:2"), ThreadId("discord:1:3")),
    "web": (WEB, ThreadId("web:ann:1"), ThreadId("web:bob:1")),
    "telegram": (TELEGRAM, ThreadId("telegram:5"), ThreadId("telegram:-100:7")),
}


@pytest.mark.parametrize("call", ["create", "edit", "type", "sign", "unsign"])
@pytest.mark.parametrize(("pace", "one", "other"), THREADS.values(), ids=THREADS)
def test_what_every_worker_draws_on_is_shared_and_nothing_else(
    pace: Pace, one: ThreadId, other: ThreadId, call: Call
) -> None:
    """Budgets of the bot or the workspace are divided among workers; those of one channel are not."""
    common = {budget.name for budget in pace.budgets(other, call)}
    for budget in pace.budgets(one, call):
        assert budget.shared == (budget.name in common)


@pytest.mark.parametrize(("pace", "one", "other"), THREADS.values(), ids=THREADS)
def test_a_last_edit_has_room_whatever_growing_text_has_used(pace: Pace, one: ThreadId, other: ThreadId) -> None:
    """At once, or where only a part of a call is kept, after less time than a growing edit would wait."""
    budgets, buckets, now = tuple(pace.budgets(one, "edit")), Buckets(), 0.0
    for _ in range(100):
        now = buckets.ready_at(budgets, now, urgent=False)
        buckets.take(budgets, now)
        urgent = buckets.ready_at(budgets, now, urgent=True) - now
        growing = buckets.ready_at(budgets, now, urgent=False) - now
        assert urgent <= (0.0 if min(budget.reserve for budget in budgets) >= 1 else growing)


def test_many_that_begin_at_once_on_discord_keep_to_its_one_number() -> None:
    """Fifty calls in any second, counted from the first of them: signs of typing and all else."""
    pace = THREADS["discord"][0]
    loop = VirtualTimeLoop()
    went: list[float] = []

    async def reply(pacer: Pacer, number: int) -> None:
        thread = ThreadId(f"discord:1:{number}")
        for call, urgent in (("type", False), ("create", True), *[("edit", False)] * 5, ("edit", True)):
            await pacer.leave(thread, cast(Call, call), urgent=urgent)
            went.append(loop.time())

    async def crowd() -> None:
        pacer = Pacer(pace)
        await asyncio.gather(*(reply(pacer, number) for number in range(200)))

    loop.run_until_complete(crowd())
    loop.close()
    assert len(went) == 200 * 8
    assert all(later - earlier > 1.0 for earlier, later in zip(went, went[50:], strict=False))
    # and hardly slower than that number allows
    assert went[-1] < len(went) / 40 * 1.2
