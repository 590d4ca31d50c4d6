"""What a press does to the record: to the turn that it is about, by whoever may talk, and once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.banning import Bans
from core.controls import LABELS, Control, Controls, finished, growing, pressed
from core.model import Done, Message, Text, ThreadId
from core.settings import Access
from core.tables import State
from tests.core.conftest import Start
from tests.fakes import FakeUpstream
from tests.messages import message


@given(st.sampled_from(list(Control)), st.integers(1, 2**53))
def test_what_a_button_says_is_understood(control: Control, turn: int) -> None:
    data = Controls(turn, (control,)).data(control)
    assert pressed(data) == (control, turn)
    assert len(data.encode()) <= 64, "Telegram takes no more"


@given(st.text(max_size=100))
def test_what_others_say_is_none_of_ours(data: str) -> None:
    found = pressed(data)
    assert found is None or Controls(found[1]).data(found[0]).split(":")[0] == data.split(":")[0]


@pytest.mark.parametrize("data", ["", "stop", "stop:", "stop:-1", "stop:1x", "stop:²", "help:1", "stop:" + "9" * 30])
def test_what_is_no_button_is_none(data: str) -> None:
    assert pressed(data) is None


def test_an_answer_alone_is_rated() -> None:
    assert Control.GOOD in finished(1, answered=True).offered
    assert Control.GOOD not in finished(1, answered=False).offered
    assert growing(1).offered == (Control.STOP,)
    assert set(LABELS) == set(Control)


def press(command: str, about: int, **changed: Any) -> Message:
    return message("", command=command, about=about, **changed)


async def test_a_rating_is_kept_with_its_turn_and_may_be_changed(start: Start) -> None:
    async with start(FakeUpstream([Text("Hello Ann."), Done()])) as run:
        await run.say()
        await run.settled()
        await run.relay.accept(press("good", 1))
        await run.relay.accept(press("bad", 1))
        await run.relay.accept(press("good", 1, thread=ThreadId("fake:elsewhere")))
        (turn,) = await run.settled()
        assert turn.rating == -1


async def test_a_stranger_presses_in_vain(start: Start) -> None:
    access = Access(policy="list", users=("u1",))
    async with start(FakeUpstream([Text("Hello Ann."), Done()]), access=access) as run:
        await run.say()
        await run.settled()
        await run.relay.accept(press("good", 1, author="eve"))
        await run.relay.accept(press("stop", 1, author="eve"))
        (turn,) = await run.settled()
        assert (turn.rating, turn.stop_requested) == (None, False)
        assert run.bridge.texts() == ["Hello Ann."], "nobody is told anything"


async def test_who_is_banned_presses_in_vain(start: Start) -> None:
    async with start(FakeUpstream([Text("Hello Ann."), Done()])) as run:
        await run.say()
        await run.settled()
        await Bans(run.store._engine).ban("fake", "u1")
        await run.relay.accept(press("good", 1))
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
        await run.relay.accept(press("stop", 1))
        held.set()
        assert [turn.state for turn in await run.settled()] == [State.ANSWERED, State.ANSWERED]


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
