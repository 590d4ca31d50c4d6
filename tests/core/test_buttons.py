"""What a press does to the record: to the turn that it is about, by whoever may talk, and once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import commands
from core.banning import Bans
from core.controls import (
    LABELS,
    LONGEST_DATA,
    MOST_CHOICES,
    Choice,
    Control,
    Controls,
    NotTaken,
    Pressed,
    choosing,
    finished,
    growing,
    key,
    pressed,
)
from core.forgetting import forget_thread
from core.model import Done, Message, Text, ThreadId
from core.settings import Access
from core.tables import State
from tests.core.conftest import Start
from tests.fakes import FakeUpstream
from tests.messages import message


@given(st.sampled_from(sorted(LABELS)), st.integers(1, 2**53))
def test_what_a_button_says_is_understood(control: Control, turn: int) -> None:
    data = Controls(turn, (control,)).data(control)
    assert pressed(data) == Pressed(control, turn)
    assert len(data.encode()) <= LONGEST_DATA


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.integers(1, 10**18 - 1))
def test_a_name_of_any_length_is_chosen_by_a_button(name: str, turn: int) -> None:
    data = choosing(turn, [name], "").data(Control.USE, name)
    assert len(data.encode()) <= LONGEST_DATA
    assert pressed(data) == Pressed(Control.USE, turn, key(name))
    assert key(name) == name or len(name.encode()) > 40


def test_long_names_that_begin_alike_are_told_apart() -> None:
    assert key("a" * 100 + "b") != key("a" * 100 + "c")


@given(st.text(min_size=1), st.integers(2, 80), st.booleans())
def test_a_label_is_no_longer_than_it_may_be(name: str, longest: int, present: bool) -> None:
    assert 1 <= len(Choice(name, present).label(longest)) <= longest


def test_only_so_many_are_offered_as_a_message_has_buttons() -> None:
    offered = choosing(1, [f"n{number}" for number in range(MOST_CHOICES + 5)], "n1")
    assert len(offered.choices) == MOST_CHOICES
    assert [one.name for one in offered.choices if one.present] == ["n1"]
    assert offered
    assert not Controls(1)


@given(st.text(max_size=100))
def test_what_others_say_is_none_of_ours(data: str) -> None:
    found = pressed(data)
    assert found is None or found.control == data.split(":")[0]


@pytest.mark.parametrize(
    "data",
    ["", "stop", "stop:", "stop:-1", "stop:1x", "stop:²", "help:1", "stop:" + "9" * 30, "use:1", "use:1:", "stop:1:x"],
)
def test_what_is_no_button_is_none(data: str) -> None:
    assert pressed(data) is None


def test_an_answer_alone_is_rated() -> None:
    assert Control.GOOD in finished(1, answered=True).offered
    assert Control.GOOD not in finished(1, answered=False).offered
    assert growing(1).offered == (Control.STOP,)
    assert set(LABELS) == set(Control) - {Control.USE}


def press(command: str, about: int, **changed: Any) -> Message:
    return message("", command=command, about=about, **changed)


async def test_a_rating_is_kept_with_its_turn_and_may_be_changed(start: Start) -> None:
    async with start(FakeUpstream([Text("Hello Ann."), Done()])) as run:
        await run.say()
        await run.settled()
        assert await run.relay.accept(press("good", 1)) is None
        assert await run.relay.accept(press("bad", 1)) is None
        elsewhere = await run.relay.accept(press("good", 1, thread=ThreadId("fake:elsewhere")))
        assert elsewhere == NotTaken(commands.UNKNOWN_ANSWER)
        (turn,) = await run.settled()
        assert turn.rating == -1


async def test_a_rating_of_what_is_off_the_record_is_not_thanked(start: Start) -> None:
    async with start(FakeUpstream([Text("Hello Ann."), Done()])) as run:
        await run.say()
        await run.settled()
        await forget_thread(run.store._engine, message().thread)
        assert await run.relay.accept(press("good", 1)) == NotTaken(commands.UNKNOWN_ANSWER)


async def test_a_stranger_presses_in_vain(start: Start) -> None:
    access = Access(policy="list", users=("u1",))
    async with start(FakeUpstream([Text("Hello Ann."), Done()]), access=access) as run:
        await run.say()
        await run.settled()
        for one in ("good", "stop"):
            not_taken = await run.relay.accept(press(one, 1, author="eve"))
            assert not_taken is not None
            assert "whom my operator has let in" in not_taken.note
        (turn,) = await run.settled()
        assert (turn.rating, turn.stop_requested) == (None, False)
        assert run.bridge.texts() == ["Hello Ann."], "nobody else is told anything"


async def test_where_strangers_hear_nothing_a_press_of_theirs_is_not_thanked_either(start: Start) -> None:
    access = Access(policy="list", users=("u1",), denied="silence")
    async with start(FakeUpstream([Text("Hello Ann."), Done()]), access=access) as run:
        await run.say()
        await run.settled()
        assert await run.relay.accept(press("good", 1, author="eve")) == NotTaken("")


async def test_in_a_place_that_is_not_served_nothing_is_pressed(start: Start) -> None:
    async with start(FakeUpstream(), access=Access(policy="open", channels=("elsewhere",))) as run:
        not_taken = await run.relay.accept(press("good", 1))
        assert not_taken is not None
        assert "I do not answer here." in not_taken.note


async def test_who_is_banned_presses_in_vain(start: Start) -> None:
    async with start(FakeUpstream([Text("Hello Ann."), Done()])) as run:
        await run.say()
        await run.settled()
        await Bans(run.store._engine).ban("fake", "u1")
        assert await run.relay.accept(press("good", 1)) == NotTaken("")
        (turn,) = await run.settled()
        assert turn.rating is None


async def test_an_old_button_does_not_stop_what_is_written_now(start: Start) -> None:
    held = asyncio.Event()
    upstream = FakeUpstream([Text("one"), Done()], [Text("two"), held, Done()])
    async with start(upstream) as run:
        await run.say()
        await run.settled()
        await run.say()
        await run.bridge.until(lambda: len(upstream.prompts) == 2)
        assert await run.relay.accept(press("stop", 1)) == NotTaken(commands.ENDED)
        assert await run.relay.accept(press("stop", 2, author="u2")) is None
        held.set()
        assert [turn.state for turn in await run.settled()] == [State.ANSWERED, State.STOPPED]


async def test_retry_by_a_button_is_asked_once_however_often_it_is_delivered(start: Start) -> None:
    async with start(FakeUpstream([Text("one"), Done()])) as run:
        await run.say()
        await run.settled()
        again = press("retry", 1)
        await run.relay.accept(again)
        await run.settled()
        await run.relay.accept(again)
        await run.settled()
        assert len(run.upstream.prompts) == 2
