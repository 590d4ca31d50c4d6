"""What waits, counted on both databases, and never at the expense of whoever asks."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import URL, text, update

from core import backlog
from core.backlog import _BACKLOG, Backlog
from core.database import opened
from core.errors import DatabaseError
from core.model import ThreadId
from core.statements import TURN, now
from core.store import Store
from tests.messages import message

BUSY, LONELY = ThreadId("fake:busy"), ThreadId("fake:lonely")


@pytest.fixture(autouse=True)
def _always_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "FRESH", -1.0)


async def accepted_before(store: Store, bridge: str, thread: ThreadId, seconds: float) -> None:
    recorded = await store.record(bridge, message(thread=thread))
    assert recorded is not None
    async with store._transaction() as connection:
        moment = now() - timedelta(seconds=seconds)
        await connection.execute(update(TURN).where(TURN.c.id == recorded.turn).values(accepted_at=moment))


async def test_waiting_running_and_the_oldest(url: URL, store: Store) -> None:
    async with opened(url) as engine:
        one = Backlog(engine)
        assert await one.open_turns() == {}
        await accepted_before(store, "fake", BUSY, 500)
        running = await store.claim(BUSY)
        assert running is not None
        await accepted_before(store, "fake", BUSY, 300)
        await accepted_before(store, "fake", LONELY, 100)
        await accepted_before(store, "other", ThreadId("other:1"), 40)
        found = await one.open_turns()
        assert {name: (turns.waiting, turns.running) for name, turns in found.items()} == {
            "fake": (2, 1),
            "other": (1, 0),
        }
        # behind an answer that is being written one may wait long; only the other is nobody's
        assert found["fake"].oldest == pytest.approx(300, abs=20)
        assert found["fake"].unattended == pytest.approx(100, abs=20)
        assert found["other"].oldest == found["other"].unattended == pytest.approx(40, abs=20)


async def test_the_index_of_open_turns_is_used(url: URL) -> None:
    if url.get_backend_name() != "sqlite":
        return  # PostgreSQL chooses by how much there is
    async with opened(url) as engine, engine.connect() as connection:
        statement = str(_BACKLOG.compile(engine, compile_kwargs={"literal_binds": True}))
        plan = (await connection.execute(text(f"EXPLAIN QUERY PLAN {statement}"))).all()
    assert "turn_open" in str(plan)


async def test_many_who_ask_at_once_ask_once(url: URL, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "FRESH", 3600.0)
    async with opened(url) as engine:
        one = Backlog(engine)
        await asyncio.gather(*(one.open_turns() for _ in range(5)))
        await store.record("fake", message())
        assert await one.open_turns() == {}


async def test_a_database_that_is_slow_holds_nobody_up(url: URL, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "PATIENCE", 0.01)
    if url.get_backend_name() != "sqlite":
        return  # there is one connection to wait for on SQLite alone
    async with opened(url) as engine:
        one = Backlog(engine)
        async with engine.begin():
            with pytest.raises(DatabaseError, match="has not answered within"):
                await one.open_turns()
        await store.record("fake", message())
        monkeypatch.setattr(backlog, "PATIENCE", 20.0)
        await one.open_turns()  # the late answer to the first
        assert (await one.open_turns())["fake"].waiting == 1
        await one.aclose()
