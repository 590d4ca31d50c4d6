"""Commands as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridges.commands import LONGEST, command_in, named


@pytest.mark.parametrize(
    ("text", "addressed", "found"),
    [
        ("/new", False, ("new", "")),
        ("!retry", True, ("retry", "")),
        ("/New and then", True, ("new", "and then")),
        ("new", True, ("new", "")),
        ("new", False, ("", "new")),
        ("stop", True, ("stop", "")),
        ("new ideas please", True, ("", "new ideas please")),
        ("/unknown", True, ("", "/unknown")),
        ("", True, ("", "")),
    ],
)
def test_commands(text: str, addressed: bool, found: tuple[str, str]) -> None:
    """With a slash or an exclamation mark anywhere, and as the only word where the bot is addressed."""
    assert command_in(text, addressed=addressed) == found


@given(st.text())
def test_a_record_can_hold_any_name(name: str) -> None:
    assert len(named(name)) <= LONGEST
    assert "\0" not in named(name)
