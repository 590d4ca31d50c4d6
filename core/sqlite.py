"""SQLite behind an event loop, with one step to its thread for each statement.

aiosqlite takes four: a cursor is made, executed, read and closed. A statement of ours takes less time than one such
step, so that a message would wait longer for threads than for the database."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from typing import Any

import aiosqlite


class _Cursor(aiosqlite.Cursor):
    """Has all rows as soon as it is executed, which is how SQLAlchemy reads them anyway."""

    _cursor: sqlite3.Cursor
    _rows: list[Any]

    def __init__(self, connection: Connection) -> None:
        self._conn = connection

    async def execute(self, sql: str, parameters: Iterable[Any] | None = None) -> _Cursor:
        return await self._step(lambda cursor: cursor.execute(sql, tuple(parameters or ())))

    async def executemany(self, sql: str, parameters: Iterable[Any]) -> _Cursor:
        return await self._step(lambda cursor: cursor.executemany(sql, parameters))

    async def fetchall(self) -> list[Any]:
        return self._rows

    async def close(self) -> None:
        """It is, since it was executed."""

    async def _step(self, execute: Callable[[sqlite3.Cursor], object]) -> _Cursor:
        def step() -> tuple[sqlite3.Cursor, list[Any]]:
            cursor = self._conn._conn.cursor()
            try:
                execute(cursor)
                return cursor, cursor.fetchall()
            finally:
                cursor.close()

        self._cursor, self._rows = await self._execute(step)  # type: ignore[no-untyped-call]
        return self


class Connection(aiosqlite.Connection):
    """For `sqlalchemy.ext.asyncio.create_async_engine(async_creator=...)`."""

    def cursor(self) -> Any:  # what aiosqlite declares is a coroutine and a context manager in one; this is the latter
        return _Cursor(self)


async def connect(file: str) -> Connection:
    connection = Connection(lambda: sqlite3.connect(file), iter_chunk_size=64)
    connection._thread.daemon = True  # as SQLAlchemy has it: a program that ends does not wait for it
    await connection
    return connection
