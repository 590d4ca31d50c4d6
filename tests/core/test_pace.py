"""Pace: what may go when, in virtual time."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.model import ThreadId
from core.pace import Buckets, Budget, Call, Pace, Pacer, Stated
from core.pace.queue import IN_A_ROW, Queue, Waiting
from tests.virtual_time import run

A, B = ThreadId("fake:a"), ThreadId("fake:b")


@st.composite
def limits(draw: st.DrawFn, name: str = "b") -> Budget:
    calls = draw(st.integers(1, 20))
    reserve = draw(st.floats(0, calls * 0.5))
    burst = draw(st.floats(1, max(1.0, (calls - reserve) * 0.8)))
    return Budget(name, calls, draw(st.floats(0.5, 60)), reserve, burst)


# --- budgets ----------------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(limits(), st.lists(st.tuples(st.floats(0, 5), st.booleans()), min_size=1, max_size=80))
def test_no_window_ever_holds_more_calls_than_the_budget_allows(
    budget: Budget, wishes: list[tuple[float, bool]]
) -> None:
    buckets, now = Buckets(), 0.0
    went: list[float] = []
    for gap, urgent in wishes:
        now = max(now + gap, buckets.ready_at([budget], now + gap, urgent=urgent))
        buckets.take([budget], now)
        went.append(now)
    for index in range(budget.calls, len(went)):
        assert went[index] - went[index - budget.calls] >= budget.seconds


@settings(deadline=None)
@given(limits(), st.integers(20, 200))
def test_growing_text_alone_leaves_the_reserve(budget: Budget, count: int) -> None:
    """Whole calls of it: at every moment an urgent one could go at once."""
    buckets, now = Buckets(), 0.0
    for _ in range(count):
        now = buckets.ready_at([budget], now, urgent=False)
        buckets.take([budget], now)
        if budget.reserve >= 1:
            assert buckets.ready_at([budget], now, urgent=True) <= now


@settings(deadline=None)
@given(limits(), st.integers(0, 30))
def test_the_moment_it_names_is_the_moment_it_may_go(budget: Budget, calls: int) -> None:
    buckets = Buckets()
    for _ in range(calls):
        if buckets.ready_at([budget], 0.0, urgent=True) <= 0.0:
            buckets.take([budget], 0.0)
    for urgent in (True, False):
        ready = buckets.ready_at([budget], 0.0, urgent=urgent)
        assert buckets.ready_at([budget], ready, urgent=urgent) <= ready


@settings(deadline=None)
@given(limits())
def test_growing_for_ever_uses_all_that_is_meant_for_it(budget: Budget) -> None:
    buckets, now, count = Buckets(), 0.0, 0
    while now < 40 * budget.seconds and count < 2_000:
        now = buckets.ready_at([budget], now, urgent=False)
        buckets.take([budget], now)
        count += 1
    assert count / now >= 0.85 * budget.growth


def test_edits_of_growing_text_come_at_even_distances() -> None:
    """Whatever is in hand is spread out: quicker after a rest, and slower and slower, but never in heaps."""
    budget, buckets, now = Budget("b", 50, 60.0, reserve=6, burst=13), Buckets(), 0.0
    went = []
    while now < 60:
        now = buckets.ready_at([budget], now, urgent=False)
        buckets.take([budget], now)
        went.append(now)
    gaps = [after - before for before, after in itertools.pairwise(went)]
    assert gaps == sorted(gaps)
    assert 0.4 < gaps[0] < 0.7
    assert gaps[-1] == pytest.approx(1 / budget.growth, rel=0.15)


def test_after_a_refusal_a_budget_is_slower_and_learns_its_speed_again() -> None:
    budget, buckets = Budget("b", 1, 1.0), Buckets()
    buckets.refused(budget, 10.0, 0.0)
    assert buckets.ready_at([budget], 0.0, urgent=True) == 10.0
    assert buckets.ready_at([budget], 10.0, urgent=True) == 10.0
    buckets.take([budget], 10.0)
    assert buckets.ready_at([budget], 10.0, urgent=True) - 10.0 >= 1 / 0.75
    buckets.take([budget], 500.0)
    assert buckets.ready_at([budget], 500.0, urgent=True) - 500.0 == pytest.approx(1.05)


def test_the_first_call_after_a_refusal_goes_at_the_moment_that_the_platform_named() -> None:
    budget, buckets = Budget("b", 10, 20.0, reserve=2, burst=4), Buckets()
    buckets.refused(budget, 3.0, 0.0)
    assert buckets.ready_at([budget], 1.0, urgent=False) == 3.0
    assert buckets.ready_at([budget], 3.0, urgent=False) == 3.0
    buckets.take([budget], 3.0)
    assert buckets.ready_at([budget], 3.0, urgent=False) > 3.5
    assert buckets.ready_at([budget], 3.0, urgent=True) == pytest.approx(3.0 + 20.25 / 10 / 0.75)


def test_refusals_of_calls_that_were_on_their_way_together_count_once() -> None:
    """And when the budget opens again, calls come one after another, however urgent."""
    budget, buckets, now = Budget("b", 10, 10.0, reserve=3), Buckets(), 0.0
    for _ in range(20):
        buckets.refused(budget, 5.0, 0.0)
    went = []
    for _ in range(8):
        now = buckets.ready_at([budget], now, urgent=True)
        buckets.take([budget], now)
        went.append(now)
    assert went[0] == 5.0
    assert all(0.6 < later - earlier < 2.0 for earlier, later in itertools.pairwise(went))


def test_what_the_platform_states_counts_instead_of_the_customary_values() -> None:
    stated = Stated(2, 4.0)
    budget = Budget("b", 5, 5.0, stated=lambda: stated)
    buckets = Buckets()
    buckets.take([budget], 0.0)
    assert buckets.ready_at([budget], 0.5, urgent=True) == 0.5
    assert buckets.ready_at([budget], 0.5, urgent=False) == pytest.approx(4 / 3)  # two more, evenly
    stated = Stated(0, 4.0)
    assert buckets.ready_at([budget], 0.5, urgent=True) == 4.0
    assert buckets.ready_at([budget], 4.0, urgent=True) == 4.0


def test_calls_before_the_end_of_a_stated_window_do_not_count_any_more() -> None:
    stated = Stated(0, 5.0)
    budget, buckets = Budget("b", 2, 5.0, stated=lambda: stated), Buckets()
    buckets.take([budget], 4.0)
    buckets.take([budget], 4.9)
    for _ in range(2):
        assert buckets.ready_at([budget], 5.0, urgent=True) == 5.0
        buckets.take([budget], 5.0)
    assert buckets.ready_at([budget], 5.0, urgent=True) == pytest.approx(10.25)


def test_a_budget_that_lets_nothing_grow_is_refused() -> None:
    for wrong in ({"calls": 0}, {"calls": 3, "reserve": 3}, {"calls": 3, "burst": 4}, {"calls": 3, "burst": 0.5}):
        with pytest.raises(ValueError, match="lets no text grow: b"):
            Budget("b", **wrong)


# --- sharing ----------------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(limits(), st.integers(1, 40))
def test_the_workers_together_keep_to_a_shared_budget(budget: Budget, workers: int) -> None:
    budget, buckets, count = replace(budget, shared=True), Buckets(), 0
    buckets.share(workers)
    while buckets.ready_at([budget], 0.0, urgent=True) <= 0.0:
        buckets.take([budget], 0.0)
        count += 1
    assert count >= 1
    assert count * workers <= max(budget.calls, workers)


def test_what_is_not_shared_is_not_divided() -> None:
    budget, buckets = Budget("b", 4, 5.0), Buckets()
    buckets.share(4)
    for _ in range(4):
        assert buckets.ready_at([budget], 0.0, urgent=True) == 0.0
        buckets.take([budget], 0.0)


def test_a_share_takes_effect_at_once_for_those_who_wait() -> None:
    async def main() -> float:
        pace = Pacer(Pace(lambda thread, call: [Budget("bot", 10, 10.0, shared=True)]))
        pace.share(10)
        await pace.leave(A, "create", urgent=True)
        waiting = asyncio.create_task(pace.leave(A, "create", urgent=True))
        await asyncio.sleep(1.0)
        assert not waiting.done()
        pace.share(1)
        await waiting
        return asyncio.get_running_loop().time()

    assert run(main()) == pytest.approx(1.0)


# --- who goes next ----------------------------------------------------------------------------------------------------


class Clock:
    """Drives a queue through time, and notes who went when."""

    def __init__(self) -> None:
        self.now = 0.0
        self.buckets = Buckets()
        self.queue = Queue(self.buckets)
        self.went: dict[str, list[float]] = defaultdict(list)

    def ask(self, *budgets: Budget, urgent: bool) -> Waiting:
        def go() -> None:
            for budget in budgets:
                self.went[budget.name].append(self.now)

        waiting = Waiting(budgets, urgent, go)
        self.queue.add(waiting, self.now)
        return waiting

    def until(self, then: float) -> None:
        while (opens := self.queue.opens_at()) <= then:
            if opens == float("inf"):
                return
            self.now = max(self.now, opens)
            self.queue.release(self.now)
        self.now = then


@settings(max_examples=100, deadline=None)
@given(
    limits(),
    st.lists(
        st.tuples(st.integers(0, 3), st.booleans(), st.floats(0, 3), st.integers(0, 5), st.integers(0, 99)),
        min_size=1,
        max_size=40,
    ),
)
def test_everybody_goes_and_no_budget_is_exceeded(
    shape: Budget, wishes: list[tuple[int, bool, float, int, int]]
) -> None:
    """Calls that draw on the bot's budget and one of four channels'; some give up, some become urgent, some channels
    refuse."""
    clock = Clock()
    bot = Budget("bot", 3, 1.0, reserve=1)
    channels = [replace(shape, name=f"c{n}") for n in range(4)]
    standing: list[Waiting] = []
    given_up, refusing = 0, set()
    for channel, urgent, gap, event, which in wishes:
        clock.until(clock.now + gap)
        standing.append(clock.ask(bot, channels[channel], urgent=urgent))
        other = standing[which % len(standing)]
        match event:
            case 0 if other.line:
                clock.queue.withdraw(other)
                given_up += 1
            case 1:
                clock.queue.hurry(other, clock.now)
            case 2:
                clock.buckets.refused(channels[channel], 2.0, clock.now)
                refusing.add(channels[channel].name)
            case _:
                pass
    clock.until(float("inf"))
    assert len(clock.went["bot"]) == len(wishes) - given_up
    for budget in (bot, *channels):
        times = clock.went[budget.name]
        assert times == sorted(times)
        if budget.name not in refusing:  # when it opens again is then the platform's word, and not our count
            for index in range(budget.calls, len(times)):
                assert times[index] - times[index - budget.calls] >= budget.seconds


def pacer(*, bot: Budget | None = None, channel: int = 1000, seconds: float = 1.0) -> Pacer:
    def budgets(thread: ThreadId, call: Call) -> Iterable[Budget]:
        if bot is not None:
            yield bot
        yield Budget(f"channel {thread}", channel, seconds)

    return Pacer(Pace(budgets))


BOT = Budget("bot", 1, 1.0)


async def _times(pace: Pacer, thread: ThreadId, count: int, *, urgent: bool = False) -> list[float]:
    times = []
    for _ in range(count):
        await pace.leave(thread, "edit", urgent=urgent)
        times.append(asyncio.get_running_loop().time())
    return times


def test_growing_text_of_one_channel_comes_at_its_rate() -> None:
    assert run(_times(pacer(channel=4, seconds=2.0), A, 5)) == pytest.approx([0, 0.5, 1.0, 1.5, 2.1], abs=0.06)


def test_a_closed_channel_holds_no_other_up() -> None:
    async def main() -> tuple[list[float], list[float]]:
        pace = pacer(channel=10, bot=Budget("bot", 1000))
        pace.refused(A, "edit", 300.0)
        return await asyncio.gather(_times(pace, A, 1), _times(pace, B, 5))

    closed, other = run(main())
    assert closed[0] >= 300.0
    assert other[-1] < 1.0


def test_many_who_wait_for_a_closed_channel_cost_the_others_nothing() -> None:
    """What is decided for another channel does not look at those who wait, however many they are."""
    buckets = Buckets()
    looked = 0

    def count() -> None:
        nonlocal looked
        looked += 1

    closed = Budget("closed", 5, 5.0, stated=count)
    queue, free = Queue(buckets), Budget("free", 1000)
    buckets.refused(closed, 300.0, 0.0)
    for _ in range(1_000):
        queue.add(Waiting((closed,), False, lambda: None), 0.0)
    looked = 0
    for _ in range(100):
        queue.add(Waiting((free,), True, lambda: None), 0.0)
        queue.release(0.0)
    assert looked == 0


@pytest.mark.parametrize("waiting", [10, 1_000])
def test_a_decision_costs_the_same_however_many_wait(waiting: int) -> None:
    looked = 0

    def count() -> None:
        nonlocal looked
        looked += 1

    clock, bot = Clock(), Budget("bot", 10, 1.0, stated=count)
    for number in range(waiting):
        clock.ask(bot, Budget(f"c{number}", 5, 5.0), urgent=False)
    looked = 0
    clock.until(5.0)
    assert len(clock.went["bot"]) >= 10
    assert looked < 40 * 50


def test_a_refusal_that_names_the_bots_budget_holds_all() -> None:
    async def main() -> list[float]:
        pace = pacer(channel=10, bot=Budget("bot", 1000))
        pace.refused(A, "edit", 20.0, "bot")
        return await _times(pace, B, 1)

    assert run(main())[0] >= 20.0


@pytest.mark.parametrize("replies", [2, 8, 100])
def test_growing_replies_get_equal_parts_of_one_budget(replies: int) -> None:
    """In every span as long as it takes to serve each once, each is served once."""

    async def main() -> list[ThreadId]:
        pace = pacer(bot=Budget("bot", 11, 1.0, reserve=1))
        order: list[ThreadId] = []

        async def grow(thread: ThreadId) -> None:
            for _ in range(6):
                await pace.leave(thread, "edit", urgent=False)
                order.append(thread)
                await asyncio.sleep(0.01)

        await asyncio.gather(*(grow(ThreadId(f"fake:{n}")) for n in range(replies)))
        return order

    order = run(main())
    for begin in range(0, len(order), replies):
        assert set(Counter(order[begin : begin + replies]).values()) == {1}


def test_an_urgent_call_goes_before_those_that_wait() -> None:
    async def main() -> tuple[float, float]:
        pace = pacer(bot=BOT)
        waiting = [asyncio.create_task(_times(pace, ThreadId(f"fake:{n}"), 1)) for n in range(10)]
        await asyncio.sleep(0)
        [urgent] = await _times(pace, A, 1, urgent=True)
        return urgent, max(time for times in await asyncio.gather(*waiting) for time in times)

    urgent, last = run(main())
    assert urgent == pytest.approx(1.05, abs=0.01)
    assert last == pytest.approx(10.5, abs=0.1)


def test_who_waits_can_become_urgent() -> None:
    """A reply ends while an edit of its waits: then that is the final one."""

    async def main() -> float:
        pace = pacer(bot=BOT)
        waiting = [asyncio.create_task(_times(pace, ThreadId(f"fake:{n}"), 1)) for n in range(10)]
        await asyncio.sleep(0)
        leave = pace.ask(A, "edit", urgent=False)
        await asyncio.sleep(0.5)
        leave.hurry()
        await leave.granted()
        leave.hurry()
        at = asyncio.get_running_loop().time()
        await asyncio.gather(*waiting)
        return at

    assert run(main()) == pytest.approx(1.05, abs=0.01)


def test_a_storm_of_urgent_calls_does_not_stop_growing_text() -> None:
    async def main() -> list[str]:
        pace = pacer(bot=BOT)
        order: list[str] = []

        async def call(name: str, *, urgent: bool) -> None:
            await pace.leave(ThreadId(f"fake:{name}"), "edit", urgent=urgent)
            order.append(name)

        await pace.leave(A, "edit", urgent=True)
        growing = [asyncio.create_task(call("growing", urgent=False)) for _ in range(5)]
        urgent = [asyncio.create_task(call("urgent", urgent=True)) for _ in range(40)]
        await asyncio.gather(*growing, *urgent)
        return order

    order = run(main())
    served = [index for index, name in enumerate(order) if name == "growing"]
    assert served == [IN_A_ROW + n * (IN_A_ROW + 1) for n in range(5)]


def test_who_gives_up_waiting_takes_no_leave() -> None:
    async def main() -> list[float]:
        pace = pacer(bot=BOT)
        await pace.leave(A, "edit", urgent=False)
        leaving = asyncio.create_task(pace.leave(A, "edit", urgent=False))
        await asyncio.sleep(0)
        leaving.cancel()
        return await _times(pace, B, 1)

    assert run(main()) == pytest.approx([1.05], abs=0.01)


def test_what_is_at_rest_is_forgotten() -> None:
    """And then it is as good as new: a rest of that length forgets nothing that still counts."""
    budget, buckets = Budget("b", 2, 5.0), Buckets()
    buckets.take([budget], 0.0)
    buckets.take([budget], 0.0)
    buckets.forget_idle(1.0)
    assert buckets.ready_at([budget], 1.0, urgent=True) > 5.0
    buckets.forget_idle(700.0)
    assert buckets.ready_at([budget], 700.0, urgent=True) == 700.0
