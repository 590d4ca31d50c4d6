"""The record, on both databases."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import URL

from core import store as stores
from core.bridge import Recent
from core.conversations import Needed
from core.errors import DatabaseError, LeaseLost
from core.model import Attachment, Exchange, MessageId, ThreadId
from core.statements import now
from core.store import Store, attachments_of
from core.tables import State, Turn
from tests.messages import THREAD, message


async def record(store: Store, text: str = "Hello", **changed: object) -> None:
    one = message(text, **changed)
    assert await store.record("fake", one)


async def claim(store: Store, thread: ThreadId = THREAD) -> Turn:
    turn = await store.claim(thread)
    assert turn is not None
    return turn


async def test_a_message_is_recorded_once_however_often_it_comes(store: Store) -> None:
    one = message()
    assert await store.record("fake", one)
    assert not await store.record("fake", one)
    turn = await claim(store)
    await store.close(turn, State.ANSWERED, reply="Hi")
    assert not await store.record("fake", one)
    assert await store.claim(THREAD) is None


async def test_the_same_message_id_in_another_thread_is_another_message(store: Store) -> None:
    one = message()
    assert await store.record("fake", one)
    assert await store.record("fake", message(id=one.id, thread=ThreadId("fake:other")))


async def test_turns_of_a_thread_are_claimed_in_the_order_of_their_arrival(store: Store) -> None:
    for text in ("one", "two", "three"):
        await record(store, text)
    turn: Turn | None = await claim(store)
    said = []
    while turn is not None:
        said.append(turn.prompt)
        turn = await store.close(turn, State.ANSWERED, reply="x")
    assert said == ["one", "two", "three"]


async def test_a_turn_left_running_is_claimed_again_and_its_first_runner_can_write_nothing(store: Store) -> None:
    await record(store)
    first = await claim(store)
    second = await claim(store)
    assert (first.id, first.attempt, second.attempt) == (second.id, 1, 2)
    with pytest.raises(LeaseLost):
        await store.close(first, State.ANSWERED, reply="mine")
    with pytest.raises(LeaseLost):
        await store.parts.intend(first, 0)
    with pytest.raises(LeaseLost):
        await store.conversations.of(first, "main")
    assert await store.parts.of(second) == []
    await store.close(second, State.ANSWERED, reply="ours")


async def test_a_closed_turn_cannot_be_closed_again(store: Store) -> None:
    await record(store)
    turn = await claim(store)
    await store.close(turn, State.ANSWERED, reply="x")
    with pytest.raises(LeaseLost):
        await store.close(turn, State.FAILED)


async def test_attachments_come_back_as_they_were(store: Store) -> None:
    files = (Attachment("a.png", "image/png", 12, "ref:1"), Attachment("b", "application/x", None, "ref:2"))
    await record(store, attachments=files)
    assert attachments_of(await claim(store)) == files


async def test_a_thread_keeps_its_conversation_and_each_upstream_has_its_own(store: Store) -> None:
    await record(store)
    turn = await claim(store)
    first = await store.conversations.of(turn, "main")
    await store.conversations.opened(turn, first, "c-1")
    other = await store.conversations.of(turn, "second")
    assert other.upstream_id is None
    await record(store)
    following = await store.close(turn, State.ANSWERED, reply="x")
    assert following is not None
    assert (await store.conversations.of(following, "main")).upstream_id == "c-1"


async def test_a_fresh_conversation_leaves_the_old_one_behind(store: Store) -> None:
    for text in ("old", "new", "asked"):
        await record(store, text)
    turn = await claim(store)
    old = await store.conversations.of(turn, "main")
    await store.conversations.opened(turn, old, "c-1")
    second = await store.close(turn, State.ANSWERED, reply="old answer")
    assert second is not None
    begun = await store.conversations.begin(second, "main")
    third = await store.close(second, State.ANSWERED, reply="new answer")
    assert third is not None
    current, history = await store.conversations.approach(third, "main", Needed(9, 999))
    assert (current.id, current.upstream_id) == (begun.id, None)
    assert history == (Exchange("new", "new answer"),)


async def test_history_is_bounded_and_holds_only_what_was_answered(store: Store) -> None:
    ends = [
        ("one", State.ANSWERED, "1"),
        ("broken", State.FAILED, "half"),
        ("two", State.ANSWERED, "22"),
        ("three", State.ANSWERED, "333"),
    ]
    for text, *_ in ends:
        await record(store, text)
    await record(store, "now")
    turn = await claim(store)
    for _, state, reply in ends:
        await store.conversations.of(turn, "main")
        following = await store.close(turn, state, reply=reply)
        assert following is not None
        turn = following
    exchanges = (Exchange("one", "1"), Exchange("two", "22"), Exchange("three", "333"))
    assert (await store.conversations.approach(turn, "main", Needed(9, 999)))[1] == exchanges
    assert (await store.conversations.approach(turn, "main", Needed(2, 999)))[1] == exchanges[1:]
    assert (await store.conversations.approach(turn, "main", Needed(9, 13)))[1] == exchanges[1:]
    assert (await store.conversations.approach(turn, "main", Needed(0, 999)))[1] == ()


async def test_parts_are_intended_then_posted_and_can_be_written_anew(store: Store) -> None:
    await record(store)
    turn = await claim(store)
    part = await store.parts.intend(turn, 0)
    assert (await store.parts.of(turn))[0].message is None
    await store.parts.posted(turn, part, MessageId("p-1"))
    [kept] = await store.parts.of(turn)
    assert (kept.key, kept.message) == (part.key, "p-1")
    await store.parts.renew(turn, kept)
    [renewed] = await store.parts.of(turn)
    assert renewed.message is None
    assert renewed.key != part.key
    assert len(renewed.key) <= 25


async def test_of_many_old_waiting_turns_only_the_newest_is_left_to_be_marked(store: Store) -> None:
    for text in ("one", "two", "three"):
        await record(store, text)
    await record(store, "elsewhere", thread=ThreadId("fake:other"))
    assert await store.expire_overtaken(before=now() - timedelta(minutes=1)) == 0
    assert await store.expire_overtaken(before=now() + timedelta(minutes=1)) == 2
    assert (await claim(store)).prompt == "three"
    assert await store.busy(["fake"]) == [THREAD, ThreadId("fake:other")]
    assert await store.busy(["another"]) == []


async def test_a_lost_database_is_one_error_of_ours(store: Store) -> None:
    async with store._transaction() as connection:
        await connection.exec_driver_sql("ALTER TABLE turn RENAME TO gone")
    with pytest.raises(DatabaseError):
        await store.busy(["fake"])


async def test_moments_come_back_aware(store: Store) -> None:
    await record(store)
    turn = await claim(store)
    assert turn.accepted_at.utcoffset() == timedelta(0)
    assert abs(now() - turn.accepted_at) < timedelta(minutes=1)


async def test_recent_tells_where_the_bot_takes_part_and_what_is_recorded(store: Store) -> None:
    """Of one bridge; the thread that was spoken in last comes first, and messages are forgotten with their age."""
    moment = now()
    one, other = THREAD, ThreadId("fake:other")
    spoken = [
        message(thread=one, sent_at=moment - timedelta(minutes=40)),
        message(thread=other, sent_at=moment - timedelta(minutes=10)),
        message(thread=one, sent_at=moment),
    ]
    for said in spoken:
        assert await store.record("fake", said)
    assert await store.record("elsewhere", message(thread=ThreadId("elsewhere:1")))
    recent = await store.recent("fake", timedelta(minutes=15))
    assert recent == Recent(timedelta(minutes=15), (one, other), frozenset({spoken[1].id, spoken[2].id}))
    assert await store.recent("nobody", timedelta(minutes=15)) == Recent(timedelta(minutes=15), (), frozenset())


async def test_recent_is_bounded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """In threads and in the turns that it looks through, the newest of each."""
    for number in range(6):
        await record(store, thread=ThreadId(f"fake:{number}"))
    monkeypatch.setattr(stores, "NEWEST_TURNS", 4)
    recent = await store.recent("fake", timedelta(minutes=15))
    assert recent.threads == ("fake:5", "fake:4", "fake:3", "fake:2")
    assert len(recent.messages) == 4
    monkeypatch.setattr(stores, "MOST_THREADS", 2)
    assert (await store.recent("fake", timedelta(minutes=15))).threads == ("fake:5", "fake:4")
    monkeypatch.setattr(stores, "OF_LATE", timedelta(0))
    assert (await store.recent("fake", timedelta(minutes=15))).threads == ()


async def test_the_bot_takes_part_from_the_moment_it_was_spoken_to(store: Store) -> None:
    """What was said before is not for it, also if that is handed over later."""
    moment = now()
    await record(store, sent_at=moment)
    assert await store.takes_part(message(sent_at=moment))
    assert await store.takes_part(message(sent_at=moment + timedelta(seconds=1)))
    assert not await store.takes_part(message(sent_at=moment - timedelta(seconds=1)))
    assert not await store.takes_part(message(sent_at=moment, thread=ThreadId("fake:other")))


async def test_a_server_that_drops_its_connections_costs_one_failure_and_nothing_else(store: Store, url: URL) -> None:
    await asyncio.gather(*(record(store, str(number), thread=ThreadId(f"fake:{number}")) for number in range(5)))
    if url.get_backend_name() == "postgresql":
        address = url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(address, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        with pytest.raises(DatabaseError):
            await store.busy(["fake"])
    for _ in range(5):
        assert len(await store.busy(["fake"])) == 5
