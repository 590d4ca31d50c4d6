"""Our question in an upstream's own record, and its answer: found, waited for, or left alone in doubt."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UpstreamUnavailable
from core.model import Exchange, Prompt
from core.upstream import Asked, Remembered
from core.upstream.adapter import with_history
from core.upstream.recall import LONGEST, PAUSES, answer_in, recalled
from tests import virtual_time

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
NOTE = "[The file a.bin could not be passed on: the assistant takes no files.]"


def said(role: Literal["user", "assistant"], text: str, at: datetime | None = None) -> Remembered:
    return Remembered("m", role, text, at)


def asked(text: str = "Why?", before: int = 0) -> Asked:
    return Asked(Prompt(text, "user1", conversation_id="c-1"), since=NOW, before=before)


EARLIER = [said("user", "Hello"), said("assistant", "Good day.")]


def test_the_answer_to_the_last_question_is_found() -> None:
    assert answer_in([*EARLIER, said("user", "Why?"), said("assistant", "Because.")], asked()) == "Because."


def test_a_question_without_an_answer_may_still_get_one() -> None:
    assert answer_in([*EARLIER, said("user", "Why?")], asked()) == ""


@pytest.mark.parametrize(
    "record",
    [
        [],
        EARLIER,
        [said("assistant", "Welcome!")],
        [*EARLIER, said("user", "Why not?"), said("assistant", "Because.")],
        [said("user", "Why?"), said("assistant", "Because."), *EARLIER],
        [said("user", "Why?"), said("assistant", "Let me see."), said("assistant", "Because.")],
        [said("user", "Why?", NOW - timedelta(seconds=1)), said("assistant", "Because.")],
    ],
    ids=["empty", "never arrived", "a greeting", "another text", "not the last", "two messages", "too early"],
)
def test_in_doubt_nothing_is_found(record: Sequence[Remembered]) -> None:
    assert answer_in(record, asked()) is None


def test_a_question_without_words_cannot_be_told_from_another() -> None:
    assert answer_in([said("user", ""), said("assistant", "A cat.")], asked("")) is None


@pytest.mark.parametrize(
    "sent",
    [
        with_history("Why?", (Exchange("Hello", "Good day."),)),
        f"{NOTE}\n\nWhy?",
        f"{NOTE}\n{NOTE}\n\nWhy?",
        with_history(f"{NOTE}\n\nWhy?", (Exchange("Why?", "Because."),)),
        "Why?\n",
    ],
)
def test_what_an_adapter_put_before_the_text_does_no_harm(sent: str) -> None:
    assert answer_in([*EARLIER, said("user", sent), said("assistant", "Because.")], asked()) == "Because."


def test_the_same_text_asked_twice_is_told_apart_by_its_number() -> None:
    once = [said("user", "Why?"), said("assistant", "Because.")]
    assert answer_in(once, asked(before=1)) is None
    assert answer_in([*once, said("user", "Why?"), said("assistant", "As I said.")], asked(before=1)) == "As I said."


# --- any life of a conversation -----------------------------------------------------------------------------------

TEXTS = st.sampled_from(["yes", "no", "say yes", " yes "])
ATTEMPTS = st.lists(st.sampled_from(["lost", "asked", "answered"]), min_size=1, max_size=3)
"""What became of each time a turn was sent: it never arrived, is without an answer, or has one."""
PREFIXES = st.sampled_from(["", f"{NOTE}\n\n"])


@given(st.lists(st.tuples(TEXTS, ATTEMPTS, PREFIXES), min_size=1, max_size=6))
def test_an_answer_that_is_found_is_always_one_to_our_question(turns: list[tuple[str, list[str], str]]) -> None:
    record: list[Remembered] = []
    for number, (text, attempts, prefix) in enumerate(turns):
        for fate in attempts:
            if fate != "lost":
                record.append(said("user", prefix + text))
            if fate == "answered":
                record.append(said("assistant", f"answer of turn {number}"))
    *earlier, (text, attempts, _) = turns
    before = sum(len(sent) for other, sent, _ in earlier if other.strip() == text.strip())
    found = answer_in(record, asked(text, before))
    ours = f"answer of turn {len(turns) - 1}"
    assert found in (None, "", ours)
    arrived = [fate for fate in attempts if fate != "lost"]
    if arrived and not before:
        assert found == (ours if arrived[-1] == "answered" else "")


# --- waiting for one that is being written ------------------------------------------------------------------------


def remembering(*answers: tuple[float, str]) -> tuple[list[float], str | None]:
    """When the record is looked at, and what is found, if it has our question, and these answers from these times."""
    looks: list[float] = []

    async def look() -> list[Remembered]:
        now = asyncio.get_running_loop().time()
        looks.append(now)
        given = [text for since, text in answers if since <= now]
        return [said("user", "Why?"), *[said("assistant", text) for text in given[-1:]]]

    return looks, virtual_time.run(recalled(look, asked(), sleep=asyncio.sleep))


def test_a_finished_answer_is_looked_at_twice() -> None:
    looks, found = remembering((0, "Because."))
    assert found == "Because."
    assert len(looks) == 2


def test_an_answer_that_is_being_written_is_waited_for() -> None:
    assert remembering((4, "Because."))[1] == "Because."


def test_an_answer_that_still_grows_is_not_finished() -> None:
    assert remembering((0, "Be"), (0.5, "Becau"), (2, "Because."))[1] == "Because."


def test_what_never_comes_is_waited_for_a_short_while() -> None:
    looks, found = remembering()
    assert found is None
    assert looks[-1] == sum(PAUSES)


def test_half_characters_do_not_get_through() -> None:
    assert remembering((0, "Because \ud83d"))[1] == "Because \ufffd"


def test_a_record_that_is_slow_to_read_does_not_hold_the_person_for_ever() -> None:
    async def look() -> list[Remembered]:
        await asyncio.sleep(3600)
        return []

    async def main() -> float:
        assert await recalled(look, asked(), sleep=asyncio.sleep) is None
        return asyncio.get_running_loop().time()

    assert virtual_time.run(main()) == LONGEST


def test_a_record_that_cannot_be_read_is_an_error() -> None:
    async def look() -> list[Remembered]:
        raise UpstreamUnavailable

    with pytest.raises(UpstreamUnavailable):
        virtual_time.run(recalled(look, asked(), sleep=asyncio.sleep))
