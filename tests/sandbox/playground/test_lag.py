from __future__ import annotations

import pytest

from sandbox.playground.lag import POINTS, Lag, Meter
from sandbox.playground.record import Turn

KEY = ("slack", "C1", "7")


def turn(id: int = 1, state: str = "running", conversation: str | None = "conv", upstream: str = "goapi") -> Turn:
    return Turn(
        id=id,
        bridge="slack",
        thread="slack:T1:C1",
        message="6",
        author_name="Ann",
        prompt="Hello",
        command="",
        state=state,
        attempt=1,
        upstream=upstream,
        conversation=conversation,
        reply=None,
        error=None,
        accepted_at="2026-01-01 00:00:00",
        started_at="2026-01-01 00:00:00",
        ended_at=None,
    )


def written(
    meter: Meter, *moments: float, system: str = "goapi", conversation: str = "conv", over: bool = False
) -> None:
    for index, at in enumerate(moments):
        last = over and index == len(moments) - 1
        meter.wrote(system, conversation, 10 * (index + 1), at, over=last)


def lag_of(meter: Meter, at: float, one: Turn) -> Lag | None:
    meter.assign([one])
    return meter.measure(one, [KEY], at).lag


def test_what_nobody_can_see_yet_has_been_waiting_since_it_was_written() -> None:
    meter = Meter()
    written(meter, 10.0, 10.5, 11.0)
    assert lag_of(meter, 11.5, turn()) == Lag(now=1.5, max=1.5)


def test_an_edit_shows_all_that_was_written_when_its_call_came_in() -> None:
    meter = Meter()
    written(meter, 10.0, 10.5, 11.0)
    meter.showed(KEY, 20, at=10.8, called=10.7)
    assert lag_of(meter, 11.2, turn()) == Lag(now=0.2, max=0.8)


def test_a_slow_call_does_not_show_what_was_written_while_it_took() -> None:
    meter = Meter()
    written(meter, 10.0, 11.0, 12.0)
    meter.showed(KEY, 10, at=14.0, called=10.5)
    assert lag_of(meter, 14.5, turn()) == Lag(now=3.5, max=4.0)


def test_after_the_end_nothing_waits_and_the_worst_is_kept() -> None:
    meter = Meter()
    written(meter, 10.0, 11.0, over=True)
    meter.showed(KEY, 20, at=13.0, called=12.9)
    assert lag_of(meter, 99.0, turn(state="answered")) == Lag(now=0.0, max=3.0)


def test_an_idle_upstream_is_no_lag() -> None:
    meter = Meter()
    written(meter, 10.0)
    meter.showed(KEY, 10, at=10.1, called=10.1)
    assert lag_of(meter, 60.0, turn()) == Lag(now=0.0, max=0.1)


def test_the_next_answer_of_a_conversation_belongs_to_its_next_turn() -> None:
    meter = Meter()
    written(meter, 10.0, over=True)
    meter.assign([turn(1)])
    written(meter, 20.0)
    meter.assign([turn(2), turn(1, "answered")])
    assert meter.measure(turn(1, "answered"), [], 25.0).growth == ((0.0, 10, 0),)
    assert meter.measure(turn(2), [], 25.0).lag == Lag(5.0, 5.0)


def test_a_second_attempt_is_measured_by_itself() -> None:
    meter = Meter()
    written(meter, 10.0, over=True)
    written(meter, 30.0)
    assert lag_of(meter, 31.0, turn()) == Lag(1.0, 1.0)


def test_an_upstream_without_conversations_is_matched_to_the_open_turn() -> None:
    meter = Meter()
    written(meter, 10.0, system="openai", conversation="chatcmpl-1")
    assert lag_of(meter, 11.0, turn(conversation=None, upstream="openai")) == Lag(1.0, 1.0)


def test_a_turn_that_the_upstream_knows_nothing_of_has_no_lag() -> None:
    meter = Meter()
    written(meter, 10.0, conversation="another")
    assert lag_of(meter, 11.0, turn()) is None


def test_several_messages_add_up() -> None:
    meter = Meter()
    written(meter, 10.0, 11.0)
    other = ("slack", "C1", "8")
    meter.showed(KEY, 7, at=10.5, called=10.5)
    meter.showed(other, 5, at=11.5, called=11.5)
    meter.assign([turn()])
    assert meter.measure(turn(), [KEY, other], 12.0).growth == (
        (0.0, 10, 0),
        (0.5, 10, 7),
        (1.0, 20, 7),
        (1.5, 20, 12),
        (2.0, 20, 12),
    )


@pytest.mark.parametrize("count", [2, POINTS, 5 * POINTS])
def test_the_curve_is_bounded_and_keeps_its_ends(count: int) -> None:
    meter = Meter()
    written(meter, *(float(at) for at in range(count)))
    meter.assign([turn()])
    growth = meter.measure(turn(), [], float(count)).growth
    assert len(growth) <= POINTS
    assert growth[0] == (0.0, 10, 0)
    assert growth[-1] == (float(count), 10 * count, 0)
