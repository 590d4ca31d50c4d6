"""When an upstream is asked, and when it is left alone."""

from __future__ import annotations

import asyncio

import pytest

from core.breaker import Breaker
from core.errors import PromptRejected, UpstreamBusy, UpstreamError, UpstreamRefused, UpstreamUnavailable


def end(breaker: Breaker, now: float, error: BaseException | None = None) -> None:
    try:
        with breaker.asking(now):
            if error is not None:
                raise error
    except (UpstreamError, asyncio.CancelledError):
        pass


@pytest.mark.parametrize("kind", [UpstreamUnavailable, UpstreamBusy, UpstreamRefused])
def test_some_failures_in_a_row_open_it_for_a_while(kind: type[UpstreamError]) -> None:
    breaker = Breaker(threshold=3, rest=30)
    for now in (0.0, 1.0):
        end(breaker, now, kind())
        assert breaker.allows(now)
    end(breaker, 2.0, kind())
    assert not breaker.allows(31.9)
    assert breaker.allows(32.0)


@pytest.mark.parametrize("between", [None, PromptRejected()])
def test_an_answer_or_an_honest_refusal_between_them_begins_the_count_anew(between: UpstreamError | None) -> None:
    breaker = Breaker(threshold=2)
    end(breaker, 0.0, UpstreamUnavailable())
    end(breaker, 0.0, between)
    end(breaker, 0.0, UpstreamUnavailable())
    assert breaker.allows(0.0)


def test_half_open_lets_one_turn_try_and_its_end_decides() -> None:
    breaker = Breaker(threshold=1, rest=10)
    end(breaker, 0.0, UpstreamUnavailable())
    with breaker.asking(10.0):
        assert not breaker.allows(10.0)
    assert breaker.allows(10.0)
    end(breaker, 11.0, UpstreamUnavailable())
    end(breaker, 21.0, UpstreamUnavailable())
    assert not breaker.allows(30.9)


def test_a_probe_that_is_abandoned_lets_another_try() -> None:
    breaker = Breaker(threshold=1, rest=10)
    end(breaker, 0.0, UpstreamUnavailable())
    with pytest.raises(asyncio.CancelledError), breaker.asking(10.0):
        raise asyncio.CancelledError
    assert breaker.allows(10.0)
