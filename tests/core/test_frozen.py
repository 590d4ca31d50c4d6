"""A process that is frozen in the middle of a transaction."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import URL

from core import database
from core.database import opened, parse
from core.model import ThreadId
from core.statements import claim
from core.store import Store
from tests.messages import THREAD, message
from tests.postgresql import copied


@pytest.fixture
def url(postgresql: str) -> URL:
    return parse(copied(postgresql, "frozen"))


async def test_it_keeps_no_turn_from_whoever_takes_over(url: URL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BOUND", "SET idle_in_transaction_session_timeout = '1s'")
    async with opened(url) as frozen, opened(url) as others:
        await Store(frozen).record("fake", message())
        connection = await frozen.connect()
        try:
            await connection.begin()
            assert await claim(connection, ThreadId(THREAD)) is not None  # and then nothing more
            async with asyncio.timeout(30):
                turn = await Store(others).claim(ThreadId(THREAD))
            assert turn is not None
            assert (turn.attempt, turn.crashes) == (1, 0)
        finally:
            await connection.invalidate()
            await connection.close()
