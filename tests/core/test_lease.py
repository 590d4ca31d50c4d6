"""The right of a worker to run turns, by its own clock."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.lease import MARGIN, Lease

SECONDS = st.floats(0, 20, allow_nan=False)


def test_a_heartbeat_that_was_sent_too_late_brings_nothing_back() -> None:
    """Who was frozen for longer than that may beat again before anybody has struck its name off, but its turns are
    others' already."""
    lease = Lease(stalled_after=5.0)
    lease.begin(0.0)
    lease.renew(1.0)
    assert lease.held(4.9)
    lease.renew(6.0)
    assert not lease.held(6.0)
    lease.begin(7.0)
    assert lease.held(7.0)


@given(st.lists(st.tuples(SECONDS, SECONDS), max_size=20), SECONDS)
def test_nobody_holds_one_whose_last_heartbeat_others_call_old(beats: list[tuple[float, float]], later: float) -> None:
    """Each beat is sent, and after a while on record; others count from the latter, which is not before."""
    lease, now = Lease(stalled_after=5.0), 0.0
    lease.begin(now)
    taken_over = now + 5.0
    for pause, flight in beats:
        asked = now + pause
        if asked >= taken_over:
            break
        now = asked + flight
        lease.renew(asked)
        taken_over = max(taken_over, asked + 5.0)
    assert not lease.held(max(now, taken_over) + later)


def test_others_are_called_dead_only_after_the_time_they_have_for_renewing() -> None:
    lease = Lease(stalled_after=5.0)
    lease.begin(0.0)
    for second in range(1, 8):
        lease.renew(float(second))
    assert not lease.settled(4.9)
    assert lease.settled(5.0)
    assert lease.held(7.0 + 5.0 * (1 - MARGIN) - 0.1)
    lease.renew(30.0)
    lease.begin(31.0)
    assert not lease.settled(33.0)
