"""What the tests of recovery share."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import psycopg
import pytest

import migrations
from core.database import parse
from tests.postgresql import copied


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database with nothing in it, in WAL mode already: nobody may read while that is entered."""
    file = tmp_path_factory.mktemp("empty") / "threadbridge.db"
    migrations.upgrade(parse(f"sqlite:///{file}"))
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    return file


_numbers = itertools.count()

NewDatabase = Callable[[], str]
"""Makes a migrated, empty database on PostgreSQL, and gives its address."""


@pytest.fixture
def new_database(postgresql: str) -> Iterator[NewDatabase]:
    with ExitStack() as stack:
        yield lambda: stack.enter_context(_database(postgresql))


@contextmanager
def _database(server: str) -> Iterator[str]:
    name = f"recovery_{next(_numbers)}"
    try:
        yield copied(server, name)
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
