"""Sessions and tokens of the console."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from console.gate import FREE, LASTS, LONGEST_WAIT, MOST_ADDRESSES, Gate


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def test_only_the_token_opens() -> None:
    gate = Gate("a-long-token")
    assert gate.opens("a-long-token", "x")
    for wrong in ("", "a-long-toke", "a-long-token ", "A-LONG-TOKEN", "\ud800", "ä"):
        assert not gate.opens(wrong, "x")


def test_wrong_tokens_cost_a_wait_of_their_own_address_alone() -> None:
    clock = Clock()
    gate = Gate("token", clock)
    waits = []
    for _ in range(FREE + 12):
        clock.now += gate.wait("a")
        gate.opens("wrong", "a")
        waits.append(gate.wait("a"))
    assert waits[:FREE] == [0.0] * FREE
    assert waits[FREE : FREE + 3] == [2.0, 4.0, 8.0]
    assert waits[-1] == LONGEST_WAIT
    assert gate.wait("b") == 0
    clock.now += LONGEST_WAIT
    assert gate.opens("token", "a")
    assert not gate.opens("wrong", "a")
    assert gate.wait("a") == 0


def test_addresses_are_not_remembered_without_end() -> None:
    gate = Gate("token", Clock())
    for _ in range(FREE + 1):
        gate.opens("wrong", "first")
    assert gate.wait("first") > 0
    for number in range(MOST_ADDRESSES):
        gate.opens("wrong", str(number))
    assert gate.wait("first") == 0


def test_a_session_lasts_its_time_wherever_the_token_is_the_same() -> None:
    clock = Clock()
    session = Gate("token", clock).session()
    assert Gate("token", clock).knows(session)
    assert not Gate("another", clock).knows(session)
    clock.now += LASTS + 1
    assert not Gate("token", clock).knows(session)


@given(st.text())
def test_nothing_else_is_a_session_or_a_form_token(text: str) -> None:
    gate = Gate("token", Clock())
    session = gate.session()
    assert not gate.knows(text)
    assert not gate.knows(session[:-1] + ("0" if session[-1] != "0" else "1"))
    assert not gate.knows("9" + session)
    assert not gate.is_form_token(text, session)
    assert gate.is_form_token(gate.form_token(session), session)
    assert not gate.is_form_token(gate.form_token(gate.session()), session)
