from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridges.discord.table import WIDEST, aligned, width


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("", 0),
        ("abc", 3),
        ("日本", 4),
        ("e\u0301", 1),
        ("👍🏽", 2),
        ("👨‍👩‍👧", 2),
        ("🇩🇪🇫🇷", 4),
        ("❤️", 2),
        ("a\u200bb", 2),
        ("한글", 4),
    ],
)
def test_width_is_what_a_fixed_width_font_takes(text: str, columns: int) -> None:
    assert width(text) == columns


def test_columns_stand_below_each_other_with_wide_characters() -> None:
    assert aligned([["Ort", "Zahl"], ["東京", "1"], ["Rom", "12"]], ["left", "right"]) == [
        "Ort   Zahl",
        "────  ────",
        "東京     1",
        "Rom     12",
    ]


def test_the_middle_is_the_middle() -> None:
    assert aligned([["abc"], ["x"]], ["center"])[2] == " x"


def test_one_long_cell_does_not_blow_up_every_row() -> None:
    lines = aligned([["a", "b"], ["x" * 500, "y"]], ["left", "left"])
    assert all(len(line) <= WIDEST + 10 for line in lines[:2])
    assert lines[2] == "x" * 500 + "  y"


cells = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)


@given(st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(cells, min_size=n, max_size=n), min_size=1, max_size=5)))
@settings(deadline=None)
def test_every_cell_is_in_its_row(rows: list[list[str]]) -> None:
    lines = aligned(rows, ["left"] * len(rows[0]))
    assert len(lines) == len(rows) + 1
    for row, line in zip(rows, [lines[0], *lines[2:]], strict=True):
        assert "".join("".join(row).split()) == "".join(line.split())
