"""What an operator reads: found, in its order, a page at a time, and without reading the whole record."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import URL, event, insert, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

import core.reading as records
from core.database import opened, reading, transaction
from core.errors import DatabaseError
from core.reading import Paging, Reading, Sought, Window, narrowed
from core.statements import CONVERSATION, TURN, now
from core.usage import usage
from tests.console.seeding import conversation, turn, turn_row


@pytest.fixture
async def engine(url: URL) -> AsyncIterator[AsyncEngine]:
    async with opened(url) as found:
        yield found


async def test_conversations_come_newest_first_a_page_at_a_time(engine: AsyncEngine) -> None:
    ids = [await conversation(engine, f"slack:harbour:{number}") for number in range(5)]
    for number, one in enumerate(ids):
        await turn(engine, number, thread=f"slack:harbour:{number}", conversation_id=one)
    record = Reading(engine)
    seen = []
    for page in (1, 2, 3):
        found = await record.conversations(Sought(), Paging(page, 2))
        assert (found.total, found.more) == (5, page < 3)
        seen += [one.conversation.id for one in found.items]
    assert seen == ids[::-1]
    assert found.items[0].opening == "Question 0"
    assert (await record.conversations(Sought(), Paging(4, 2))).items == []


@pytest.mark.parametrize(
    ("words", "fits"),
    [
        ("lighthouse", True),
        ("LIGHTHOUSE", True),
        ("keeper's log", True),
        ("Rosalind", True),
        ("u7", True),
        ("u", True),
        ("up-1", True),
        ("slack:harbour:1", True),
        ("light_ouse", False),
        ("100%", False),
        ("\0", True),
    ],
)
async def test_a_search_looks_into_words_names_and_ids(engine: AsyncEngine, words: str, fits: bool) -> None:
    one = await conversation(engine)
    said = {"prompt": "Where is the lighthouse?", "reply": "In the keeper's log", "author_name": "Rosalind"}
    await turn(engine, 1, conversation_id=one, author="u7", **said)
    page = await Reading(engine).conversations(Sought(words), Paging())
    assert [found.conversation.id for found in page.items] == ([one] if fits else [])


async def test_platform_and_moment_narrow(engine: AsyncEngine) -> None:
    old, new = await conversation(engine, "slack:a:1"), await conversation(engine, "discord:b:1")
    await turn(engine, 90, thread="slack:a:1", conversation_id=old)
    await turn(engine, 1, thread="discord:b:1", conversation_id=new)
    record = Reading(engine)

    async def found(sought: Sought) -> list[int | None]:
        return [one.conversation.id for one in (await record.conversations(sought, Paging())).items]

    assert await found(Sought(bridge="slack")) == [old]
    assert await found(Sought(bridge="s")) == []
    assert await found(Sought(since=now() - timedelta(hours=1))) == [new]


async def test_history_failures_and_open_turns(engine: AsyncEngine) -> None:
    one = await conversation(engine)
    first = await turn(engine, 9, conversation_id=one)
    second = await turn(engine, 8, conversation_id=one, state="failed", error="Down.")
    third = await turn(engine, 7, conversation_id=one, state="running", ended_at=None)
    record = Reading(engine)
    assert [found.id for found in (await record.history(one, Paging())).items] == [first, second, third]
    assert (await record.history(one, Paging(2, 2))).items[0].id == third
    assert [found.id for found in (await record.failures(Paging())).items] == [second]
    assert [found.id for found in await record.open_turns()] == [third]
    detail = await record.turn(first)
    assert detail is not None
    assert detail.conversation is not None
    assert (detail.conversation.upstream_id, [part.message for part in detail.parts]) == ("up-1", [f"p{first}"])
    assert await record.turn(999) is None
    assert await record.conversation(999) is None


async def test_usage_adds_up_by_day_person_channel_and_upstream(engine: AsyncEngine) -> None:
    await turn(engine, 0, prompt_tokens=10, reply_tokens=5)
    await turn(engine, 1, state="failed", author="u2", author_name="Ben", channel=None, upstream=None, credits=0.5)
    await turn(engine, 2, command="help")
    await turn(engine, 60 * 24 * 40)
    found = await usage(engine, 30)
    assert len(found.days) == 30
    assert sum(day.turns for day in found.days) == 2
    assert sum(day.failed for day in found.days) == 1
    assert {(one.key, one.name, one.turns) for one in found.people} == {("u1", "Ann", 1), ("u2", "Ben", 1)}
    assert {one.key for one in found.channels} == {"harbour", ""}
    assert next(one for one in found.upstreams if one.key == "main").prompt_tokens == 10


async def test_whoever_looks_can_change_nothing_and_waits_for_nobody(url: URL) -> None:
    async with opened(url) as writing, reading(url) as looking:
        await turn(writing, 1)
        async with transaction(writing) as busy:
            await busy.execute(insert(TURN).values(turn_row(2)))
            assert len((await Reading(looking).history(1, Paging())).items) == 0
            assert (await usage(looking, 1)).days
        with pytest.raises((DatabaseError, DBAPIError)):
            async with transaction(looking) as connection:
                await connection.execute(text("DELETE FROM turn"))


async def test_of_thousands_of_conversations_a_page_reads_only_its_own(engine: AsyncEngine) -> None:
    many = 5_000
    begun = [
        {"thread": f"slack:c:{number}", "upstream": "main", "upstream_id": None, "fresh": True, "started_at": now()}
        for number in range(many)
    ]
    async with transaction(engine) as connection:
        await connection.execute(insert(CONVERSATION), begun)
        turns = [turn_row(number, conversation_id=number + 1, thread=f"slack:c:{number}") for number in range(many)]
        await connection.execute(insert(TURN), turns)
    page = await Reading(engine).conversations(Sought(), Paging(20, 100))
    assert (page.total, len(page.items), page.items[0].turns) == (many, 100, 1)
    last = await Reading(engine).conversations(Sought(f"Question {many - 1}"), Paging())
    assert [one.conversation.thread for one in last.items] == [f"slack:c:{many - 1}"]


def _executed(engine: AsyncEngine) -> list[tuple[str, Any]]:
    """Fills up with the statements that are executed from now on."""
    said: list[tuple[str, Any]] = []
    event.listen(
        engine.sync_engine,
        "before_cursor_execute",
        lambda connection, cursor, statement, parameters, *_: said.append((statement, parameters)),
    )
    return said


@pytest.mark.parametrize(
    ("read", "index"),
    [
        (lambda engine: Reading(engine).history(1, Paging(2, 1)), "turn_conversation"),
        (lambda engine: Reading(engine).failures(Paging()), "turn_failed"),
        (lambda engine: Reading(engine).open_turns(), "turn_open"),
        (lambda engine: Reading(engine).conversations(Sought(since=now()), Paging()), "turn_conversation"),
        (lambda engine: Reading(engine).conversations(Sought("x", until=now()), Paging()), "turn_asked"),
        (lambda engine: usage(engine, 1), "turn_asked"),
    ],
    ids=["history", "failures", "open turns", "since", "until", "usage"],
)
async def test_every_list_has_its_index(
    engine: AsyncEngine, read: Callable[[AsyncEngine], Awaitable[object]], index: str
) -> None:
    one = await conversation(engine)
    for state in ("answered", "failed", "running"):
        await turn(engine, 1, message=state, conversation_id=one, state=state)
    said = _executed(engine)
    await read(engine)
    plan = await _plans(engine, [one for one in said if one[0].lstrip().startswith(("SELECT", "WITH"))])
    assert index in plan
    assert not re.search(r"SCAN turn\b(?! USING (COVERING )?INDEX)", plan), plan


async def _plans(engine: AsyncEngine, statements: list[tuple[str, Any]]) -> str:
    sqlite = engine.dialect.name == "sqlite"
    found = []
    async with transaction(engine) as connection:
        if not sqlite:
            await connection.execute(text("SET LOCAL enable_seqscan = off"))
        for statement, parameters in statements:
            how = f"EXPLAIN {'QUERY PLAN' if sqlite else ''} {statement}"
            found += [str(row) for row in await connection.exec_driver_sql(how, parameters)]
    return "\n".join(found)


async def test_a_search_goes_back_a_window_at_a_time(engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "SEARCHED_TURNS", 2)
    ids = [await conversation(engine, f"slack:harbour:{number}") for number in range(5)]
    for number, one in enumerate(ids):
        await turn(engine, 10 - number, conversation_id=one, prompt="Where is the lighthouse?")
    record, seen = Reading(engine), []
    until = None
    for _ in range(3):
        page = await record.conversations(Sought("lighthouse", until=until), Paging())
        seen.append([one.conversation.id for one in page.items])
        until = page.looked_back_to
    assert seen == [[ids[4], ids[3]], [ids[2], ids[1]], [ids[0]]]
    assert until is None


async def test_a_history_is_read_from_either_end(engine: AsyncEngine) -> None:
    one = await conversation(engine)
    ids = [await turn(engine, number, conversation_id=one, state="failed") for number in range(7)]
    for limit in (1, 2, 3, 7, 9):
        pages = [Paging(number, limit) for number in range(1, 10)]
        said = [turn.id for page in pages for turn in (await Reading(engine).history(one, page)).items]
        failed = [turn.id for page in pages for turn in (await Reading(engine).failures(page)).items]
        assert (said, failed) == (ids, ids[::-1])


def test_what_is_not_asked_for_does_not_narrow() -> None:
    window = Window(0, 9, None)
    assert narrowed(Sought(), None, "sqlite") == []
    assert len(narrowed(Sought("x", "slack", now()), window, "sqlite")) == 3
