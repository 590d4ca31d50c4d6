"""What is written is read again as it was meant."""

from __future__ import annotations

import tempfile
import tomllib
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from bridges.settings import Settings
from bridges.setup.toml import Key, Table, literal, render
from core.loading import load

texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(texts, st.lists(texts), st.integers(0, 2**31))
def test_values_of_every_kind(text: str, words: list[str], number: int) -> None:
    keys = [Key("text", text, "what"), Key("words", words), Key("number", number), Key("off", text, on=False)]
    written = render("head\n\nfoot", [Table("a.b", keys, "above")])
    assert tomllib.loads(written) == {"a": {"b": {"text": text, "words": words, "number": number}}}


@given(st.lists(st.sampled_from(["$", "{", "}", "NAME", "${NAME}", "$${NAME}", "${1}", "x"]), min_size=1).map("".join))
def test_what_was_typed_is_not_taken_for_a_name(typed: str) -> None:
    table = Table("bridges.telegram", [Key("token", literal(typed))])
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        file.write(render("", [table]))
        file.flush()
        telegram = load(Settings, Path(file.name), {}).bridges.telegram
    assert telegram is not None
    assert telegram.token.get_secret_value() == typed
