"""Properties and examples of `core.markdown.split`."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from core.markdown import close, split
from tests.core.markdown.oracle import at_most, rendered_at_most, visible
from tests.core.markdown_strategies import anything, documents, words

small = st.sampled_from([40, 41, 47, 60, 80, 120, 200])
roomy = st.sampled_from([300, 350, 500, 900])
few = settings(max_examples=80, deadline=None)


@few
@given(documents, small)
@example("| x | y | z |\n|---|---|---|\n| a | a | a |\n| a | a | a the |", 40)
def test_every_part_of_a_document_fits_and_the_last_also_when_closed(text: str, limit: int) -> None:
    """Forty characters are room enough, whatever stands in the text."""
    parts = split(text, at_most(limit))
    assert max(map(len, parts)) <= limit
    assert len(close(parts[-1])) <= limit


@few
@given(anything, small)
def test_every_part_of_any_text_fits(text: str, limit: int) -> None:
    """No text is strange enough to make a part too long, and no part is empty but the only one."""
    parts = split(text, at_most(limit))
    assert max(map(len, parts)) <= limit
    assert len(close(parts[-1])) <= limit
    assert all(parts) or parts == [""]


@few
@given(documents, st.sampled_from([400, 1000]))
def test_every_part_fits_a_platform_that_counts_after_rendering(text: str, limit: int) -> None:
    """The predicate may count something else than characters of Markdown."""
    fits = rendered_at_most(limit)
    assert all(fits(part) for part in split(text, fits))


@few
@given(documents, roomy)
@example("1. a\n   " + "b " * 180 + "\n2. c", 300)
@example("- a | b\n- c\n" * 40, 300)
@example("> - 1. " + "a " * 150 + "\n>\n>      " + "b " * 60 + "\n>   2. c", 300)
def test_the_parts_show_all_that_the_whole_shows(text: str, limit: int) -> None:
    """Nothing is lost, repeated or shown raw but a table's header."""
    assert visible(split(text, at_most(limit))) == visible([text])


@few
@given(documents, small)
@example("# supercalifragilisticsupercalifragilisticsupercalifragilistic\n\nTitle\n=====", 40)
def test_small_parts_lose_nothing_either(text: str, limit: int) -> None:
    """As before, but for what is longer than a part itself: links, tags, formulas, rows."""
    assume(not re.search(r"\]\(|[<$|]", text))
    assert visible(split(text, at_most(limit))) == visible([text])


@few
@given(st.lists(words, min_size=1, max_size=200).map(" ".join), small)
def test_a_plain_paragraph_keeps_exactly_its_characters(text: str, limit: int) -> None:
    """Only the white space at a cut goes."""
    parts = split(text, at_most(limit))
    assert "".join("".join(parts).split()) == "".join(text.split())


@few
@given(anything, small)
def test_no_letter_of_any_text_is_lost(text: str, limit: int) -> None:
    """Whatever the markup is taken for, letters and digits stay, in order."""
    assume(not re.search(r"```|~~~|\|", text))
    parts = split(text, at_most(limit))
    assert [c for c in "".join(parts) if c.isalnum()] == [c for c in text if c.isalnum()]


@few
@given(documents, roomy)
def test_no_settled_part_leaves_anything_open(text: str, limit: int) -> None:
    """There is nothing that `close` would have to close or to hide. Rows beside a header without room do not count."""
    for part in split(text, at_most(limit))[:-1]:
        if not re.search(r"^[\s>]*\|", part, re.MULTILINE):
            assert close(part) == part


@few
@given(documents, st.text(max_size=50), small)
def test_more_text_changes_no_part_but_the_last(text: str, more: str, limit: int) -> None:
    """Parts never move (I5)."""
    before = split(text, at_most(limit))
    after = split(text + more, at_most(limit))
    assert after[: len(before) - 1] == before[:-1]


@few
@given(anything, anything, small)
def test_more_of_any_text_changes_no_part_but_the_last(text: str, more: str, limit: int) -> None:
    """As before, for text that makes no sense."""
    before = split(text, at_most(limit))
    after = split(text + more, at_most(limit))
    assert after[: len(before) - 1] == before[:-1]


@few
@given(st.lists(st.sampled_from(["👩‍👩‍👧‍👦", "🇩🇪", "👍🏽", "e\u0301", "नि", "한"]), min_size=1, max_size=60), small)
def test_no_character_is_cut_in_two(graphemes: list[str], limit: int) -> None:
    """Not within a family, a flag, a skin tone or an accent."""
    parts = split("".join(graphemes), at_most(limit))
    ends = {0}
    for grapheme in graphemes:
        ends.add(max(ends) + len(grapheme))
    at = 0
    for part in parts:
        assert at in ends
        assert not unicodedata.combining(part[0])
        at += len(part)


