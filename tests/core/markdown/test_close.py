"""Properties and examples of `core.markdown.close`."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.markdown import close
from tests.core.markdown.oracle import visible
from tests.core.markdown_strategies import anything, documents

few = settings(max_examples=80, deadline=None)


@few
@given(documents)
def test_a_finished_text_stays_as_it_is(text: str) -> None:
    """But for white space at its end."""
    assert close(text) == text.rstrip()


@few
@given(documents, st.integers(0, 600))
def test_closing_twice_changes_nothing_more(text: str, length: int) -> None:
    """What is closed is finished."""
    closed = close(text[:length])
    assert close(closed) == closed


@few
@given(anything)
def test_closing_any_text_twice_changes_nothing_more(text: str) -> None:
    """As before, for text that makes no sense."""
    closed = close(text)
    assert close(closed) == closed


@few
@given(documents, st.integers(0, 600))
def test_no_marker_is_ever_seen_while_a_text_grows(text: str, length: int) -> None:
    """A reader never sees what the whole text does not show."""
    shown = visible([close(text[:length])])
    whole = visible([text])
    for marker in ("**", "~~", "](", "```", "==="):
        assert marker not in shown or marker in whole


@few
@given(documents, st.integers(0, 600))
def test_what_is_shown_early_is_a_beginning_of_what_is_shown_at_last(text: str, length: int) -> None:
    """Letters never come and go: all that is shown is kept, as far as the last line has been decided."""
    letters = [c for c in close(text[:length]) if c.isalnum()]
    assert letters == [c for c in text if c.isalnum()][: len(letters)]


CASES = {
    "```py\nx = 1": "```py\nx = 1\n```",
    "```py\nx = 1\n``": "```py\nx = 1\n```",
    "~~~~\nx\n~~~": "~~~~\nx\n~~~~",
    "> ```\n> x": "> ```\n> x\n> ```",
    "- a\n  ```\n  x": "- a\n  ```\n  x\n  ```",
    "text\n\n```py": "text",
    "text\n\n```py\n": "text",
    "a `b": "a `b`",
    "a ``b ` c": "a ``b ` c``",
    "a `": "a",
    "a **b": "a **b**",
    "a **b ": "a **b**",
    "a **b*": "a **b**",
    "a **b**": "a **b**",
    "a **": "a",
    "a ***b *c": "a ***b *c****",
    "a **b *c": "a **b *c***",
    "a ~~b~": "a ~~b~~",
    "2 * 3": "2 * 3",
    "snake_case": "snake_case",
    "see [the text": "see the text",
    "see [the **te": "see the **te**",
    "see [the text]": "see the text",
    "see [the text](http://par": "see the text",
    "see [the text](http://a.io)": "see [the text](http://a.io)",
    "see ![alt](http://a.i": "see alt",
    "as told in [1]": "as told in [1]",
    "a &am": "a",
    "a &amp;": "a &amp;",
    "AT&T": "AT&T",
    "a <b": "a",
    "a\n- ": "a",
    "a\n-": "a",
    "a\n\n1.": "a",
    "a\n#": "a",
    "a\n\n>": "a",
    "Title\n===": "Title\n===",
    "| a | b |": "",
    "text\n\n| a | b |\n|--": "text",
    "| a | b |\n|---|---|": "| a | b |\n|---|---|",
    "| a | b |\n|---|---|\n| c": "| a | b |\n|---|---|\n| c |",
    "| a | b |\n|---|---|\n|": "| a | b |\n|---|---|",
    r"a \*": r"a \*",
    r"a\_b": r"a\_b",
    "a <": "a",
    "a $x_1": "a",
    "a $x_1$": "a $x_1$",
    "a $$x": "a",
    "$$\nx": "$$\nx",
    r"a \(x_1": "a",
    r"a \(x_1\)": r"a \(x_1\)",
    "costs $5": "costs $5",
    "$HOME is": "$HOME is",
    "a [1": "a",
    "a [^1": "a",
    "- [x": "",
    "2*x": "2*x",
    "a \\": "a",
    "": "",
}


@pytest.mark.parametrize("text", CASES)
def test_close(text: str) -> None:
    """One kind of unfinished text."""
    assert close(text) == CASES[text]
