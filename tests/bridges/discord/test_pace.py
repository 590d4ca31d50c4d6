from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridges.discord import DiscordBridge
from bridges.discord.buckets import Buckets as Heard
from bridges.discord.pace import pace
from core.model import ThreadId
from core.pace import Buckets, Budget, Call, Stated
from sandbox.discord import DiscordServer
from sandbox.discord.limits import Limits, Window

CHANNELS = [ThreadId(f"discord:1:{n}") for n in range(2, 6)]
steps = st.lists(
    st.tuples(st.sampled_from(CHANNELS), st.sampled_from(["create", "edit"]), st.booleans(), st.floats(0, 2)),
    max_size=200,
)


class Caller:
    """Calls Discord's limits as soon as the pace allows, and hears what their headers say, or not."""

    def __init__(self, limits: Limits, *, hears: bool) -> None:
        self.now = 0.0
        self.late: list[float] = []
        self._ours, self._theirs, self._heard, self._hears = Buckets(), limits, Heard(), hears
        self._pace = pace(self._stated)

    def _stated(self, channel: int, call: Call) -> Stated | None:
        left = self._heard.left(call, str(channel))
        return None if left is None else Stated(*left)

    def budgets(self, thread: ThreadId, call: Call) -> tuple[Budget, ...]:
        return tuple(self._pace.budgets(thread, call))

    def ready(self, thread: ThreadId, call: Call, *, urgent: bool) -> float:
        return max(self.now, self._ours.ready_at(self.budgets(thread, call), self.now, urgent=urgent))

    def call(self, thread: ThreadId, call: Call, *, urgent: bool) -> None:
        ready = self.ready(thread, call, urgent=urgent)
        self.late.append(ready - self.now)
        self.now = ready
        self._ours.take(self.budgets(thread, call), self.now)
        major = thread.rpartition(":")[2]
        assert self._heard.take(call, major, self.now)[0] == 0
        verdict = self._theirs.take(f"messages.{call}", major, self.now)
        assert verdict.wait is None
        if self._hears:
            self._heard.learn(call, major, verdict.headers, self.now)


@given(steps, st.booleans())
@settings(max_examples=60, deadline=None)
def test_whoever_keeps_to_the_pace_is_never_refused(
    calls: list[tuple[ThreadId, Call, bool, float]], hears: bool
) -> None:
    """However calls in several channels follow each other, urgent or not, Discord's customary limits hold."""
    caller = Caller(Limits(), hears=hears)
    for thread, call, urgent, pause in calls:
        caller.now += pause
        caller.call(thread, call, urgent=urgent)


@given(steps, st.integers(1, 12), st.floats(0.5, 20))
@settings(max_examples=60, deadline=None)
def test_headers_that_say_otherwise_are_kept_to(
    calls: list[tuple[ThreadId, Call, bool, float]], most: int, seconds: float
) -> None:
    """Once the first answer has told of a window, as many calls go in it as the server allows, and no more."""
    limits = Limits({"messages.create": Window(most, seconds), "messages.edit": Window(most, seconds)})
    caller = Caller(limits, hears=True)
    for thread, call, urgent, pause in calls:
        caller.now += pause
        caller.call(thread, call, urgent=urgent)


@pytest.mark.parametrize("hears", [True, False])
@pytest.mark.parametrize("urgent", [True, False])
@pytest.mark.parametrize("rest", [0.0, 0.5, 1.0, 2.5, 4.9, 7.0, 30.0])
def test_nobody_is_refused_who_calls_as_often_as_may_be(urgent: bool, rest: float, hears: bool) -> None:
    """In one channel, in bursts of any length with a rest in between."""
    for burst in range(1, 12):
        caller = Caller(Limits(), hears=hears)
        for step in range(100):
            caller.now += rest if step % burst == 0 else 0.0
            caller.call(CHANNELS[0], "edit", urgent=urgent)


def test_the_last_edit_does_not_wait_long() -> None:
    """After edits as fast as they may come, nearly all final ones go at once, the others in about half a second."""
    waits = []
    for tenth in range(100):
        caller = Caller(Limits(), hears=True)
        for _ in range(20):
            caller.call(CHANNELS[0], "edit", urgent=False)
        end = caller.now + tenth / 20
        while caller.ready(CHANNELS[0], "edit", urgent=False) < end:
            caller.call(CHANNELS[0], "edit", urgent=False)
        caller.now = max(caller.now, end)
        caller.call(CHANNELS[0], "edit", urgent=True)
        waits.append(caller.late[-1])
    assert max(waits) < 0.6
    assert sum(wait == 0 for wait in waits) >= 85


def test_growing_text_uses_nearly_all_that_the_headers_allow() -> None:
    caller = Caller(Limits(), hears=True)
    for _ in range(90):
        caller.call(CHANNELS[0], "edit", urgent=False)
    assert caller.now < 101


def test_every_budget_of_one_bot_has_its_own_name() -> None:
    """One for the bot, and one for each channel and kind of call; a thread is a channel of its own."""
    caller = Caller(Limits(), hears=False)
    names = {tuple(b.name for b in caller.budgets(thread, "edit")) for thread in CHANNELS}
    assert len(names) == len(CHANNELS)
    create = [b.name for b in caller.budgets(ThreadId("discord:1:2:9"), "create")]
    edit = [b.name for b in caller.budgets(ThreadId("discord:1:2:9"), "edit")]
    assert create[0] == edit[0]
    assert create[1] != edit[1]
    assert create[1].endswith(":9")


async def test_the_headers_of_real_answers_reach_the_pace(server: DiscordServer, bridge: DiscordBridge) -> None:
    thread = ThreadId(f"discord:{server.world.guild}:{server.lounge}")

    def left(call: Call) -> int | None:
        stated = list(bridge.pace.budgets(thread, call))[-1].stated()
        return None if stated is None else stated.remaining

    surface = bridge.open(thread, "key")
    assert (left("create"), left("edit")) == (None, None)
    await surface.show("one", final=False)
    assert (left("create"), left("edit")) == (4, None)
    for text in ("two", "three"):
        await surface.show(text, final=False)
    assert (left("create"), left("edit")) == (4, 3)
