"""The sign on a message that waits: when it comes, that it goes, and what a crash leaves of it, on both databases."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import URL, update

from core import waiting
from core.bridge import Signing
from core.database import opened, transaction
from core.errors import MessageMissing, PlatformError, PlatformRefused, PlatformUnavailable, SlowDown
from core.forgetting import forget_person, forget_thread
from core.model import Done, Message, MessageId, Text, ThreadId
from core.pace import Call, Pacer
from core.settings import Access, Overlapping
from core.statements import LEFT_SIGN, TURN, now
from core.store import Store
from core.tables import State, Turn
from core.waiting import WaitingSigns
from tests.core.conftest import turns_of
from tests.fakes import FakeBridge, FakeUpstream, SigningBridge, Step
from tests.local import LocalRelay
from tests.messages import message

HELLO = (Text("Hello."), Done())


class HeldPacer(Pacer):
    """Gives no leave to sign before `free`."""

    def __init__(self, bridge: FakeBridge) -> None:
        super().__init__(bridge.pace)
        self.free = asyncio.Event()
        self.asking = self.over = 0
        self.changed = bridge.changed

    async def leave(self, thread: ThreadId, call: Call, *, urgent: bool) -> None:
        assert not urgent, "first texts and last edits go first"
        self.asking += 1
        self.changed.set()
        try:
            await self.free.wait()
        finally:
            self.over += 1
            self.changed.set()


@dataclass
class Life:
    """One run of the program on a database and a platform."""

    relay: LocalRelay
    store: Store
    bridge: SigningBridge
    said: list[Message] = field(default_factory=list)

    async def say(self, text: str = "Hello", **changed: Any) -> MessageId:
        self.said.append(message(text, **changed))
        await self.relay.accept(self.said[-1])
        return self.said[-1].id

    async def turns(self) -> list[Turn]:
        return await turns_of(self.store)

    async def on_record(self) -> list[bool | None]:
        return [turn.waiting_sign for turn in await self.turns()]

    async def recorded(self, *wanted: bool | None) -> None:
        """Waits until the signs are so on record."""
        async with asyncio.timeout(20):
            while tuple(await self.on_record()) != wanted:  # noqa: ASYNC110 - nobody tells of a commit
                await asyncio.sleep(0.01)


@pytest.fixture
def live(url: URL, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    monkeypatch.setattr(waiting, "PATIENCE", 0.0)

    @asynccontextmanager
    async def begin(
        upstream: FakeUpstream,
        bridge: SigningBridge,
        *,
        pacer: Pacer | None = None,
        wanted: tuple[str, ...] = ("fake",),
        access: Access | None = None,
        overlapping: Overlapping | None = None,
    ) -> AsyncIterator[Life]:
        async with opened(url) as engine:
            store = Store(engine)
            signs = WaitingSigns(engine, {"fake": bridge}, {"fake": pacer or Pacer(bridge.pace)}, wanted)
            relay = LocalRelay(store, bridge, upstream, access=access, overlapping=overlapping, observe=signs.observe)
            async with signs.showing():
                await relay.recover()
                try:
                    yield Life(relay, store, bridge)
                finally:
                    await relay.stop(0.0)

    return begin


def held(count: int) -> tuple[FakeUpstream, list[asyncio.Event]]:
    """An upstream of which each answer ends when it is told to."""
    ends = [asyncio.Event() for _ in range(count)]
    scripts: list[list[Step]] = [[Text("Hello"), end, Done()] for end in ends]
    return FakeUpstream(*scripts), ends


async def test_it_comes_while_an_earlier_message_is_answered_and_goes_when_its_turn_begins(live: Any) -> None:
    bridge = SigningBridge()
    assert isinstance(bridge, Signing)
    upstream, ends = held(3)
    async with live(upstream, bridge) as life:
        await life.say()
        second, third = await life.say("and this?"), await life.say("and that?")
        await bridge.until(lambda: bridge.signed == {second, third})
        await life.recorded(None, True, True)
        ends[0].set()
        await bridge.until(lambda: bridge.signed == {third} and len(upstream.prompts) == 2)
        ends[1].set()
        await bridge.until(lambda: not bridge.signed)
        await life.recorded(None, None, None)
        ends[2].set()
        await life.relay.idle()
    assert sorted(bridge.asked) == sorted([(second, True), (third, True), (second, False), (third, False)])


async def test_there_is_none_where_nothing_waits(live: Any) -> None:
    bridge = SigningBridge()
    async with live(FakeUpstream(HELLO), bridge) as life:
        for _ in range(3):
            await life.say()
            await life.relay.idle()
        end = asyncio.Event()
        await life.say(thread=ThreadId("fake:elsewhere"))
        end.set()
        await life.relay.idle()
    assert bridge.asked == []


@pytest.mark.parametrize("case", ["command", "refused", "unwanted"])
async def test_there_is_none_on(live: Any, case: str) -> None:
    bridge = SigningBridge()
    upstream, ends = held(2)
    access = Access(policy="open", waiting_turns=1) if case == "refused" else Access(policy="open")
    async with live(upstream, bridge, access=access, wanted=() if case == "unwanted" else ("fake",)) as life:
        await life.say()
        await bridge.until(lambda: upstream.prompts)
        last = await life.say(command="status") if case == "command" else await life.say()
        if case == "refused":
            await bridge.until(lambda: bridge.signed == {last})
            last = await life.say("one too many")
            assert [turn.command for turn in await life.turns()] == ["", "", "refused"]
        for end in ends:
            end.set()
        await life.relay.idle()
    assert last not in [one for one, _ in bridge.asked]


async def test_what_begins_in_a_moment_gets_none(live: Any) -> None:
    bridge = SigningBridge()
    pacer = HeldPacer(bridge)
    upstream, ends = held(2)
    async with live(upstream, bridge, pacer=pacer) as life:
        await life.say()
        await life.say()
        await bridge.until(lambda: pacer.asking)
        ends[0].set()
        await bridge.until(lambda: len(upstream.prompts) == 2)
        pacer.free.set()
        ends[1].set()
        await life.relay.idle()
        assert await life.on_record() == [None, None]
    assert bridge.asked == []


async def test_a_sign_that_gets_no_leave_in_time_is_left_out(live: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "LATE", 0.01)
    bridge = SigningBridge()
    pacer = HeldPacer(bridge)
    upstream, ends = held(2)
    async with live(upstream, bridge, pacer=pacer) as life:
        await life.say()
        await life.say()
        await bridge.until(lambda: pacer.over)
        pacer.free.set()
        for end in ends:
            end.set()
        await life.relay.idle()
    assert bridge.asked == []


async def test_what_is_merged_waits_no_longer(live: Any) -> None:
    bridge = SigningBridge()
    upstream, ends = held(2)
    async with live(upstream, bridge, overlapping=Overlapping(overlap="merge")) as life:
        await life.say()
        await bridge.until(lambda: upstream.prompts)
        others = {await life.say("and this?"), await life.say("and that?")}
        await bridge.until(lambda: bridge.signed == others)
        await life.recorded(None, True, True)
        ends[0].set()
        await bridge.until(lambda: len(upstream.prompts) == 2 and not bridge.signed)
        assert [turn.state for turn in await life.turns()] == [State.ANSWERED, State.RUNNING, State.WAITING]
        await life.recorded(None, None, None)
        ends[1].set()
        await life.relay.idle()


async def test_of_an_album_the_first_alone_has_it(live: Any) -> None:
    bridge = SigningBridge()
    upstream, ends = held(2)
    async with live(upstream, bridge) as life:
        await life.say()
        first = await life.say("look", album="a")
        await bridge.until(lambda: bridge.signed == {first})
        await life.say("", album="a")
        last = await life.say("and?")
        await bridge.until(lambda: bridge.signed == {first, last})
        for end in ends:
            end.set()
        await bridge.until(lambda: not bridge.signed)
        await life.relay.idle()
    assert {one for one, _ in bridge.asked} == {first, last}


@pytest.mark.parametrize("error", [PlatformRefused(detail="not allowed"), SlowDown(3600.0), PlatformUnavailable()])
async def test_a_refusal_is_said_once_and_disturbs_nothing(
    live: Any, caplog: pytest.LogCaptureFixture, error: PlatformError
) -> None:
    caplog.set_level(logging.INFO, "core.waiting")
    bridge = SigningBridge()
    bridge.trouble = lambda call, count: error if call in ("sign", "unsign") else None
    upstream, ends = held(3)
    async with live(upstream, bridge) as life:
        await life.say()
        await life.say("and this?")
        await life.say("and that?")
        # who is told to slow down, or refused, does not ask for the other any more, if that is not on its way already
        await bridge.until(lambda: len(bridge.asked) >= (2 if isinstance(error, PlatformUnavailable) else 1))
        for end in ends:
            end.set()
        await life.relay.idle()
        assert [turn.state for turn in await life.turns()] == [State.ANSWERED] * 3
        if not isinstance(error, PlatformUnavailable):
            await life.recorded(None, None, None)
    put = [one for one, waits in bridge.asked if waits]
    assert len(put) == len(set(put)), "nothing is tried again"
    assert len([one for one in caplog.records if one.name == "core.waiting"]) == 1


async def test_a_channel_that_refuses_one_is_not_asked_again_within_the_hour(live: Any) -> None:
    bridge = SigningBridge()
    bridge.trouble = lambda call, count: PlatformRefused(detail="missing permissions") if count == 0 else None
    upstream, ends = held(5)
    async with live(upstream, bridge) as life:
        await life.say()
        first = await life.say()
        await bridge.until(lambda: bridge.asked)
        await life.recorded(None, None)
        await life.say("and this?")
        elsewhere = {"thread": ThreadId("fake:elsewhere"), "channel": "elsewhere"}
        await life.say(**elsewhere)
        other = await life.say(**elsewhere)
        await bridge.until(lambda: bridge.signed)
        for end in ends:
            end.set()
        await life.relay.idle()
        await life.recorded(None, None, None, None, None)
    assert [one for one, waits in bridge.asked if waits] == [first, other]


async def test_of_a_flood_only_so_many_ask_for_a_sign_at_a_time(live: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "MOST_OF_A_THREAD", 2)
    bridge = SigningBridge()
    pacer = HeldPacer(bridge)
    upstream, _ = held(1)
    async with live(upstream, bridge, pacer=pacer) as life:
        await life.say()
        await bridge.until(lambda: upstream.prompts)
        first = [await life.say() for _ in range(5)][:2]
        elsewhere = {"thread": ThreadId("fake:elsewhere"), "author": "u2"}
        await life.say(**elsewhere)
        other = await life.say(**elsewhere)
        await bridge.until(lambda: pacer.asking == 3)
        pacer.free.set()
        await bridge.until(lambda: bridge.signed == {*first, other})
        last = await life.say()
        await bridge.until(lambda: last in bridge.signed)


async def test_a_message_that_alone_can_have_none_closes_no_channel(live: Any) -> None:
    bridge = SigningBridge()
    bridge.trouble = lambda call, count: MessageMissing() if (call, count) == ("sign", 0) else None
    upstream, ends = held(3)
    async with live(upstream, bridge) as life:
        await life.say()
        await life.say()
        await bridge.until(lambda: bridge.asked)
        await life.recorded(None, None)
        second = await life.say()
        await bridge.until(lambda: bridge.signed == {second})
        for end in ends:
            end.set()
        await life.relay.idle()


@pytest.mark.parametrize("forget", ["person", "thread"])
async def test_what_is_forgotten_while_it_waits_loses_its_sign(
    live: Any, monkeypatch: pytest.MonkeyPatch, forget: str
) -> None:
    monkeypatch.setattr(waiting, "EVERY", 0.01)
    bridge = SigningBridge()
    upstream, ends = held(1)
    async with live(upstream, bridge) as life:
        await life.say()
        await bridge.until(lambda: upstream.prompts)
        await life.say(author="u2")
        await bridge.until(lambda: bridge.signed)
        await life.recorded(None, True)
        if forget == "person":
            await forget_person(life.store._engine, "u2")
        else:
            await forget_thread(life.store._engine, message().thread)
        await bridge.until(lambda: not bridge.signed)
        ends[0].set()
        await life.relay.idle()
        assert len(await life.turns()) == 1
        async with asyncio.timeout(20):
            while await left(life):  # noqa: ASYNC110 - nobody tells of a commit
                await asyncio.sleep(0.01)


async def test_what_is_left_of_the_forgotten_is_forgotten_after_an_hour(
    live: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "EVERY", 0.01)
    monkeypatch.setattr(waiting, "GIVEN_UP", timedelta(seconds=-1))
    async with live(FakeUpstream(HELLO), SigningBridge()) as life:
        async with transaction(life.store._engine) as connection:
            await connection.execute(LEFT_SIGN.insert().values(bridge="gone", thread="gone:1", message="m", at=now()))
        async with asyncio.timeout(20):
            while await left(life):  # noqa: ASYNC110 - nobody tells of a commit
                await asyncio.sleep(0.01)


async def left(life: Life) -> bool:
    """Is anything on record of signs whose turns are forgotten?"""
    async with transaction(life.store._engine) as connection:
        return (await connection.execute(LEFT_SIGN.select())).first() is not None


async def test_one_that_was_on_its_way_when_the_turn_began_goes_too(live: Any) -> None:
    bridge = SigningBridge()
    bridge.before_signing = asyncio.Event()
    upstream, ends = held(2)
    async with live(upstream, bridge) as life:
        await life.say()
        second = await life.say()
        await bridge.until(lambda: bridge.asked == [(second, True)])
        ends[0].set()
        await bridge.until(lambda: bridge.asked[-1] == (second, False))
        assert await life.on_record() == [None, False], "nobody can tell yet whether it stands"
        bridge.before_signing.set()
        await life.recorded(None, None)
        assert not bridge.signed
        ends[1].set()
        await life.relay.idle()


async def test_what_could_not_be_taken_away_goes_in_a_later_life(live: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bridge = SigningBridge()
    upstream, ends = held(2)
    bridge.trouble = lambda call, count: PlatformUnavailable() if call == "unsign" else None
    async with live(upstream, bridge) as life:
        await life.say()
        second = await life.say()
        await bridge.until(lambda: bridge.signed)
        await life.recorded(None, True)
        for end in ends:
            end.set()
        await bridge.until(lambda: bridge.asked[-1] == (second, False))
        await life.relay.idle()
        assert await life.on_record() == [None, True]
    bridge.trouble = lambda call, count: None
    monkeypatch.setattr(waiting, "IN_FLIGHT", timedelta())
    async with live(upstream, bridge) as life:
        await bridge.until(lambda: not bridge.signed)
        await life.recorded(None, None)


@pytest.mark.parametrize("state", [State.ANSWERED, State.EXPIRED, State.FAILED, State.STOPPED])
@pytest.mark.parametrize("known", [True, False])
async def test_what_a_crash_left_goes_with_the_next_start(
    live: Any, monkeypatch: pytest.MonkeyPatch, state: State, known: bool
) -> None:
    """Whether the platform had confirmed it or not, and in whatever way the turn ended meanwhile."""
    bridge = SigningBridge()
    async with live(FakeUpstream(HELLO), bridge) as life:
        first = await life.say()
        await life.relay.idle()
        bridge.signed = {first}
        async with transaction(life.store._engine) as connection:
            await connection.execute(update(TURN).values(state=state, waiting_sign=known))
    monkeypatch.setattr(waiting, "IN_FLIGHT", timedelta())
    async with live(FakeUpstream(HELLO), bridge, wanted=()) as life:
        await bridge.until(lambda: not bridge.signed)
        await life.recorded(None)


async def test_a_platform_that_does_not_take_it_away_is_not_asked_for_ever(
    live: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bridge = SigningBridge()
    async with live(FakeUpstream(HELLO), bridge, wanted=()) as life:
        await life.say()
        new = await life.say()
        await life.relay.idle()
        async with transaction(life.store._engine) as connection:
            await connection.execute(update(TURN).values(waiting_sign=True))
            long_ago = now() - waiting.GIVEN_UP - timedelta(seconds=1)
            await connection.execute(update(TURN).where(TURN.c.id == 1).values(ended_at=long_ago))
    monkeypatch.setattr(waiting, "IN_FLIGHT", timedelta())
    async with live(FakeUpstream(HELLO), bridge, wanted=()) as life:
        await life.recorded(True, None)
    assert bridge.asked == [(new, False)]


async def test_a_sign_stays_on_what_still_waits_after_a_crash(live: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "IN_FLIGHT", timedelta())
    bridge = SigningBridge()
    upstream, _ = held(2)
    async with live(upstream, bridge) as life:
        await life.say()
        second = await life.say()
        await bridge.until(lambda: bridge.signed)
        await life.recorded(None, True)
    again, ends = held(2)
    async with live(again, bridge) as life:
        await bridge.until(lambda: again.prompts)
        assert bridge.signed == {second}
        ends[0].set()
        await bridge.until(lambda: not bridge.signed)
        ends[1].set()
        await life.relay.idle()
        await life.recorded(None, None)
    assert bridge.asked == [(second, True), (second, False)]
