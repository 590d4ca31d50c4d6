"""What is told of a turn, and that telling never disturbs it."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import TypeVar

import pytest

from core.errors import AnswerInterrupted, PlatformUnavailable, SlowDown, UpstreamUnavailable
from core.model import Done, Text, ThreadId
from core.observing import (
    Accepted,
    Asked,
    Began,
    Called,
    Ended,
    FirstSign,
    FirstText,
    Happening,
    Paced,
    Shown,
    Watch,
    ids,
    observed_by,
    saying,
)
from core.tables import State
from tests.console.test_health import turn
from tests.core.conftest import Start
from tests.fakes import FakeBridge, FakeUpstream

HELLO = (Text("Hello "), Text("Ann."), Done())
T = TypeVar("T")


class Seen(list[Happening]):
    def of(self, kind: type[T]) -> list[T]:
        return [one for one in self if isinstance(one, kind)]


async def test_a_turn_tells_of_each_of_its_moments_once_and_in_order(start: Start) -> None:
    seen = Seen()
    async with start(FakeUpstream(HELLO), observe=seen.append) as run:
        await run.say("Hi")
        [turn] = await run.settled()
    once = [type(one) for one in seen if not isinstance(one, Called | Paced)]
    assert Counter(once) == Counter([Accepted, Began, FirstSign, FirstText, Asked, Shown, Ended])
    assert once.index(FirstSign) < once.index(FirstText) < once.index(Shown) < once.index(Ended)
    [ended] = seen.of(Ended)
    assert (ended.upstream, ended.outcome, ended.reply) == ("main", State.ANSWERED, "Hello Ann.")
    assert {one.turn.id for one in seen if not isinstance(one, Accepted)} == {turn.id}  # type: ignore[union-attr]
    assert all(one.seconds >= 0 for one in seen if not isinstance(one, Began))  # type: ignore[union-attr]


async def test_calls_are_told_as_the_platform_was_called(start: Start) -> None:
    seen = Seen()
    more = asyncio.Event()
    upstream = FakeUpstream((Text("x" * 150), more, Text("y" * 150), Done()))
    async with start(upstream, FakeBridge(limit=200), observe=seen.append) as run:
        await run.say()
        await run.bridge.until(lambda: run.bridge.messages)
        more.set()
        await run.settled()
    calls = Counter(one.call for one in seen.of(Called))
    assert calls["create"] == run.bridge.calls["create"] == 2
    assert len(seen.of(Paced)) == len(seen.of(Called))
    # a step that only says that the text is final needs no call
    assert calls["edit"] <= run.bridge.calls["edit"]


async def test_a_refusal_is_told_with_its_error(start: Start) -> None:
    seen = Seen()
    bridge = FakeBridge()
    bridge.trouble = lambda call, count: {0: SlowDown(0.01), 1: PlatformUnavailable(detail="away")}.get(
        count if call == "create" else 9
    )
    async with start(FakeUpstream(HELLO), bridge, observe=seen.append) as run:
        await run.say()
        await run.settled()
    errors = [type(one.error) for one in seen.of(Called)]
    assert errors[:3] == [SlowDown, PlatformUnavailable, type(None)]


async def test_a_placeholder_is_a_sign_and_no_text(start: Start) -> None:
    seen = Seen()
    go = asyncio.Event()
    async with start(FakeUpstream((go, *HELLO)), FakeBridge(placeholder=True), observe=seen.append) as run:
        await run.say()
        await run.bridge.until(lambda: seen.of(FirstSign))
        assert not seen.of(FirstText)
        go.set()
        await run.settled()
    assert len(seen.of(FirstText)) == 1


async def test_whom_was_asked_and_what_it_failed_with(start: Start) -> None:
    seen = Seen()
    async with start(
        FakeUpstream((UpstreamUnavailable(),)),
        backups=(FakeUpstream((Text("half"), AnswerInterrupted()), name="second"),),
        observe=seen.append,
    ) as run:
        await run.say()
        await run.settled()
    told = [(one.upstream, type(one.error)) for one in seen.of(Asked)]
    assert told == [("main", UpstreamUnavailable), ("second", AnswerInterrupted)]
    [ended] = seen.of(Ended)
    assert (ended.upstream, ended.outcome) == ("second", State.FAILED)


async def test_a_turn_taken_up_again_tells_of_no_first_sign(start: Start) -> None:
    never = asyncio.Event()
    async with start(FakeUpstream((Text("begun"), never)), drain_within=0) as run:
        await run.say()
        await run.bridge.until(lambda: run.bridge.texts() == ["begun"])
        bridge = run.bridge
    seen = Seen()
    async with start(FakeUpstream(HELLO), bridge, observe=seen.append) as run:
        await run.settled()
    assert [one.turn.attempt for one in seen.of(Began)] == [2]
    assert not seen.of(FirstSign)
    assert not seen.of(FirstText)
    assert len(seen.of(Ended)) == 1


def test_what_is_cut_off_is_neither_a_success_nor_a_failure() -> None:
    seen = Seen()
    watch = Watch(turn(), seen.append)
    for block in (watch.calling("edit"), watch.pacing(), watch.asking("main")):
        with pytest.raises(asyncio.CancelledError), block:
            raise asyncio.CancelledError
    assert [type(one) for one in seen] == [Began]


async def test_an_observer_that_fails_disturbs_nobody(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    seen = Seen()

    def broken(_: Happening) -> None:
        raise ZeroDivisionError

    async with start(FakeUpstream(HELLO), observe=observed_by(broken, seen.append)) as run:
        await run.say()
        await run.say()
        turns = await run.settled()
    assert [turn.state for turn in turns] == [State.ANSWERED] * 2
    assert len(seen.of(Ended)) == 2
    complaints = [record for record in caplog.records if "could not be measured" in record.message]
    assert len(complaints) == 1


# --- logs -------------------------------------------------------------------------------------------------------------


async def test_everything_logged_about_a_turn_carries_its_ids(start: Start) -> None:
    said: list[tuple[str, dict[str, object]]] = []

    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append((record.getMessage(), dict(ids())))

    handler = Keeping()
    logging.getLogger("core").addHandler(handler)
    logging.getLogger("core").setLevel(logging.INFO)
    bridge = FakeBridge()
    bridge.trouble = lambda call, count: SlowDown(0.01) if (call, count) == ("create", 0) else None
    try:
        async with start(FakeUpstream((UpstreamUnavailable(),), HELLO), bridge) as run:
            await run.say(thread=ThreadId("fake:harbour:1"))
            await run.settled()
            await run.say(thread=ThreadId("fake:harbour:2"))
            turns = await run.settled()
    finally:
        logging.getLogger("core").removeHandler(handler)
        logging.getLogger("core").setLevel(logging.NOTSET)
    by_turn = {turn.id: turn.thread for turn in turns}
    about = [(message, with_) for message, with_ in said if "accepted" not in message]
    assert len(about) >= 4  # the failure, the refusal, and both ends
    for message, with_ in about:
        assert by_turn[with_["turn_id"]] == with_["thread_id"], message


def test_ids_are_those_of_the_block_alone() -> None:
    with saying(thread_id="a"):
        with saying(turn_id=1):
            assert ids() == {"thread_id": "a", "turn_id": 1}
        assert ids() == {"thread_id": "a"}
    assert ids() == {}
