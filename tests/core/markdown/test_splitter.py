"""`core.markdown.Splitter`: the parts of a text that grows."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from core.markdown import Splitter, close, split
from tests.core.markdown.oracle import at_most, rendered_at_most
from tests.core.markdown_strategies import anything, chunks
from tests.replies import reply
from tests.steps import steps

small = st.sampled_from([40, 41, 47, 60, 80, 120, 200])
few = settings(max_examples=80, deadline=None)


def grow(pieces: list[str], limit: int) -> None:
    splitter = Splitter(at_most(limit))
    settled: list[str] = []
    for piece in pieces:
        splitter.append(piece)
        parts = splitter.parts
        assert parts[: len(settled)] == settled
        assert max(map(len, parts)) <= limit
        assert len(close(parts[-1])) <= limit
        settled = parts[: splitter.settled]
        whole = Splitter(at_most(limit))
        whole.append(splitter.text)
        assert splitter.presentable == whole.presentable == close(splitter.presentable)
    assert splitter.text == "".join(pieces)
    assert splitter.parts == split("".join(pieces), at_most(limit))


@few
@given(chunks(), small)
def test_parts_never_move_and_do_not_depend_on_how_the_text_came(pieces: list[str], limit: int) -> None:
    """For every way to cut a document into chunks, the parts are those of the whole, and each settles once. What can be
    shown of the last is the same too."""
    grow(pieces, limit)


@few
@given(chunks(anything), small)
def test_the_same_for_any_text(pieces: list[str], limit: int) -> None:
    """As before, for text that makes no sense."""
    grow(pieces, limit)


@settings(max_examples=40, deadline=None)
@given(chunks(), st.sampled_from([300, 600]))
def test_settled_parts_stay_under_a_predicate_that_renders(pieces: list[str], limit: int) -> None:
    """Rendering is not quite monotone; what is settled stays settled all the same."""
    splitter = Splitter(rendered_at_most(limit))
    settled: list[str] = []
    for piece in pieces:
        splitter.append(piece)
        assert splitter.parts[: len(settled)] == settled
        settled = splitter.parts[: splitter.settled]


def test_replace_takes_another_text_and_goes_on_with_a_longer_one() -> None:
    """A text that only goes on keeps its settled parts; another one begins anew."""
    splitter = Splitter(at_most(40))
    splitter.replace("one two three four five six seven eight nine")
    settled = splitter.parts[: splitter.settled]
    splitter.replace(splitter.text + " ten")
    assert splitter.parts[: len(settled)] == settled
    splitter.replace("else")
    assert (splitter.parts, splitter.settled, splitter.text) == (["else"], 0, "else")


def test_a_long_text_costs_few_questions() -> None:
    """About one for each time that the parts are read and a dozen for each part, none for the text long settled."""
    asked: list[int] = []

    def fits(text: str) -> bool:
        asked.append(len(text))
        return len(text) <= 2000

    splitter = Splitter(fits)
    for _ in range(1000):
        splitter.append("Some **words** of an answer, and more. " * 5 + "\n\n")
        assert splitter.parts
    assert len(asked) <= 2 * 1000 + 16 * splitter.settled
    assert max(asked) <= 4100
    asked.clear()
    split(splitter.text, fits)
    assert len(asked) <= 20 * splitter.settled


def test_four_thousand_pieces_cost_no_more_than_twice_two_thousand() -> None:
    """Two hundred thousand characters, the parts read after each piece: work grows with the length, and no faster."""

    def growing(pieces: int) -> Callable[[], None]:
        text = reply(range(pieces // 10)).markdown[: 50 * pieces]

        def grow() -> None:
            splitter = Splitter(at_most(4_000))
            for at in range(0, len(text), 50):
                splitter.append(text[at : at + 50])
                assert splitter.parts

        return grow

    assert steps(growing(4_000)) < 2.3 * steps(growing(2_000))


def test_a_part_of_twice_as_many_lines_takes_twice_as_long_to_grow() -> None:
    """Lines that were read are not read again each time that the part is looked at and closed."""

    def growing(lines: int) -> Callable[[], None]:
        def grow() -> None:
            splitter = Splitter(at_most(100 * lines))
            for number in range(lines):
                splitter.append(f"- line **{number}** of `many` in [one](http://a.io) list\n")
                assert splitter.presentable

        return grow

    assert steps(growing(400)) < 2.3 * steps(growing(200))


def test_what_nothing_can_be_shown_of_is_closed_by_what_was_long_before() -> None:
    """However many lines there are whose meaning is not known yet."""
    splitter = Splitter(at_most(4_000))
    splitter.append("Some words.\n\nAnd **others\n\n")
    for _ in range(60):
        splitter.append("| a\n")
        assert splitter.presentable == "Some words.\n\nAnd **others**"
