"""PostgreSQL out of reach: a way to it that can be cut, held up and mended, for one process or one engine of many; and
a database that refuses everybody for a while."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import URL

from core.database import libpq

PORT = ".s.PGSQL.5432"


class Way:
    """Passes on bytes between a socket of its own and the server's. `url` is the address through it."""

    def __init__(self, url: URL, folder: Path) -> None:
        self._server = Path(str(url.query["host"])) / PORT
        self._folder = folder
        self.url = url.set(query={**url.query, "host": str(folder)})
        self._open = asyncio.Event()
        self._open.set()
        self._refuses = False
        self._connections: set[asyncio.Task[None]] = set()

    def cut(self) -> None:
        """Breaks every connection and refuses new ones: a server that is down."""
        self._refuses = True
        for connection in self._connections:
            connection.cancel()

    def hold(self) -> None:
        """Nothing gets through, and nobody is told: a network that is partitioned."""
        self._open.clear()

    def mend(self) -> None:
        self._refuses = False
        self._open.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            if self._refuses:
                return
            far_reader, far_writer = await asyncio.open_unix_connection(str(self._server))
            try:
                ways = [
                    asyncio.create_task(self._pass(reader, far_writer)),
                    asyncio.create_task(self._pass(far_reader, writer)),
                ]
                try:
                    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for way in ways:
                        way.cancel()
                    await asyncio.gather(*ways, return_exceptions=True)
            finally:
                far_writer.close()
        except (asyncio.CancelledError, OSError):
            pass
        finally:
            self._connections.discard(task)
            writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await self._open.wait()
                writer.write(data)
                await writer.drain()


@asynccontextmanager
async def way_to(url: URL) -> AsyncIterator[Way]:
    with tempfile.TemporaryDirectory(prefix="tb-way-") as folder:
        way = Way(url, Path(folder))
        server = await asyncio.start_unix_server(way.serve, str(Path(folder) / PORT))
        try:
            yield way
        finally:
            server.close()
            way.cut()
            await asyncio.gather(*way._connections, return_exceptions=True)


@contextmanager
def shut(url: URL) -> Iterator[None]:
    """Ends every connection to a database, and lets none come about as long as the block runs: a restart, as those see
    it who are connected."""
    assert url.database is not None
    name = sql.Identifier(url.database)
    with psycopg.connect(libpq(url.set(database="postgres")), autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name))
        try:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (url.database,)
            )
            yield
        finally:
            connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(name))
