"""Fixtures that many tests share: databases of both kinds, and sockets that reach no further than this machine."""

from __future__ import annotations

import itertools
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL

import migrations
from core.database import opened, parse
from core.store import Store
from tests.discretion import found, listening, read_databases
from tests.postgresql import copied, postgresql_server

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


@pytest.fixture(autouse=True, scope="session")
def _listening() -> Iterator[None]:
    with listening():
        yield
    assert not found()  # of what outlived the last test


@pytest.fixture(autouse=True)
def _no_secret_is_told(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever the program writes while a test runs holds none of the secrets that it was given."""
    folder = request.getfixturevalue("tmp_path") if "tmp_path" in request.fixturenames else None
    yield
    if folder is not None:
        read_databases(folder)
    assert not found()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """A PostgreSQL server of this run's own; gives its address, see `tests.postgresql`."""
    with postgresql_server() as address:
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a migrated, empty database of each kind."""
    if request.param == "sqlite":
        address = f"sqlite:///{tmp_path}/threadbridge.db"
        migrations.upgrade(parse(address))
        return address
    server: str = request.getfixturevalue("postgresql")
    return copied(server, f"test_{next(_numbers)}")


@pytest.fixture
def url(database_url: str) -> URL:
    return parse(database_url)


@pytest.fixture
async def store(url: URL) -> AsyncIterator[Store]:
    async with opened(url) as engine:
        yield Store(engine)
