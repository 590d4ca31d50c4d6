from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import AnswerMalformed
from core.model import Event, Opened, Replace, Status, Text
from core.upstream.outgoing import Outgoing, mended


def test_consecutive_texts_become_one_event() -> None:
    out = Outgoing()
    for piece in ("a", "", "b", "c"):
        out.append(piece)
    assert out.take() == [Text("abc")]
    assert out.take() == []
    assert out.spoke


def test_other_events_keep_their_place() -> None:
    out = Outgoing()
    out.tell(Opened("1"))
    out.append("a")
    out.status("Searching")
    out.status("Drawing")
    out.append("b")
    assert out.take() == [Opened("1"), Text("a"), Status(""), Text("b")]


def test_a_status_is_told_once_and_taken_back_by_text() -> None:
    out = Outgoing()
    out.status("Searching")
    out.status("Searching")
    assert out.take() == [Status("Searching")]
    out.status("Searching")
    assert out.take() == []
    out.append("a")
    assert out.take() == [Status(""), Text("a")]


def test_a_replacement_swallows_the_texts_before_it_and_takes_those_after_it_in() -> None:
    out = Outgoing()
    out.append("a")
    out.tell(Opened("1"))
    out.replace("xy")
    out.append("z")
    assert out.take() == [Opened("1"), Replace("xyz")]
    out.replace("")
    assert out.take() == [Replace("")]
    assert not out.spoke


def test_half_a_surrogate_pair_waits_for_the_other_half() -> None:
    out = Outgoing()
    out.append("a\ud83d")
    assert out.take() == [Text("a")]
    out.append("\ude00b")
    assert out.take() == [Text("😀b")]


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (["\ud83d"], "\ufffd"),
        (["\ud83d", "x"], "\ufffdx"),
        (["\ude00x"], "\ufffdx"),
        (["\ud83d", "\ud83d\ude00"], "\ufffd😀"),
        (["a\0b"], "a\ufffdb"),
    ],
)
def test_what_is_no_character_is_replaced(pieces: list[str], expected: str) -> None:
    out = Outgoing()
    events: list[Event] = []
    for piece in pieces:
        out.append(piece)
        events += out.take()
    events += out.take(final=True)
    assert "".join(event.delta for event in events if isinstance(event, Text)) == expected


@given(st.text(st.characters(), max_size=20), st.lists(st.booleans(), min_size=40, max_size=40))
def test_however_pairs_are_cut_the_text_is_the_same(text: str, takes: list[bool]) -> None:
    units = text.encode("utf-16-le", "surrogatepass")
    halves = [units[at : at + 2].decode("utf-16-le", "surrogatepass") for at in range(0, len(units), 2)]
    out = Outgoing()
    events: list[Event] = []
    for half, take in zip(halves, takes, strict=False):
        out.append(half)
        if take:
            events += out.take()
    events += out.take(final=True)
    assert "".join(event.delta for event in events if isinstance(event, Text)) == mended(text)


def test_an_endless_answer_is_ended() -> None:
    out = Outgoing(limit=10)
    out.append("x" * 10)
    with pytest.raises(AnswerMalformed, match="endless"):
        out.append("x")
