"""What the tests of recovery share."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import migrations
from core.database import parse


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database with nothing in it, in WAL mode already: nobody may read while that is entered."""
    file = tmp_path_factory.mktemp("empty") / "threadbridge.db"
    migrations.upgrade(parse(f"sqlite:///{file}"))
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    return file
