from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridges.discord.literal import escaped, seems_address
from sandbox.discord import markup


@pytest.mark.parametrize(
    "text",
    [
        "A plain sentence, with (brackets) and 100 % of it.",
        "some_file_name.py and 2 * 3 * 4 = 24",
        "a ~ b | c, C:\\Users\\ann, #hashtag, e-mail@example.org",
        "x < y > z and <div>",
        "1.5 and 2024. Not a list",
    ],
)
def test_what_discord_would_not_read_stays_as_it_was_written(text: str) -> None:
    assert escaped(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "__init__",
        "**not bold**",
        "a || hidden || b",
        "`tick`",
        "~~gone~~",
        "[text](https://example.org)",
        "<@123> <@!123> <@&1> <#5> <:name:1> <a:name:1> <t:1:R> </cmd:12>",
        "# heading",
        "-# small",
        "> quote",
        ">>> quotes",
        "- item",
        "12. item",
        "a\\*b \\→ c",
        "first\n# second\n> third",
    ],
)
def test_what_discord_would_read_is_shown_as_it_was_written(text: str) -> None:
    assert markup.plain(markup.parse(escaped(text))) == text


marks = st.text(st.sampled_from("*_~|`<>[]()#-\\! ab1.@:/é→日\n"), max_size=30)


@given(marks)
@settings(deadline=None)
def test_no_mixture_of_marks_means_anything_once_escaped(text: str) -> None:
    """Also none that nobody thought of: the dialect's reader sees the same characters."""
    seen = markup.plain(markup.parse(escaped(text)))
    assert seen == text


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("click here", None),
        ("https://bank.example/login", "bank.example"),
        ("www.bank.example", "bank.example"),
        ("Bank.Example", "bank.example"),
        ("bank\u200b.example", "bank.example"),
        ("bank．example", "bank.example"),
        ("bank。example", "bank.example"),
        ("http://user@bank.example", "bank.example"),
        ("version 1.2", None),
        ("e.g. this", None),
    ],
)
def test_words_that_look_like_an_address_are_found(text: str, host: str | None) -> None:
    assert seems_address(text) == host
