from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridges.discord.pace import PACE
from core.model import ThreadId
from core.pace import Buckets, Call
from sandbox.discord.limits import Limits

CHANNELS = [ThreadId(f"discord:1:{n}") for n in range(2, 6)]
steps = st.lists(
    st.tuples(st.sampled_from(CHANNELS), st.sampled_from(["create", "edit"]), st.booleans(), st.floats(0, 2)),
    max_size=200,
)


@given(steps)
@settings(max_examples=60, deadline=None)
def test_whoever_keeps_to_the_pace_is_never_refused(calls: list[tuple[ThreadId, Call, bool, float]]) -> None:
    """However calls in several channels follow each other, urgent or not, Discord's customary limits hold."""
    ours, theirs, now = Buckets(), Limits(), 0.0
    for thread, call, urgent, pause in calls:
        now += pause
        budgets = tuple(PACE.budgets(thread, call))
        now = max(now, ours.ready_at(budgets, now, urgent=urgent))
        ours.take(budgets, now)
        assert theirs.take(f"messages.{call}", thread, now).wait is None


@pytest.mark.parametrize("urgent", [True, False])
@pytest.mark.parametrize("rest", [0.0, 0.5, 1.0, 2.5, 4.9, 7.0, 30.0])
def test_nobody_is_refused_who_calls_as_often_as_may_be(urgent: bool, rest: float) -> None:
    """In one channel, in bursts of any length with a rest in between."""
    for burst in range(1, 12):
        ours, theirs, now = Buckets(), Limits(), 0.0
        for step in range(100):
            now += rest if step % burst == 0 else 0.0
            budgets = tuple(PACE.budgets(CHANNELS[0], "edit"))
            now = max(now, ours.ready_at(budgets, now, urgent=urgent))
            ours.take(budgets, now)
            assert theirs.take("messages.edit", "1", now).wait is None, (burst, step)


def test_the_last_edit_does_not_wait_long() -> None:
    """After edits as fast as they may come, a final one goes within a second."""
    ours, now = Buckets(), 0.0
    budgets = tuple(PACE.budgets(CHANNELS[0], "edit"))
    for _ in range(20):
        now = ours.ready_at(budgets, now, urgent=False)
        ours.take(budgets, now)
    assert ours.ready_at(budgets, now, urgent=True) - now < 1


def test_every_budget_of_one_bot_has_its_own_name() -> None:
    """One for the bot, and one for each channel and kind of call; a thread is a channel of its own."""
    names = {tuple(b.name for b in PACE.budgets(thread, "edit")) for thread in CHANNELS}
    assert len(names) == len(CHANNELS)
    create = [b.name for b in PACE.budgets(ThreadId("discord:1:2:9"), "create")]
    edit = [b.name for b in PACE.budgets(ThreadId("discord:1:2:9"), "edit")]
    assert create[0] == edit[0]
    assert create[1] != edit[1]
    assert create[1].endswith(":9")
