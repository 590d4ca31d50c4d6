"""PostgreSQL out of reach: a way to it that can be cut, held up and mended, for one process or one engine of many; and
a database that refuses everybody for a while."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import URL

from core.database import libpq
from tests.network import Network

PORT = ".s.PGSQL.5432"


class Way(Network):
    """Between a socket of its own and the server's. `url` is the address through it."""

    def __init__(self, url: URL, folder: Path) -> None:
        super().__init__(lambda: asyncio.open_unix_connection(str(Path(str(url.query["host"])) / PORT)))
        self.url = url.set(query={**url.query, "host": str(folder)})


@asynccontextmanager
async def way_to(url: URL) -> AsyncIterator[Way]:
    with tempfile.TemporaryDirectory(prefix="tb-way-") as folder:
        way = Way(url, Path(folder))
        server = await asyncio.start_unix_server(way.serve, str(Path(folder) / PORT))
        try:
            yield way
        finally:
            server.close()
            await way.close()


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
