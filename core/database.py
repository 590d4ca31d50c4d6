"""Opening the database: which driver, which pragmas, and whose it is."""

from __future__ import annotations

import fcntl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from core.errors import ConfigError, DatabaseError


def parse(url: str) -> URL:
    """The configured address as SQLAlchemy's. Raises `ConfigError` for anything but SQLite and PostgreSQL."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    match parsed.get_backend_name() if parsed is not None else None:
        case "sqlite" if parsed is not None and parsed.database not in (None, "", ":memory:"):
            return parsed.set(drivername="sqlite")
        case "postgresql" | "postgres" if parsed is not None:
            return parsed.set(drivername="postgresql+psycopg")
    raise ConfigError(
        "database.url has to be sqlite:///FILE or postgresql://USER@HOST/NAME (a SQLite database in memory would "
        "forget every conversation)."
    )


def is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def described(url: URL) -> str:
    """The address without its password, for people."""
    return url.render_as_string(hide_password=True).replace("postgresql+psycopg", "postgresql")


@contextmanager
def owned(url: URL) -> Iterator[None]:
    """Holds a SQLite file for this process alone, by a lock that dies with it. Nothing to do for PostgreSQL.

    Raises `DatabaseError` if another process has it, or the folder cannot be written to."""
    if not is_sqlite(url):
        yield
        return
    file = Path(url.database or "")
    lock = file.with_name(file.name + ".lock")
    try:
        handle = lock.open("a")
    except OSError as error:
        raise DatabaseError(f"The database {file} cannot be opened: {error.strerror}.") from None
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DatabaseError(
                f"Another Threadbridge runs on {file} already. Stop it first, or use PostgreSQL for several processes."
            ) from None
        yield


@asynccontextmanager
async def opened(url: URL) -> AsyncIterator[AsyncEngine]:
    if is_sqlite(url):
        # One connection: the writers of this one process wait for each other here instead of in SQLite's busy handler.
        engine = create_async_engine(
            url.set(drivername="sqlite+aiosqlite"), pool_size=1, max_overflow=0, pool_timeout=60
        )
        event.listen(engine.sync_engine, "connect", _prepare)
        event.listen(engine.sync_engine, "begin", _begin)
    else:
        # No ping before each use: a server that went away costs one failed transaction, which is tried again by whoever
        # began it, and takes all other connections of the pool with it.
        engine = create_async_engine(url, pool_size=10, max_overflow=10, connect_args={"connect_timeout": 10})
    try:
        yield engine
    finally:
        await engine.dispose()


def _prepare(connection: Any, _: object) -> None:
    """WAL lets others read while we write; FULL makes a commit outlast a power cut: what was acknowledged is there."""
    connection.isolation_level = None
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "busy_timeout = 5000"):
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA {pragma}")
        cursor.close()


def _begin(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
