"""What becomes of a message, on both databases: turns, notes and silence."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import URL, update

from core.database import opened
from core.inbox import Inbox
from core.model import Done, Text, ThreadId, Usage
from core.pairing import Register
from core.queue import JobQueue
from core.settings import Access, Limits, Relaying
from core.statements import REFUSAL, TURN, now
from core.store import Store
from tests.core.conftest import Harness, Start, turns_of
from tests.fakes import FakeUpstream
from tests.messages import message

HELLO = (Text("Hello."), Done())


async def later(store: Store, passed: timedelta) -> None:
    """As if so much time had passed since everything that is on record."""
    async with store._transaction() as connection:
        times = {"accepted_at": TURN.c.accepted_at, "sent_at": TURN.c.sent_at}
        for row in (await connection.execute(TURN.select())).all():
            moved = {name: getattr(row, name) - passed for name in times}
            await connection.execute(update(TURN).where(TURN.c.id == row.id).values(**moved))
        for row in (await connection.execute(REFUSAL.select())).all():
            await connection.execute(update(REFUSAL).where(REFUSAL.c.id == row.id).values(at=row.at - passed))


async def notes(run: Harness) -> list[str]:
    await run.settled()
    return [text for text in run.bridge.texts() if text != "Hello."]


# --- who --------------------------------------------------------------------------------------------------------------


async def test_a_stranger_is_told_once_a_day_and_asks_nobody(start: Start) -> None:
    async with start(FakeUpstream(HELLO), access=Access(policy="list")) as run:
        first = await run.say("let me in")
        for _ in range(3):
            await run.say("please")
        assert await notes(run) == ["I only answer people whom my operator has let in."]
        assert run.upstream.prompts == []
        await later(run.store, timedelta(hours=25))
        await run.relay.accept(first)
        assert len(await notes(run)) == 1
        await run.say("and now?")
        assert len(await notes(run)) == 2
        assert [turn.prompt for turn in await turns_of(run.store)] == ["", ""]


async def test_whoever_is_taken_out_again_within_the_hour_is_told_like_any_stranger(start: Start) -> None:
    async with start(FakeUpstream(HELLO), access=Access(policy="pairing")) as run:
        register = Register(run.store._engine)
        for _ in range(2):
            await run.say("let me in")
            (waiting,) = await register.pending()
            await register.confirm(waiting.code)
            await run.say("hello")
            await run.settled()
            await register.revoke("u1")
        for _ in range(3):
            await run.say("what now?")
        told = await notes(run)
        assert len(told) == 3
        assert all("give my operator this code" in text for text in told)
        assert len(set(told)) == 3, "each code is a new one"
        assert len(run.upstream.prompts) == 2


async def test_silence_can_be_asked_for(start: Start) -> None:
    async with start(FakeUpstream(HELLO), access=Access(policy="pairing", denied="silence")) as run:
        await run.say()
        assert await run.settled() == []
        assert run.bridge.texts() == []


async def test_each_stranger_of_a_group_is_told_once_and_follow_ups_are_silence(start: Start) -> None:
    async with start(FakeUpstream(HELLO), access=Access(policy="list", users=("u1",))) as run:
        await run.say()
        for author in ("u2", "u3", "u2", "u3"):
            await run.say(author=author)
            await run.say(author=author, addressed=False)
        await run.say("among themselves", author="u4", addressed=False)
        assert len(await notes(run)) == 2
        assert len(run.upstream.prompts) == 1


async def test_a_thread_in_which_only_strangers_spoke_to_the_bot_is_not_one_it_takes_part_in(start: Start) -> None:
    async with start(FakeUpstream(HELLO), access=Access(policy="list", users=("u1",))) as run:
        await run.say(author="u2")
        await run.say("not to the bot", addressed=False)
        await run.settled()
        assert run.upstream.prompts == []


async def test_a_refused_message_stays_refused_when_the_person_is_let_in_later(start: Start) -> None:
    async with start(FakeUpstream(HELLO), access=Access(policy="list")) as run:
        told, silent = await run.say(), await run.say()
        await run.settled()
    async with start(FakeUpstream(HELLO), access=Access(policy="open")) as run:
        await run.relay.accept(told)
        await run.relay.accept(silent)
        await run.settled()
        assert run.upstream.prompts == []
        await run.say()
        await run.settled()
        assert len(run.upstream.prompts) == 1


async def test_a_note_is_no_part_of_the_conversation(start: Start) -> None:
    access = Access(policy="open", characters=10)
    async with start(FakeUpstream(HELLO, remembers=False), access=access) as run:
        await run.say("short")
        await run.say("much too long for this")
        await run.say("retry", command="retry")
        await run.settled()
        assert [prompt.text for prompt in run.upstream.prompts] == ["short", "short"]
        assert [len(prompt.history) for prompt in run.upstream.prompts] == [0, 1]


async def test_a_stranger_is_given_a_code_and_is_let_in_when_it_is_confirmed(start: Start, url: URL) -> None:
    async with start(FakeUpstream(HELLO), access=Access(policy="pairing")) as run:
        await run.say()
        await run.say()
        [note] = await notes(run)
        async with opened(url) as engine:
            register = Register(engine)
            [waiting] = await register.pending()
            assert f"{waiting.code[:3]}-{waiting.code[3:]}" in note
            paired = await register.confirm(waiting.code)
            assert (paired.bridge, paired.author, paired.author_name) == ("fake", "u1", "Ann")
            await run.say("in now?")
            await run.say("and others?", author="u2")
            await run.settled()
            assert [prompt.text for prompt in run.upstream.prompts] == ["in now?"]
            assert len(await register.revoke("u1")) == 1
        await run.say("and out?")
        await run.settled()
        assert len(run.upstream.prompts) == 1


# --- how much ---------------------------------------------------------------------------------------------------------


async def test_there_is_a_limit_for_each_minute_and_one_note_about_it(start: Start) -> None:
    async with start(FakeUpstream(HELLO), access=Access(policy="open", turns_per_minute=2)) as run:
        said = [await run.say(f"question {number}") for number in range(5)]
        [note] = await notes(run)
        assert note.startswith("I answer at most 2 messages a minute from one person. Please ask again in ")
        await run.say(author="u2")
        await run.settled()
        await run.say("help", command="help")
        await run.say("stop", command="stop")
        await run.settled()
        await later(run.store, timedelta(seconds=61))
        for one in said:
            await run.relay.accept(one)
        await run.say("question 5")
        await run.settled()
    asked = [prompt.text for prompt in run.upstream.prompts]
    assert asked == ["question 0", "question 1", "Hello", "question 5"]
    assert sum("at most 2 messages" in text for text in run.bridge.texts()) == 1


async def test_the_note_says_when_there_is_room_again(start: Start) -> None:
    async with start(FakeUpstream(HELLO), access=Access(policy="open", turns_per_day=2)) as run:
        await run.say()
        await run.settled()
        await later(run.store, timedelta(hours=14))
        await run.say()
        await run.say()
        assert await notes(run) == ["I answer at most 2 messages a day from one person. Please ask again in 10 hours."]
        await later(run.store, timedelta(hours=10))
        await run.say()
        await run.say()
        await run.settled()
        assert len(run.upstream.prompts) == 3


async def test_what_was_missed_during_an_outage_counts_as_it_was_said(start: Start) -> None:
    async with start(FakeUpstream(HELLO), access=Access(policy="open", turns_per_minute=2)) as run:
        for number in range(6):
            await run.say(sent_at=now() - timedelta(seconds=600 - 40 * number))
        await run.settled()
        assert len(run.upstream.prompts) == 6


async def test_operators_have_no_limits(start: Start) -> None:
    access = Access(policy="list", operators=("u1",), turns_per_minute=1, characters=5, channels=("elsewhere",))
    async with start(FakeUpstream(HELLO), access=access) as run:
        for _ in range(3):
            await run.say("a long message")
        await run.settled()
        assert len(run.upstream.prompts) == 3


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"channel": Limits(turns_per_minute=3)}, {"harbour": 3, "quay": 3}),
        ({"bridge": Limits(turns_per_day=4)}, {"harbour": 4}),
    ],
)
async def test_channels_and_bridges_have_limits_of_their_own(
    start: Start, limits: dict[str, Any], expected: dict[str, int]
) -> None:
    async with start(FakeUpstream(HELLO), access=Access(policy="open", **limits)) as run:
        for channel in ("harbour", "quay"):
            for number in range(5):
                await run.say(author=f"u{number}", channel=channel, thread=ThreadId(f"fake:{channel}:{number}"))
        told = await notes(run)
        turns = await turns_of(run.store)
    assert Counter(turn.channel for turn in turns if turn.command == "") == expected
    assert len(told) == 2  # each place is told once, whoever asks


async def test_waiting_turns_are_limited(start: Start) -> None:
    go = asyncio.Event()
    upstream = FakeUpstream((Text("Hello."), go, Done()))
    async with start(upstream, access=Access(policy="open", waiting_turns=2)) as run:
        await run.say()
        await upstream.asked.wait()
        for _ in range(4):
            await run.say()
        go.set()
        [note] = await notes(run)
        assert note.startswith("Too many of your messages are waiting")
        assert len(upstream.prompts) == 3
        await run.say()
        await run.settled()
        assert len(upstream.prompts) == 4


@pytest.mark.parametrize(
    "access",
    [Access(policy="open", tokens_per_day=250), Access(policy="open", bridge=Limits(credits_per_day=1.0))],
)
async def test_what_answers_cost_is_limited(start: Start, access: Access) -> None:
    spent = FakeUpstream((Text("Hello."), Done(Usage(prompt_tokens=60, reply_tokens=40, credits=0.4))))
    async with start(spent, access=access) as run:
        for _ in range(5):
            await run.say()
            await run.settled()
        assert len(spent.prompts) == 3
        [note] = await notes(run)
        assert "used up. Please ask again in 24 hours." in note
        await later(run.store, timedelta(hours=24))
        await run.say()
        await run.settled()
        assert len(spent.prompts) == 4


async def test_a_long_message_is_refused_with_what_would_do(start: Start) -> None:
    async with start(FakeUpstream(HELLO), access=Access(policy="open", characters=5)) as run:
        await run.say("12345")
        await run.say("123456")
        assert await notes(run) == ["This message is too long: I take at most 5 characters. Please shorten it."]
        assert len(run.upstream.prompts) == 1


# --- many listeners ---------------------------------------------------------------------------------------------------


@pytest.fixture
async def listeners(url: URL) -> AsyncIterator[list[tuple[Inbox, Store]]]:
    """Two processes' worth of listeners on one database."""
    access = {"fake": Access(policy="open", turns_per_minute=5, bridge=Limits(turns_per_day=8))}
    async with AsyncExitStack() as stack:
        found = []
        for _ in range(2):
            store = Store(await stack.enter_async_context(opened(url)))
            found.append((Inbox(store, access, Relaying(), Unheard()), store))
        yield found


class Unheard(JobQueue):
    """Nobody runs the turns."""

    async def enlist(self, *_: object) -> None: ...


async def test_two_listeners_together_let_in_no_more_than_one_would(listeners: list[tuple[Inbox, Store]]) -> None:
    said = [message(thread=ThreadId(f"fake:{number}")) for number in range(20)]
    twice = [inbox.accept("fake", one) for one in said for inbox, _ in listeners]
    await asyncio.gather(*twice)
    store = listeners[0][1]
    assert [turn.command for turn in await turns_of(store)].count("") == 5
    others = [message(author=f"other {number}", thread=ThreadId(f"fake:o{number}")) for number in range(20)]
    await asyncio.gather(*(listeners[number % 2][0].accept("fake", one) for number, one in enumerate(others)))
    turns = await turns_of(store)
    assert [turn.command for turn in turns].count("") == 8
    assert [turn.command for turn in turns].count("refused") == 2  # one for the person, one for the place
    assert len({(turn.thread, turn.message) for turn in turns}) == len(turns)
