from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from sandbox.faults import Fault, Kind
from sandbox.upstream import prose
from sandbox.upstream.pieces import Piece, pieces, script, tokens


def joined(steps: list[Piece | Fault]) -> str:
    return "".join(step.text for step in steps if isinstance(step, Piece))


@given(st.text())
def test_joined_pieces_are_the_text(text: str) -> None:
    cut = list(pieces(text))
    assert "".join(piece.text for piece in cut) == text
    assert cut == list(pieces(text))
    assert all(piece.text for piece in cut)


def test_pieces_are_small_odd_and_now_and_then_end_within_a_word() -> None:
    text = prose.long(400)
    cut = [piece.text for piece in pieces(text)]
    assert max(len(piece.split()) for piece in cut) <= 4
    assert len({len(piece) for piece in cut}) > 10
    assert any(left[-1].isalpha() and right[0].isalpha() for left, right in pairwise(cut))


def test_a_text_without_spaces_does_not_come_as_one_piece() -> None:
    assert len(list(pieces("港" * 500))) > 8


def test_every_word_is_counted_once() -> None:
    assert sum(piece.words for piece in pieces(prose.long(400))) == 400


FINAL: tuple[Kind, ...] = ("cut", "break", "error")


@given(st.integers(0, 60), st.sampled_from(FINAL))
def test_a_fault_comes_after_so_many_words_and_nothing_after_it(words: int, kind: Kind) -> None:
    text = prose.long(40)
    fault = Fault("x", kind, words=words)
    steps = list(script(text, fault))
    assert steps[-1] is fault
    assert text.startswith(joined(steps))
    assert len(joined(steps).split()) == min(words, 40)


def test_after_garbage_the_answer_goes_on() -> None:
    text = prose.long(40)
    steps = list(script(text, Fault("x", "garbage", words=5)))
    assert joined(steps) == text
    place = next(index for index, step in enumerate(steps) if isinstance(step, Fault))
    assert len(joined(steps[:place]).split()) == 5


def test_faults_before_the_answer_leave_it_whole() -> None:
    assert joined(list(script("all of it", Fault("x", "lost")))) == "all of it"


def test_tokens_add_up() -> None:
    counted = tokens("one two", prose.long(30))
    assert counted["total_tokens"] == counted["prompt_tokens"] + counted["completion_tokens"]
    assert counted["completion_tokens"] > 5
