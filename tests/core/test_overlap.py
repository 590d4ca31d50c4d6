"""Messages that come while an earlier one is open, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import overlap
from core.model import Attachment, Done, Text
from core.overlap import following
from core.settings import Access, Overlapping
from core.statements import now
from core.store import Store
from core.tables import State, Turn
from tests.core.conftest import Harness, Start, turns_of
from tests.fakes import FakeUpstream
from tests.messages import message

HELLO = (Text("Hello."), Done())
MERGE, INTERRUPT = Overlapping(overlap="merge"), Overlapping(overlap="interrupt")


# --- what belongs together ------------------------------------------------------------------------------------------

MOMENT = now()


def turn(author: str = "ann", **changed: Any) -> Turn:
    values: dict[str, Any] = {
        "author": author,
        "command": "",
        "attempt": 0,
        "accepted_at": MOMENT,
        "stop_requested": False,
    }
    return Turn(**values | {"merges": False, "not_before": None, "album": None} | changed)


def gathering(second: float, within: float = 2.0) -> Turn:
    at = MOMENT + timedelta(seconds=second)
    return turn(accepted_at=at, not_before=at + timedelta(seconds=within))


TURNS = st.lists(
    st.builds(
        turn,
        st.sampled_from(["ann", "bob"]),
        command=st.sampled_from(["", "", "", "help"]),
        attempt=st.sampled_from([0, 0, 0, 1]),
        stop_requested=st.sampled_from([False, False, True]),
        merges=st.booleans(),
        album=st.sampled_from([None, "a", "b"]),
        accepted_at=st.integers(0, 5).map(lambda second: MOMENT + timedelta(seconds=second)),
        not_before=st.one_of(st.none(), st.integers(0, 9).map(lambda second: MOMENT + timedelta(seconds=second))),
    ),
    max_size=8,
)


@given(TURNS, TURNS.filter(bool))
def test_what_follows_is_an_unbroken_row_of_the_same_persons_questions(others: list[Turn], firsts: list[Turn]) -> None:
    first = firsts[0]
    found = list(following(first, others))
    assert all(one is other for one, other in zip(found, others, strict=False))
    for one in found:
        assert (one.author, one.command, one.attempt, one.stop_requested) == (first.author, "", 0, False)
        assert one.merges or one.not_before is not None or (one.album is not None and one.album == first.album)


def test_a_burst_goes_on_as_long_as_nobody_is_silent_for_so_long() -> None:
    row = [gathering(0), gathering(1.5), gathering(3), gathering(6)]
    assert list(following(row[0], row[1:])) == row[1:3]
    assert list(following(turn(), row)) == []


# --- merge ------------------------------------------------------------------------------------------------------------


def photo(name: str) -> tuple[Attachment, ...]:
    return (Attachment(name, "image/png", 3, name),)


async def test_what_waits_becomes_one_turn(start: Start) -> None:
    go = asyncio.Event()
    upstream = FakeUpstream((Text("slow"), go, Done()), HELLO)
    async with start(upstream, overlapping=MERGE) as run:
        await run.say("one")
        await upstream.asked.wait()
        await run.say("two", attachments=photo("a"))
        await run.say("three")
        await run.say("", attachments=photo("b"))
        go.set()
        turns = await run.settled()
    assert [prompt.text for prompt in upstream.prompts] == ["one", "two\n\nthree"]
    assert [file.name for file in upstream.prompts[1].attachments] == ["a", "b"]
    assert run.bridge.texts() == ["slow", "Hello."]
    assert [one.state for one in turns] == [State.ANSWERED] * 4
    assert [one.merged_into for one in turns] == [None, None, turns[1].id, turns[1].id]
    assert all(one.ended_at for one in turns)


async def test_of_a_flood_so_many_are_one_prompt_and_the_rest_the_next(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overlap, "MOST", 3)
    held = asyncio.Event()
    upstream = FakeUpstream([Text("Hello"), held, Done()], HELLO)
    async with start(upstream, overlapping=MERGE) as run:
        await run.say("first")
        await run.bridge.until(lambda: upstream.prompts)
        for number in range(6):
            await run.say(str(number))
        held.set()
        await run.settled()
    assert [one.text for one in upstream.prompts] == ["first", "0\n\n1\n\n2\n\n3", "4\n\n5"]


async def test_others_and_commands_are_not_merged_and_keep_their_order(start: Start) -> None:
    go = asyncio.Event()
    upstream = FakeUpstream((Text("slow"), go, Done()), HELLO)
    async with start(upstream, overlapping=MERGE) as run:
        await run.say("one")
        await upstream.asked.wait()
        for author, text in (("u1", "two"), ("u2", "three"), ("u2", "four"), ("u1", "five")):
            await run.say(text, author=author)
        await run.say("help", command="help")
        await run.say("six")
        go.set()
        await run.settled()
    assert [prompt.text for prompt in upstream.prompts] == ["one", "two", "three\n\nfour", "five", "six"]


async def test_retry_asks_all_that_was_merged(start: Start) -> None:
    go = asyncio.Event()
    upstream = FakeUpstream((Text("slow"), go, Done()), HELLO)
    async with start(upstream, overlapping=MERGE) as run:
        await run.say("one")
        await upstream.asked.wait()
        await run.say("two")
        await run.say("three")
        go.set()
        await run.settled()
        await run.say("retry", command="retry")
        await run.settled()
    assert upstream.prompts[-1].text == "two\n\nthree"


async def test_what_was_merged_survives_a_stop_of_the_program(start: Start) -> None:
    go = asyncio.Event()
    first = FakeUpstream((Text("slow"), go, Done()), (asyncio.Event(),))
    async with start(first, overlapping=MERGE, drain_within=0) as run:
        await run.say("one")
        await first.asked.wait()
        await run.say("two")
        await run.say("three")
        first.asked.clear()
        go.set()
        await first.asked.wait()
    second = FakeUpstream(HELLO)
    async with start(second, bridge=run.bridge, overlapping=MERGE) as run:
        turns = await run.settled()
    assert [prompt.text for prompt in second.prompts] == ["two\n\nthree"]
    assert [one.state for one in turns] == [State.ANSWERED] * 3


async def test_taking_in_twice_takes_nothing_twice(start: Start) -> None:
    """The transaction may have been committed although its answer was lost."""
    async with start(FakeUpstream(HELLO)) as run:
        for text in ("one", "two", "three"):
            assert await run.store.record("fake", message(text), overlapping=MERGE)
        first = await run.store.claim(message().thread)
        assert first is not None
        for _ in range(2):
            await run.store.gather(first)
            assert first.prompt == "one\n\ntwo\n\nthree"
        assert await run.store.close(first, State.STOPPED) is None
        assert [one.state for one in await turns_of(run.store)] == [State.STOPPED] * 3


# --- interrupt --------------------------------------------------------------------------------------------------------


async def test_a_new_message_takes_the_place_of_the_answer_to_the_same_person(start: Start) -> None:
    upstream = FakeUpstream((Text("a long story"), asyncio.Event()), HELLO)
    async with start(upstream, overlapping=INTERRUPT) as run:
        await run.say("tell me a story")
        await run.bridge.until(lambda: "a long story" in run.bridge.texts())
        await run.say("no, a joke")
        turns = await run.settled()
    assert [one.state for one in turns] == [State.STOPPED, State.ANSWERED]
    assert upstream.abandoned == 1
    assert run.bridge.texts() == ["a long story\n\n⏹ *Stopped.*", "Hello."]


async def test_nobody_interrupts_the_answer_to_somebody_else(start: Start) -> None:
    go = asyncio.Event()
    upstream = FakeUpstream((Text("slow"), go, Done()), HELLO)
    async with start(upstream, overlapping=INTERRUPT) as run:
        await run.say("one")
        await upstream.asked.wait()
        await run.say("two", author="u2")
        await run.say("help", command="help")
        go.set()
        turns = await run.settled()
    assert [one.state for one in turns] == [State.ANSWERED] * 3


async def test_what_was_said_before_the_interruption_took_effect_is_not_lost(start: Start) -> None:
    """Three messages at once: the first is stopped, or asked with the others; the rest is one question."""
    upstream = FakeUpstream((Text("slow"), asyncio.Event()), HELLO)
    async with start(upstream, overlapping=INTERRUPT) as run:
        await run.say("one")
        await run.bridge.until(lambda: run.bridge.texts() == ["slow"])
        for text in ("two", "three"):
            assert await run.store.record("fake", message(text), overlapping=INTERRUPT)
        await run.say("four")
        await run.settled()
    assert [prompt.text for prompt in upstream.prompts] == ["one", "two\n\nthree\n\nfour"]


# --- bursts and albums ------------------------------------------------------------------------------------------------


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Albums may take their time to arrive, and nobody waits for them."""
    monkeypatch.setattr(overlap, "ALBUM", timedelta(seconds=60))
    monkeypatch.setattr(overlap, "LONGEST", 0.0)


