"""Commands as people write them."""

from __future__ import annotations

import pytest

from bridges.commands import command_in


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
