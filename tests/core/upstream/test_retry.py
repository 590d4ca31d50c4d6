from __future__ import annotations

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from core.upstream.retry import Backoff, asked_for

NOW = 1_800_000_000.0


def pauses(backoff: Backoff, *, chance: float, asked: float | None = None, left: float = 1e9) -> list[float]:
    found: list[float] = []
    while True:
        pause = backoff.pause(len(found), asked=asked, waited=sum(found), left=left, chance=chance)
        if pause is None:
            return found
        found.append(pause)


def test_doubles_from_one_second_to_thirty_two() -> None:
    assert pauses(Backoff(8, patience=1000), chance=1.0) == [1, 2, 4, 8, 16, 32, 32, 32]


def test_chance_spreads_over_the_upper_half() -> None:
    assert pauses(Backoff(3), chance=0.0) == [0.5, 1, 2]


def test_what_the_server_asks_for_goes_first_and_is_never_cut_short() -> None:
    assert pauses(Backoff(2), chance=0.0, asked=7) == [7, 7]
    assert pauses(Backoff(1), chance=1.0, asked=7) == [pytest.approx(7.7)]
    assert pauses(Backoff(2), chance=1.0, asked=0) == [0, 0]


def test_gives_up_rather_than_wait_longer_than_a_person_would() -> None:
    assert pauses(Backoff(10, patience=60), chance=0.0, asked=61) == []
    assert sum(pauses(Backoff(10, patience=60), chance=1.0)) <= 60
    assert pauses(Backoff(5), chance=1.0, left=3) == [1, 2]
    assert pauses(Backoff(0), chance=1.0) == []


@given(st.integers(0, 10), st.floats(0, 1), st.none() | st.floats(0, 100))
def test_waiting_is_bounded(retries: int, chance: float, asked: float | None) -> None:
    found = pauses(Backoff(retries), chance=chance, asked=asked)
    assert len(found) <= retries
    assert sum(found) <= 60
    assert asked is None or all(pause >= asked for pause in found)


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {}, None),
        (429, {"Retry-After": "3"}, 3),
        (503, {"retry-after": "2.5"}, 2.5),
        (429, {"Retry-After": formatdate(NOW + 9, usegmt=True)}, 9),
        (429, {"Retry-After": formatdate(NOW - 9, usegmt=True)}, 0),
        # the server's clock is an hour ahead of ours: only the difference of its own two dates counts
        (429, {"Retry-After": formatdate(NOW + 3605, usegmt=True), "Date": formatdate(NOW + 3600, usegmt=True)}, 5),
        (429, {"Retry-After": "soon"}, None),
        (429, {"Retry-After": "-1"}, None),
        (429, {"Retry-After": "9" * 30}, None),
        (429, {"X-RateLimit-Reset": str(int(NOW) + 4)}, 4),
        (429, {"X-RateLimit-Reset": str(int(NOW + 4) * 1000)}, 4),
        (429, {"X-RateLimit-Reset": "6"}, 6),
        (429, {"X-RateLimit-Reset": str(int(NOW) - 4)}, 0),
        (429, {"X-RateLimit-Reset": "6ms"}, None),
        (429, {"Retry-After": "1", "X-RateLimit-Reset": "6"}, 1),
        (500, {"X-RateLimit-Reset": "6"}, None),
    ],
)
def test_what_a_refusal_asks_for(status: int, headers: dict[str, str], seconds: float | None) -> None:
    assert asked_for(status, CIMultiDict(headers), NOW) == seconds
