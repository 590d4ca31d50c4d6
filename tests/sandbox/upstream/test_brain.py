from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from sandbox.upstream import brain, prose
from sandbox.upstream.conversations import Attached, Said


def talk(*texts: str) -> list[str]:
    """The answers to these texts, said one after the other in one conversation."""
    history: list[Said] = []
    answers = []
    for text in texts:
        answer = brain.reply(tuple(history), text)
        answers.append(answer)
        history += [Said("user", text), Said("assistant", answer)]
    return answers


def test_it_remembers_a_name_and_only_within_the_conversation() -> None:
    assert "**Ann**" in talk("My name is Ann.", "What is my name?")[-1]
    assert "not told" in talk("What is my name?")[-1]


def test_the_newest_name_counts() -> None:
    assert "**Bob**" in talk("My name is Ann", "No, call me Bob", "who am i?")[-1]


def test_it_remembers_facts() -> None:
    answers = talk("My favourite colour is dark green.", "What's my favourite colour?", "What do you know about me?")
    assert answers[1] == "Your favourite colour is dark green."
    assert "- your favourite colour is dark green" in answers[2]


def test_it_knows_what_was_said_first_and_last() -> None:
    answers = talk("The boat is late", "So is the train", "What did I say first?", "What did I just say?")
    assert answers[2].endswith("> The boat is late")
    assert answers[3].endswith("> What did I say first?")


def test_the_count_tells_a_continued_conversation_from_a_new_one() -> None:
    assert talk("one", "two", "How many messages?")[-1] == "This is message 3 of our conversation."
    assert "message 2 of our conversation" in talk("It rains", "It still rains")[-1]


@given(st.text())
def test_echo_gives_the_text_back_exactly(text: str) -> None:
    assert brain.reply((), f"echo: {text}") == text


@given(st.lists(st.text(max_size=60), max_size=6), st.text(max_size=300))
def test_it_answers_anything_and_always_in_the_same_way(earlier: list[str], text: str) -> None:
    history = tuple(Said("user", said) for said in earlier)
    first = brain.reply(history, text)
    assert first == brain.reply(history, text)
    assert first or text.lower().startswith("echo:")


@pytest.mark.parametrize(
    ("request_text", "kinds"),
    [
        ("Show me a table", {"table_open"}),
        ("code", {"fence"}),
        ("a list please", {"bullet_list_open", "ordered_list_open"}),
        ("quote", {"blockquote_open"}),
        ("link", {"link_open"}),
        ("headings", {"heading_open"}),
        (
            "everything",
            {"table_open", "fence", "bullet_list_open", "ordered_list_open", "blockquote_open", "link_open", "hr"},
        ),
    ],
)
def test_it_writes_each_kind_of_markdown_on_request(request_text: str, kinds: set[str]) -> None:
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(brain.reply((), request_text))
    found = {inner.type for token in tokens for inner in (token, *(token.children or ()))}
    assert kinds <= found


def test_it_writes_formulas_and_emoji_on_request() -> None:
    assert "$$\nx = \\frac" in brain.reply((), "a formula")
    assert "👨‍👩‍👧‍👦" in brain.reply((), "emoji")


def test_the_showcase_is_about_as_long_as_a_screen() -> None:
    assert 200 <= len(brain.reply((), "everything").split()) <= 300


@given(st.integers(0, 3_000))
def test_long_has_exactly_as_many_words_as_asked_for(words: int) -> None:
    assert len(prose.long(words).split()) == words


def test_long_texts_are_varied() -> None:
    text = brain.reply((), "long 1500")
    assert {"## 1. The harbour", "- bread for three, in case of visitors"} <= set(text.split("\n"))
    assert "```python" in text
    assert len({prose.sentence(number) for number in range(200)}) > 180


def test_a_word_in_a_sentence_is_no_request() -> None:
    answer = brain.reply((), "I put the list of all that we wanted to do there on the table of my aunt this morning")
    assert "message 1" in answer
    assert "message 1" in brain.reply((), "How long is the way?")


def test_stories_change_from_turn_to_turn() -> None:
    first, second = talk("a story", "another story")
    assert first != second
    assert math.isclose(len(first), len(second), rel_tol=0.5)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("12 * 7", "12 * 7 = **84**"),
        ("what is 1.5 + 2?", "1.5 + 2 = **3.5**"),
        ("9 - 12", "9 - 12 = **-3**"),
        ("1/0", "Nothing can be divided by zero, not even here."),
    ],
)
def test_it_calculates(question: str, answer: str) -> None:
    assert brain.reply((), question) == answer


def test_a_date_is_no_sum() -> None:
    assert "message 1" in brain.reply((), "We met on 2024-01-15")


def test_it_says_what_files_it_has_received() -> None:
    pdf, photo = Attached("notes.pdf", "application/pdf", 12_345), Attached("a.png", "image/png", None)
    assert brain.reply((), " ", (pdf,)).startswith("I have received **notes.pdf** (application/pdf, 12.3 kB).")
    answer = brain.reply((), "12 * 7", (pdf, photo))
    assert "**a.png** (image/png)" in answer
    assert answer.endswith("**84**")


def test_it_draws_only_where_there_is_a_tool_for_it() -> None:
    assert brain.picture_wanted("Please draw me a wild cat!") == "a wild cat"
    assert brain.picture_wanted("I like to draw") is None
    assert "a wild cat" in brain.reply((), "draw a wild cat", draws=True)
    assert "no brushes" in brain.reply((), "draw a wild cat")


def test_it_says_through_which_system_it_speaks_and_what_one_can_ask() -> None:
    assert "**goapi**" in brain.reply((), "Who are you?", via="goapi")
    assert "`everything`" in brain.reply((), "help")