@asynccontextmanager
async def busy(start: Start, **changed: Any) -> AsyncIterator[Harness]:
    """What is said in this block comes while somebody else is being answered; at its end all is answered."""
    go = asyncio.Event()
    async with start(FakeUpstream((Text("slow"), go, Done()), HELLO), **changed) as run:
        await run.say("first", author="somebody else")
        await run.upstream.asked.wait()
        yield run
        go.set()
        await run.settled()


@pytest.mark.usefixtures("at_once")
async def test_a_burst_is_answered_as_one(start: Start) -> None:
    async with busy(start, overlapping=Overlapping(gather_within=60)) as run:
        for text in ("one", "two", "three"):
            await run.say(text)
    assert [prompt.text for prompt in run.upstream.prompts] == ["first", "one\n\ntwo\n\nthree"]


@pytest.mark.usefixtures("at_once")
async def test_an_album_is_one_question_and_counts_once(start: Start) -> None:
    async with busy(start, access=Access(policy="open", turns_per_minute=2)) as run:
        await run.say("What is on these?", album="a1", attachments=photo("a"))
        for name in "bcd":
            await run.say("", album="a1", attachments=photo(name), addressed=False)
        await run.say("", author="u2", album="a2", attachments=photo("x"), addressed=False)
        await run.say("and then")
    assert [prompt.text for prompt in run.upstream.prompts] == ["first", "What is on these?", "and then"]
    assert [file.name for file in run.upstream.prompts[1].attachments] == ["a", "b", "c", "d"]


@pytest.mark.parametrize("changed", [{"album": "a1"}, {}])
async def test_what_still_waits_for_more_is_not_interrupted_by_it(
    store: Store, changed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Overlapping(overlap="interrupt", gather_within=0 if changed else 60)
    first = await store.record("fake", message("one", **changed), overlapping=settings)
    assert await store.claim(message().thread)
    more = await store.record("fake", message("two", **changed), overlapping=settings)
    monkeypatch.setattr(overlap, "now", lambda: now() + timedelta(seconds=90))
    later = await store.record("fake", message("three"), overlapping=settings)
    assert first
    assert more
    assert later
    assert (more.stops, later.stops) == (None, first.turn)


async def test_a_burst_that_waits_for_more_can_be_stopped(start: Start) -> None:
    upstream = FakeUpstream(HELLO)
    async with start(upstream, overlapping=Overlapping(gather_within=60)) as run:
        await run.say("one")
        await run.say("stop", command="stop")
        turns = await run.settled()
    assert [one.state for one in turns] == [State.STOPPED, State.ANSWERED]
    assert upstream.prompts == []
