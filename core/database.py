"""Opening the database: which driver, which pragmas, and whose it is."""

from __future__ import annotations

import asyncio
import fcntl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial, wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from sqlalchemy import URL, event, make_url
from sqlalchemy.exc import ArgumentError, OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from core import sqlite
from core.errors import ConfigError, DatabaseError, DatabaseUnreachable

P = ParamSpec("P")
T = TypeVar("T")

PATIENCE, PAUSE = 4.0, 0.5
"""Seconds for which a transaction is tried again when the server went away, and between two attempts. Whoever waits
longer than its lease (`core.lease`) has lost its turn anyway."""

IDLE = 5.0
"""Seconds that PostgreSQL waits for the next statement of a transaction before it ends the connection. None of ours
waits for anything else between two; whoever does is frozen, and taken for dead by then (`core.lease`)."""
BOUND = f"SET idle_in_transaction_session_timeout = '{IDLE:.0f}s'"

LONGEST_READING = 10.0
"""Seconds that PostgreSQL gives to a statement of somebody who only looks."""

KEEPALIVE = {
    "connect_timeout": 10,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""A server that vanished without a word is noticed after some ten seconds; the system's own defaults take hours."""


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


def libpq(url: URL) -> str:
    """The address as PostgreSQL's own client library reads it, password included."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """One transaction, committed at the end of the block. Raises `DatabaseUnreachable`, or `DatabaseError` for all else
    that the database does."""
    try:
        async with engine.begin() as connection:
            yield connection
    except SQLAlchemyError as error:
        detail = f"{type(error).__name__}: {error}"
        if _went_away(engine, error):
            raise DatabaseUnreachable(detail=detail) from error
        raise DatabaseError("The database cannot be used just now.", detail=detail) from error


def _went_away(engine: AsyncEngine, error: SQLAlchemyError) -> bool:
    """Only a server can: a connection that broke, or that does not come about (PostgreSQL says why in class 57P)."""
    if engine.dialect.name == "sqlite" or not isinstance(error, OperationalError):
        return False
    state: str | None = getattr(error.orig, "sqlstate", None)
    return state is None or state.startswith(("08", "57P"))


def patient(method: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Does a transaction again, for a few seconds, when the server went away under it: a restart of the database does
    not cost the answers that are being written. It may have been committed before: for methods to which that does no
    harm."""

    @wraps(method)
    async def again(*args: P.args, **options: P.kwargs) -> T:
        clock = asyncio.get_running_loop().time
        until = clock() + PATIENCE
        while True:
            try:
                return await method(*args, **options)
            except DatabaseUnreachable:
                if clock() >= until:
                    raise
                await asyncio.sleep(PAUSE)

    return again


@asynccontextmanager
async def opened(url: URL, *, connections: int = 20) -> AsyncIterator[AsyncEngine]:
    """`connections`: how many at most, on PostgreSQL."""
    if is_sqlite(url):
        # One connection: the writers of this one process wait for each other here instead of in SQLite's busy handler.
        # WAL lets others read while we write; FULL makes a commit outlast a power cut: what was acknowledged is there.
        pragmas = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON")
        engine = _sqlite(url, 1, "BEGIN IMMEDIATE", *pragmas)
    else:
        # No ping before each use: a server that went away costs one failed transaction, which is tried again by whoever
        # began it, and takes all other connections of the pool with it.
        engine = create_async_engine(
            url, pool_size=connections, max_overflow=0, pool_timeout=60, connect_args=dict(KEEPALIVE)
        )
        event.listen(engine.sync_engine, "connect", bound)
    try:
        yield engine
    finally:
        await engine.dispose()


@asynccontextmanager
async def reading(url: URL) -> AsyncIterator[AsyncEngine]:
    """For whoever only looks: it can change nothing, and what takes long holds up nobody who writes."""
    if is_sqlite(url):
        engine = _sqlite(url, 2, "BEGIN", "query_only = ON")
    else:
        options = f"-c default_transaction_read_only=on -c statement_timeout={LONGEST_READING:.0f}s"
        engine = create_async_engine(
            url, pool_size=2, max_overflow=0, pool_timeout=60, connect_args={**KEEPALIVE, "options": options}
        )
    try:
        yield engine
    finally:
        await engine.dispose()


def _sqlite(url: URL, connections: int, begin: str, *pragmas: str) -> AsyncEngine:
    """Each transaction begins with `begin`, and not where Python's own driver thinks."""
    engine = create_async_engine(
        url.set(drivername="sqlite+aiosqlite"),
        async_creator=partial(sqlite.connect, url.database or ""),
        pool_size=connections,
        max_overflow=0,
        pool_timeout=60,
    )

    def prepare(connection: Any, _: object) -> None:
        connection.isolation_level = None
        for pragma in (*pragmas, "busy_timeout = 5000"):
            cursor = connection.cursor()
            cursor.execute(f"PRAGMA {pragma}")
            cursor.close()

    event.listen(engine.sync_engine, "connect", prepare)
    event.listen(engine.sync_engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


def bound(connection: Any, _: object) -> None:
    """A process that is frozen in the middle of a transaction must not keep its rows locked for whoever takes over.
    Called by SQLAlchemy with each new connection to PostgreSQL."""
    cursor = connection.cursor()
    cursor.execute(BOUND)
    cursor.close()
    connection.commit()
