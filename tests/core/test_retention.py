"""What is kept for how long, and that what is to be forgotten is gone from everywhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import URL, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from core.banning import Bans
from core.database import opened, transaction
from core.forgetting import forget_person, forget_thread
from core.model import Done, Text
from core.observing import Ended
from core.reading import Reading
from core.retention import SOME, Retention
from core.settings import RetentionSection
from core.statements import CONVERSATION, ENCLOSURE, PAIRED, PAIRING, PART, REFUSAL, TURN, now
from core.tables import State, Turn
from tests.console.seeding import conversation, refusal, turn, turn_row
from tests.core.conftest import Start
from tests.fakes import FakeUpstream


@pytest.fixture
async def engine(url: URL) -> AsyncIterator[AsyncEngine]:
    async with opened(url) as found:
        yield found


async def count(engine: AsyncEngine, table: object) -> int:
    async with transaction(engine) as connection:
        found: int = (await connection.execute(select(func.count()).select_from(table))).scalar_one()  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize("kept", ["1d", "none", "forever"])
async def test_old_text_goes_and_ids_stay(engine: AsyncEngine, kept: str) -> None:
    old = await turn(engine, 60 * 30, attachments=[{"name": "a.png"}])
    new = await turn(engine, 5)
    waiting = await turn(engine, 60 * 40, state="waiting", ended_at=None)
    retention = Retention(engine, RetentionSection(text=kept))
    await retention.sweep()
    await retention.sweep()
    record = Reading(engine)
    gone = {"1d": {old}, "none": {old, new}, "forever": set()}[kept]
    for one in (old, new, waiting):
        detail = await record.turn(one)
        assert detail is not None
        assert detail.turn.erased == (one in gone)
        texts = (detail.turn.prompt, detail.turn.reply, detail.turn.author_name, detail.turn.attachments)
        assert (texts == ("", None, "", [])) == (one in gone)
        assert (detail.turn.author, len(detail.parts)) == ("u1", 1)


async def test_more_than_one_step_takes_away_all_of_it(engine: AsyncEngine) -> None:
    async with transaction(engine) as connection:
        await connection.execute(insert(TURN), [turn_row(number) for number in range(2 * SOME + 1)])
    await Retention(engine, RetentionSection(text="none")).sweep()
    async with transaction(engine) as connection:
        assert (await connection.execute(select(func.count()).where(~TURN.c.erased))).scalar_one() == 0


async def test_refusals_go_after_a_month(engine: AsyncEngine) -> None:
    await refusal(engine, 1, at=now() - timedelta(days=31))
    await refusal(engine, 2, at=now() - timedelta(days=29))
    await Retention(engine, RetentionSection()).sweep()
    assert await count(engine, REFUSAL) == 1


async def test_where_nothing_is_kept_a_turn_is_swept_when_it_ends(engine: AsyncEngine) -> None:
    retention = Retention(engine, RetentionSection(text="none"))
    stop = asyncio.Event()
    running = asyncio.create_task(retention.run(stop))
    one = await turn(engine, 1)
    record = Reading(engine)
    while not (detail := await record.turn(one)) or not detail.turn.erased:
        retention.observe(Ended(Turn(**turn_row(1)), "main", State.ANSWERED, 1.0, ""))
    stop.set()
    await running


async def test_what_is_gone_is_neither_asked_again_nor_told(start: Start, engine: AsyncEngine) -> None:
    upstream = FakeUpstream([Text("An answer"), Done()], remembers=False)
    async with start(upstream) as harness:
        await harness.say("My secret")
        await harness.settled()
        await Retention(engine, RetentionSection(text="none")).sweep()
        asked = len(upstream.prompts)
        await harness.say("", command="retry")
        [_, retried] = await harness.settled()
        assert "nothing here yet" in (retried.reply or "")
        assert len(upstream.prompts) == asked
        await harness.say("Hello again")
        await harness.settled()
        assert all("My secret" not in said.prompt and said.prompt for said in upstream.prompts[-1].history)


@pytest.mark.parametrize("text", ["", "0d", "30", "d", "-1d", "Forever"])
def test_other_words_are_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="pattern"):
        RetentionSection(text=text)


async def test_a_person_is_forgotten_everywhere(engine: AsyncEngine) -> None:
    alone, shared = await conversation(engine, "slack:a:1"), await conversation(engine, "slack:b:1")
    await turn(engine, 1, thread="slack:a:1", conversation_id=alone)
    await turn(engine, 2, thread="slack:b:1", conversation_id=shared)
    other = await turn(engine, 3, thread="slack:b:1", conversation_id=shared, author="u2", author_name="Ben")
    elsewhere = await turn(engine, 4, thread="discord:c:1", bridge="discord")
    await turn(engine, 5, thread="slack:a:1", state="waiting", ended_at=None)
    await refusal(engine, 1)
    await refusal(engine, 2, author="u2", subject="u2")
    person = {"bridge": "slack", "author": "u1", "author_name": "Ann"}
    async with transaction(engine) as connection:
        await connection.execute(insert(ENCLOSURE).values(turn_id=1, position=0, key="k", message="f1"))
        await connection.execute(insert(PAIRED).values(**person, at=now()))
        await connection.execute(insert(PAIRING).values(**person, code="ABCDEF", expires_at=now()))
        if engine.dialect.name != "sqlite":
            job = (
                "INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock) "
                "VALUES ('threads', 'drain', :thread, :thread)"
            )
            for thread in ("slack:a:1", "slack:b:1"):
                await connection.execute(text(job), {"thread": thread})
    await Bans(engine).ban("slack", "u1")
    forgotten = await forget_person(engine, "u1", "slack")
    assert forgotten.rows == {
        "part": 3,
        "enclosure": 1,
        "turn": 3,
        "conversation": 1,
        "pairing": 1,
        "paired": 1,
        "banned": 1,
        "refusal": 1,
    }
    async with transaction(engine) as connection:
        left = set((await connection.execute(select(TURN.c.id))).scalars())
        conversations = set((await connection.execute(select(CONVERSATION.c.id))).scalars())
        if engine.dialect.name != "sqlite":
            jobs = (await connection.execute(text("SELECT lock FROM procrastinate_jobs"))).scalars().all()
            assert jobs == ["slack:b:1"]
    assert left == {other, elsewhere}
    assert conversations == {shared}
    assert (await forget_person(engine, "u1")).rows["turn"] == 1


async def test_a_thread_is_forgotten_and_what_is_being_answered_is_stopped_first(engine: AsyncEngine) -> None:
    one = await conversation(engine)
    await turn(engine, 1, conversation_id=one)
    running = await turn(engine, 2, conversation_id=one, state="running", ended_at=None, author="u2")
    await refusal(engine, 1)
    forgotten = await forget_thread(engine, "slack:harbour:1")
    assert (forgotten.running, forgotten.rows["turn"], forgotten.rows["conversation"]) == (1, 1, 0)
    detail = await Reading(engine).turn(running)
    assert detail is not None
    assert detail.turn.stop_requested
    async with transaction(engine) as connection:
        await connection.execute(update(TURN).values(state="stopped"))
    forgotten = await forget_thread(engine, "slack:harbour:1")
    assert (forgotten.running, forgotten.rows["conversation"]) == (0, 1)
    for table in (TURN, PART, CONVERSATION, REFUSAL):
        assert await count(engine, table) == 0