def test_predicates_that_are_not_monotone_or_never_true_end_as_well() -> None:
    """There are parts, and no text is lost."""
    text = "word " * 100
    for fits in (lambda _: False, lambda part: len(part) % 7 == 3, lambda part: part == ""):
        assert "".join(split(text, fits)).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize("text", ["", " ", "\n\n \t"])
def test_nothing_is_one_empty_part(text: str) -> None:
    """There is always a part to show."""
    assert split(text, at_most(40)) == [""]


CASES = {
    "short text stays as it is": (40, "  *a*\n- b", ["  *a*\n- b"]),
    "between paragraphs rather than later": (
        50,
        "one two three four five six\n\nseven eight. nine ten eleven",
        ["one two three four five six", "seven eight. nine ten eleven"],
    ),
    "before a heading": (
        60,
        "aaa bbb ccc\n\nddd eee fff ggg hhh\n\n## Next\n\niii jjj kkk lll mmm",
        ["aaa bbb ccc\n\nddd eee fff ggg hhh", "## Next\n\niii jjj kkk lll mmm"],
    ),
    "never after a heading": (
        40,
        "some text that is here\n\n# Title\n\nand text of its own",
        ["some text that is here", "# Title\n\nand text of its own"],
    ),
    "between sentences rather than words": (
        40,
        "One sentence is here. Another is longer than that.",
        ["One sentence is here.", "Another is longer than that."],
    ),
    "a fence closes and opens again": (
        40,
        "```py\nfirst = 1\nsecond = 2\nthird = 3\nfourth = 4\n```",
        ["```py\nfirst = 1\nsecond = 2\nthird = 3\n```", "```py\nfourth = 4\n```"],
    ),
    "a longer fence keeps its length": (
        40,
        "````\na ``` b ``` c\nd ``` e ``` f\ng ``` h ``` i\n````",
        ["````\na ``` b ``` c\nd ``` e ``` f\n````", "````\ng ``` h ``` i\n````"],
    ),
    "a table repeats its header": (
        44,
        "| a | b |\n|---|---|\n| one | two |\n| three | four |\n| five | six |",
        [
            "| a | b |\n|---|---|\n| one | two |",
            "| a | b |\n|---|---|\n| three | four |",
            "| a | b |\n|---|---|\n| five | six |",
        ],
    ),
    "a row that is longer than a message goes on as a row": (
        40,
        "| alpha | beta |\n|---|---|\n| one two three four five | six |\n| seven | eight |",
        [
            "| alpha | beta |\n|---|---|\n| one two |",
            "| alpha | beta |\n|---|---|\n| three |",
            "| alpha | beta |\n|---|---|\n| four five |",
            "| alpha | beta |\n|---|---|\n| | six |",
            "| alpha | beta |\n|---|---|\n| seven |",
            "| alpha | beta |\n|---|---|\n| | eight |",
        ],
    ),
    "an address that is longer than a message stands behind its words": (
        40,
        "see [the text](https://example.org/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa) and",
        ["see", "the text (https://example.org/aaaaaa", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa) and"],
    ),
    "a lone asterisk is no emphasis": (
        40,
        "twice: 2*x three four five six seven eight nine ten",
        ["twice: 2*x three four five six seven", "eight nine ten"],
    ),
    "lists in each other stay apart where the outer bullet is gone": (
        40,
        "7. one two three four\n   1. five six seven\n   2. eight nine\n8. ten",
        ["7. one two three four\n   1. five six", "seven\n\n2. eight nine\n\n\u2060\n\n8. ten"],
    ),
    "a quote goes on as a quote": (
        40,
        "> one two three four five six seven eight nine ten",
        ["> one two three four five six seven", "> eight nine ten"],
    ),
    "emphasis closes and opens again": (
        40,
        "**one two three four five six seven eight nine ten**",
        ["**one two three four five six seven**", "**eight nine ten**"],
    ),
    "code closes and opens again": (
        40,
        "`one two three four five six seven eight nine ten`",
        ["`one two three four five six seven`", "`eight nine ten`"],
    ),
    "a link stays whole": (
        40,
        "one two three four five [six seven](http://a.io/b)",
        ["one two three four five", "[six seven](http://a.io/b)"],
    ),
    "a dash in a sentence makes no list": (
        40,
        "aaaaaaaaaaaaa bbbbbbbbbbbbbbb - cccccccccc dddddd",
        ["aaaaaaaaaaaaa bbbbbbbbbbbbbbb -", "cccccccccc dddddd"],
    ),
    "the rest of an item is no code": (
        40,
        "10. a\n    - one two three four five six seven eight\n11. b",
        ["10. a\n    - one two three four five six", "seven eight\n\n11. b"],
    ),
    "a heading that is cut stays one": (
        40,
        "## one two three four five six seven eight nine",
        ["## one two three four five six seven", "## eight nine"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_cuts(name: str) -> None:
    """One kind of cut."""
    limit, text, expected = CASES[name]
    assert split(text, at_most(limit)) == expected
