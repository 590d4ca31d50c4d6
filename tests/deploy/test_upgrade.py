"""An upgrade while messages arrive: what was written stays, and the programs before it can go on writing.

Each new revision adds itself here by being the head: programs of every earlier one have to be able to work with it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic import command
from sqlalchemy import URL, Connection, Engine, create_engine, text

import migrations
from core.database import opened
from core.model import ThreadId
from core.store import Store
from tests.deploy.rows import OLD_CONVERSATION, OLD_PART, OLD_TURN, old_turn


@pytest.fixture
def old(url: URL) -> Engine:
    """A database as the first release left it, with a conversation, a turn that was answered and one that waits."""
    engine = create_engine(url)
    with engine.begin() as connection:
        command.downgrade(migrations._config(connection), "0001")
        connection.execute(OLD_CONVERSATION, {"id": 1, "thread": "t", "fresh": False})
        connection.execute(OLD_TURN, old_turn(1, conversation_id=1))
        connection.execute(OLD_PART, {"id": 1, "turn_id": 1, "key": "key-1"})
        connection.execute(OLD_TURN, old_turn(2, state="waiting", reply=None))
    engine.dispose()
    return engine


def rows(connection: Connection, table: str, columns: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in connection.execute(text(f"SELECT {columns} FROM {table} ORDER BY id"))]


OLD_COLUMNS = {
    "conversation": "id, thread, upstream, upstream_id, fresh, started_at",
    "turn": (
        "id, bridge, thread, message, author, author_name, prompt, command, state, attempt, upstream, conversation_id, "
        "reply, error, sent_at, accepted_at, started_at, ended_at"
    ),
    "part": "id, turn_id, position, key, message",
}


def test_what_the_first_release_wrote_is_unchanged(old: Engine, url: URL) -> None:
    with old.connect() as connection:
        before = {table: rows(connection, table, columns) for table, columns in OLD_COLUMNS.items()}
    old.dispose()
    assert all(before.values())
    migrations.upgrade(url)
    with old.connect() as connection:
        assert {table: rows(connection, table, columns) for table, columns in OLD_COLUMNS.items()} == before
    old.dispose()


def test_a_program_of_the_first_release_goes_on_writing_and_reading(old: Engine, url: URL) -> None:
    """It knows none of the new columns: they have defaults of their own, and none of its columns has gone."""
    migrations.upgrade(url)
    with old.begin() as connection:
        connection.execute(OLD_CONVERSATION, {"id": 2, "thread": "u", "fresh": True})
        connection.execute(OLD_TURN, old_turn(3, thread="u", state="running", conversation_id=2))
        connection.execute(OLD_PART, {"id": 2, "turn_id": 3, "key": "key-2"})
        connection.execute(text("UPDATE turn SET state = 'answered', reply = 'Done.' WHERE id = 3"))
        for table, columns in OLD_COLUMNS.items():
            assert rows(connection, table, columns)
    old.dispose()


async def test_the_new_program_finds_what_the_old_one_left_waiting(old: Engine, url: URL) -> None:
    migrations.upgrade(url)
    async with opened(url) as engine:
        assert list(await Store(engine).busy(["telegram"])) == [ThreadId("t")]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_the_upgrade_waits_for_a_message_that_is_being_recorded(old: Engine, url: URL) -> None:
    """SQLite is left out: one process holds the file, and nobody writes while it is upgraded."""
    with ThreadPoolExecutor(1) as pool, old.connect() as recording, old.connect() as watching:
        recording.execute(OLD_TURN, old_turn(3))
        upgrading = pool.submit(migrations.upgrade, url)
        # What a running transaction sees of the server's activity is kept, if it is asked twice.
        watching = watching.execution_options(isolation_level="AUTOCOMMIT")
        waiting = text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        while not upgrading.done() and not watching.scalar(waiting):
            pass
        assert not upgrading.done()
        recording.commit()
        upgrading.result()
    with old.connect() as connection:
        assert [number for [number] in rows(connection, "turn", "id")] == [1, 2, 3]
    old.dispose()
    migrations.check(url)
