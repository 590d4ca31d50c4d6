"""What a message costs does not grow with what was said before in its thread."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import URL, event, text

from core.database import opened, transaction
from core.quota import Asked, _waiting
from core.statements import now
from core.store import Store
from core.tables import State
from core.waiting import _LEFT
from tests.messages import THREAD, message

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""PostgreSQL chooses by how much there is; SQLite by the statement alone."""


async def test_no_closed_turn_is_looked_at(url: URL) -> None:
    said: list[tuple[str, Any]] = []
    async with opened(url) as engine:
        event.listen(
            engine.sync_engine,
            "before_cursor_execute",
            lambda connection, cursor, statement, parameters, *_: said.append((statement, parameters)),
        )
        store = Store(engine)
        for _ in range(2):
            await store.record("fake", message())
        turn = await store.claim(THREAD)
        assert turn is not None
        following = await store.close(turn, State.ANSWERED)
        assert following is not None
        about = [one for one in said if " turn" in one[0]]
        assert len(about) >= 5
        async with engine.connect() as connection:
            for statement, parameters in about:
                plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
                steps = [str(row) for row in plan]
                assert not [step for step in steps if "turn_thread" in step or "SCAN turn" in step], (statement, steps)


@pytest.mark.parametrize("whose", ["person", "channel", "bridge"])
async def test_what_waits_is_counted_among_the_open_turns(url: URL, whose: Any) -> None:
    async with opened(url) as engine, transaction(engine) as connection:
        waiting = _waiting(Asked("fake", message(), now()), whose, 3)
        statement = str(waiting.compile(engine, compile_kwargs={"literal_binds": True}))
        steps = str((await connection.execute(text(f"EXPLAIN QUERY PLAN {statement}"))).all())
    assert "USING INDEX turn_open" in steps
    assert "turn_by" not in steps


async def test_signs_that_were_left_are_found_by_their_index(url: URL) -> None:
    async with opened(url) as engine, transaction(engine) as connection:
        statement = str(_LEFT.compile(engine, compile_kwargs={"literal_binds": True}))
        (row,) = (await connection.execute(text(f"EXPLAIN QUERY PLAN {statement}"))).all()
    assert "turn_signed" in row[3]
