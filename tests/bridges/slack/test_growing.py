"""What is appended to a stream, for any text."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridges.slack import format
from bridges.slack.growing import LONGEST, Sent, addition, ending, says, settled
from tests.core.markdown_strategies import documents

MARKUP = ["**", "*", "`", "```\n", "[", "](", ")", "![", "# ", "- ", "> ", "| a | b |\n", "|--|--|\n", "$", "_", "~~"]
OTHER = ["a", "word ", "\n", "\n\n", "https://e.example", "<!here>", "<@U0123>", "&", "<", "é", "😀", "\\"]
TEXTS = st.lists(st.sampled_from([*MARKUP, *OTHER]), max_size=40).map("".join)


def text_of(chunks: list[dict[str, Any]]) -> str:
    return "".join(chunk["text"] for chunk in chunks if chunk["type"] == "markdown_text")


@given(TEXTS | documents, st.lists(st.integers(0, 400), max_size=6), st.lists(st.sampled_from(["", "Searching"])))
def test_appending_shows_the_text_and_nothing_else(text: str, cuts: list[int], statuses: list[str]) -> None:
    """However it came: what was appended is the beginning of the text as an edit would show it, or it is given up."""
    sent, appended, shown = Sent(), "", 0
    for cut in sorted(min(cut, len(text)) for cut in cuts):
        added = addition(sent, text[:cut], statuses[cut % len(statuses)] if statuses else "")
        if added is None:
            return
        chunks, sent = added
        appended += text_of(chunks)
        shown += len([one for one in chunks if one["type"] == "task_update" and one["status"] == "in_progress"])
        assert (appended, shown) == (sent.text, sent.tasks)
        assert format.block(text[:cut])["text"].startswith(appended)
    rest = ending(sent, text)
    if rest is not None:
        assert appended + text_of(rest) == format.block(text)["text"]
        assert sent.tasks == 0


@given(TEXTS | documents)
def test_what_is_settled_begins_the_text(text: str) -> None:
    assert text.startswith(settled(text))


@given(st.text("ab c.\n", max_size=300))
def test_plain_text_is_not_held_back(text: str) -> None:
    assert settled(text) == text.rstrip() or text[len(settled(text)) :].strip() in ("", ".")


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Hello **wor", "Hello "),
        ("Hello **world** and `co", "Hello **world** and "),
        ("a **b *c", "a "),
        ("see [the li", "see "),
        ("see **[the li", "see "),
        ("see [the link](https://exa", "see "),
        ("see [the link](https://example.com) now", "see [the link](https://example.com) now"),
        ("```py\nprint(", "```py\nprint("),
        ("one\n\n| a | b |\n|---|---|\n| 1 | 2", "one\n\n| a | b |\n|---|---|\n"),
        ("**" + "word " * 100, "**" + ("word " * 100).rstrip()),
    ],
)
def test_what_may_change_its_look_is_held_back(written: str, shown: str) -> None:
    """But a code block, which may be long, is shown as it is written, and so is what would be held back for long."""
    assert settled(written).rstrip() == shown.rstrip()


def test_a_mention_that_is_only_half_written_is_not_begun() -> None:
    assert addition(Sent(), "hello <!cha", "") == ([{"type": "markdown_text", "text": "hello"}], Sent("hello"))


def test_another_text_cannot_be_appended() -> None:
    assert addition(Sent("one two"), "one 2", "") is None
    assert ending(Sent("one two"), "one 2") is None


def test_nothing_goes_beyond_what_a_stream_holds() -> None:
    assert addition(Sent(), "word " * (LONGEST // 5), "") is not None
    assert addition(Sent(), "word " * (LONGEST // 5 + 2), "") is None
    assert ending(Sent("word"), "word " * (LONGEST // 5 + 2)) is None


def test_a_status_is_a_task_that_ends_with_the_next_text() -> None:
    added = addition(Sent(), "", "Searching")
    assert added is not None
    begun, sent = added
    assert begun == [{"type": "task_update", "id": "task-1", "title": "Searching", "status": "in_progress"}]
    assert addition(sent, "", "Searching") == ([], sent)
    added = addition(sent, "Found", "")
    assert added is not None
    assert [(one["type"], one.get("status")) for one in added[0]] == [
        ("task_update", "complete"),
        ("markdown_text", None),
    ]
    assert ending(added[1], "Found it.") is None


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        (None, True),
        ({"text": "One *two* &amp; <https://e.example|three>"}, True),
        ({"text": "", "blocks": [{"elements": [{"text": "One two"}, {"text": " & three https://e.example"}]}]}, True),
        ({"text": "One two"}, False),
        ({"text": ""}, False),
    ],
)
def test_what_slack_says_of_a_message_is_compared_by_its_words(message: Any, answer: bool) -> None:
    assert says(message, "One **two** & [three](https://e.example)") is answer


def test_the_language_of_a_code_block_is_not_said() -> None:
    assert says({"text": "```\nprint(1)\n```"}, "```python\nprint(1)\n```")
