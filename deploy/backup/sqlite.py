"""Backup and restore of a Threadbridge database on SQLite, with Python's own library and nothing else.

    sqlite.py backup threadbridge.db copy.db     while the program runs, which goes on writing
    sqlite.py restore copy.db threadbridge.db    while it is stopped

Both check what they wrote before it gets its name. Exit 1 with one sentence if something is wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path


class Refused(Exception):
    """The message says what is wrong, and what to do."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Backup and restore of a Threadbridge database on SQLite.")
    actions = parser.add_subparsers(dest="action", required=True)
    for name, do, meaning in (
        ("backup", backup, "copy the database, while the program runs"),
        ("restore", restore, "put a copy in the place of the database, while the program is stopped"),
    ):
        action = actions.add_parser(name, help=meaning)
        action.add_argument("source", type=Path)
        action.add_argument("target", type=Path)
        action.add_argument("--replace", action="store_true", help="the target, if there is one")
        action.set_defaults(do=do)
    chosen = parser.parse_args()
    try:
        revision = chosen.do(chosen.source, chosen.target, replace=chosen.replace)
    except (Refused, sqlite3.Error, OSError) as error:
        sys.stderr.write(f"{chosen.action} of {chosen.source} to {chosen.target} failed: {error}\n")
        return 1
    sys.stdout.write(f"{chosen.target} is written and checked; its schema is at revision {revision}.\n")
    return 0


def backup(source: Path, target: Path, *, replace: bool) -> str:
    """One consistent moment of the database, as one file."""
    _free(target, replace=replace)
    with _written(target) as copy:
        return _copied(source, copy)


def restore(source: Path, target: Path, *, replace: bool) -> str:
    """The copy takes the database's place. What the database's own log still held goes with it."""
    with _stopped(target):
        _free(target, replace=replace)
        with _written(target) as copy:
            revision = _copied(source, copy)
            for log in ("-wal", "-shm"):
                target.with_name(target.name + log).unlink(missing_ok=True)
        return revision


def _free(target: Path, *, replace: bool) -> None:
    if target.exists() and not replace:
        raise Refused(f"{target} exists. Choose another name, or say --replace.")


@contextlib.contextmanager
def _stopped(database: Path) -> Iterator[None]:
    """Holds the lock that a running program holds (`core.database.owned`)."""
    with database.with_name(database.name + ".lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Refused(f"Threadbridge runs on {database}. Stop it first.") from None
        yield


@contextlib.contextmanager
def _written(target: Path) -> Iterator[Path]:
    """A file beside the target that takes its name once the block has ended well and it is on the disk."""
    unfinished = target.with_name(target.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        yield unfinished
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.replace(target)
        folder = os.open(target.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    finally:
        unfinished.unlink(missing_ok=True)


def _copied(source: Path, target: Path) -> str:
    """Copies in one go, which in WAL mode keeps no writer waiting, and gives the schema's revision."""
    if not source.is_file():
        raise Refused(f"There is no database at {source}.")
    with (
        contextlib.closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=rw", uri=True)) as original,
        contextlib.closing(sqlite3.connect(target)) as copy,
    ):
        original.backup(copy)
        # One file: without a log beside it. The program goes back to WAL by itself.
        copy.execute("PRAGMA journal_mode = DELETE")
        [[verdict], *_] = copy.execute("PRAGMA integrity_check").fetchall()
        if verdict != "ok":
            raise Refused(f"it is damaged ({verdict}).")
        try:
            [[revision]] = copy.execute("SELECT version_num FROM alembic_version").fetchall()
        except (sqlite3.OperationalError, ValueError):
            raise Refused(f"{source} is not a database of Threadbridge.") from None
        return str(revision)


if __name__ == "__main__":
    sys.exit(main())
