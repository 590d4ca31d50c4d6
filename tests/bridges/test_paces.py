"""What the paces of all platforms have in common."""

from __future__ import annotations

import pytest

from bridges.discord.pace import pace as discord
from bridges.slack.pace import PACE as SLACK
from bridges.slack.thread import Thread
from bridges.telegram.pace import PACE as TELEGRAM
from bridges.web.pace import PACE as WEB
from core.model import ThreadId
from core.pace import Buckets, Call, Pace

THREADS = {
    "slack": (SLACK, Thread("T1", "C1", "1.1").id(), Thread("T1", "C2", "1.1").id()),
    "discord": (discord(lambda channel, call: None), ThreadId("discord:1:2"), ThreadId("discord:1:3")),
    "web": (WEB, ThreadId("web:ann:1"), ThreadId("web:bob:1")),
    "telegram": (TELEGRAM, ThreadId("telegram:5"), ThreadId("telegram:-100:7")),
}


@pytest.mark.parametrize("call", ["create", "edit", "sign", "unsign"])
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
