"""Pace: what may go when, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model import ThreadId
from core.pace import Buckets, Budget, Call, Pace, Pacer
from tests.virtual_time import run

A, B = ThreadId("fake:a"), ThreadId("fake:b")


@given(
    rate=st.floats(0.1, 50),
    burst=st.integers(1, 10),
    gaps=st.lists(st.floats(0, 5), min_size=1, max_size=60),
)
def test_no_window_ever_holds_more_calls_than_the_budget_allows(rate: float, burst: int, gaps: list[float]) -> None:
    budget, buckets, now = Budget("b", rate, burst), Buckets(), 0.0
    went: list[float] = []
    for gap in gaps:
        now += gap
        if buckets.ready_at([budget], now, urgent=True) <= now:
            buckets.take([budget], now)
            went.append(now)
    for i, start in enumerate(went):
        for j, end in enumerate(went[i:], i):
            assert j - i + 1 <= burst + (end - start) * rate + 1e-6


@given(tokens=st.integers(0, 6), rate=st.floats(0.1, 50), burst=st.integers(1, 6))
def test_the_moment_it_names_is_the_moment_it_may_go(tokens: int, rate: float, burst: int) -> None:
    budget, buckets = Budget("b", rate, burst), Buckets()
    for _ in range(tokens):
        if buckets.ready_at([budget], 0.0, urgent=True) <= 0.0:
            buckets.take([budget], 0.0)
    ready = buckets.ready_at([budget], 0.0, urgent=True)
    assert buckets.ready_at([budget], ready + 1e-6, urgent=True) <= ready + 1e-6


def test_a_reserve_is_kept_for_urgent_calls() -> None:
    budget, buckets = Budget("b", 1.0, burst=3, reserve=1), Buckets()
    for _ in range(2):
        assert buckets.ready_at([budget], 0.0, urgent=False) == 0.0
        buckets.take([budget], 0.0)
    assert buckets.ready_at([budget], 0.0, urgent=False) > 0.0
    assert buckets.ready_at([budget], 0.0, urgent=True) == 0.0


def test_after_a_refusal_a_budget_is_slower_and_learns_its_speed_again() -> None:
    budget, buckets = Budget("b", 1.0), Buckets()
    buckets.refused(budget, 10.0, 0.0)
    assert buckets.ready_at([budget], 0.0, urgent=True) == 10.0
    assert buckets.ready_at([budget], 10.0, urgent=True) == 10.0
    buckets.take([budget], 10.0)
    assert buckets.ready_at([budget], 10.0, urgent=True) - 10.0 == pytest.approx(1 / 0.75)
    buckets.take([budget], 500.0)
    assert buckets.ready_at([budget], 500.0, urgent=True) - 500.0 == pytest.approx(1.0)


def test_the_first_call_after_a_refusal_goes_at_the_moment_that_the_platform_named() -> None:
    budget, buckets = Budget("b", 0.25, burst=4, reserve=2), Buckets()
    buckets.refused(budget, 3.0, 0.0)
    assert buckets.ready_at([budget], 1.0, urgent=False) == 3.0
    assert buckets.ready_at([budget], 3.0, urgent=False) == 3.0


def pacer(**rates: float) -> Pacer:
    def budgets(thread: ThreadId, call: Call) -> Iterable[Budget]:
        if "bot" in rates:
            yield Budget("bot", rates["bot"])
        yield Budget(f"channel {thread}", rates.get("channel", 1000.0), burst=rates.get("burst", 1.0))

    return Pacer(Pace(budgets))


async def _times(pace: Pacer, thread: ThreadId, count: int, *, urgent: bool = False) -> list[float]:
    times = []
    for _ in range(count):
        await pace.leave(thread, "edit", urgent=urgent)
        times.append(asyncio.get_running_loop().time())
    return times


def test_calls_of_one_channel_go_at_its_rate() -> None:
    assert run(_times(pacer(channel=2.0), A, 5)) == pytest.approx([0, 0.5, 1.0, 1.5, 2.0], abs=0.01)


def test_a_refused_channel_holds_no_other_up() -> None:
    async def main() -> tuple[list[float], list[float]]:
        pace = pacer(channel=10.0, bot=1000.0)
        pace.refused(A, "edit", 300.0)
        return await asyncio.gather(_times(pace, A, 1), _times(pace, B, 5))

    closed, other = run(main())
    assert closed[0] >= 300.0
    assert other[-1] < 1.0


def test_a_refusal_that_names_the_bots_budget_holds_all() -> None:
    async def main() -> list[float]:
        pace = pacer(channel=10.0, bot=1000.0)
        pace.refused(A, "edit", 20.0, "bot")
        return await _times(pace, B, 1)

    assert run(main())[0] >= 20.0


def test_many_share_the_bots_budget_evenly() -> None:
    async def main() -> list[list[float]]:
        pace = pacer(bot=10.0)
        return await asyncio.gather(*(_times(pace, ThreadId(f"fake:{n}"), 10) for n in range(8)))

    everyone = run(main())
    last = [times[-1] for times in everyone]
    assert max(last) == pytest.approx(7.9, abs=0.3)
    assert max(last) - min(last) < 2 * 8 / 10  # two rounds of everyone


def test_an_urgent_call_goes_before_those_that_wait() -> None:
    async def main() -> tuple[float, float]:
        pace = pacer(bot=1.0)
        waiting = [asyncio.create_task(_times(pace, ThreadId(f"fake:{n}"), 1)) for n in range(10)]
        await asyncio.sleep(0)
        [urgent] = await _times(pace, A, 1, urgent=True)
        return urgent, max(time for times in await asyncio.gather(*waiting) for time in times)

    urgent, last = run(main())
    assert urgent == pytest.approx(1.0, abs=0.01)
    assert last == pytest.approx(10.0, abs=0.1)


def test_who_gives_up_waiting_takes_no_leave() -> None:
    async def main() -> list[float]:
        pace = pacer(bot=1.0)
        await pace.leave(A, "edit", urgent=False)
        leaving = asyncio.create_task(pace.leave(A, "edit", urgent=False))
        await asyncio.sleep(0)
        leaving.cancel()
        return await _times(pace, B, 1)

    assert run(main()) == pytest.approx([1.0], abs=0.01)
