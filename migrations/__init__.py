"""The schema's history, and the three questions that the program asks of it.

Revisions are numbered, named for what they do, and never edited once released. They run on a synchronous connection,
also when the program is asynchronous: `asyncio.to_thread` is the caller's.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, create_engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from core.database import described
from core.errors import DatabaseError


class Outdated(DatabaseError):
    """The schema is older than this program."""


def upgrade(url: URL) -> None:
    """Brings the database to this program's revision, from any earlier one. Raises `DatabaseError`."""
    _run(url, lambda connection: command.upgrade(_config(connection), "head"))


def check(url: URL) -> None:
    """Raises `DatabaseError`, with what to do, unless the database is at this program's revision; `Outdated` where
    `upgrade` is what to do."""
    found: list[str | None] = []
    _run(url, lambda connection: found.append(MigrationContext.configure(connection).get_current_revision()))
    script = ScriptDirectory.from_config(_config(None))
    head = script.get_current_head()
    if found[0] == head:
        return
    if found[0] is None:
        raise Outdated(f"The database {described(url)} is empty. Run: threadbridge db upgrade")
    if found[0] in {revision.revision for revision in script.walk_revisions()}:
        raise Outdated(
            f"The database {described(url)} is at revision {found[0]}, this program needs {head}. "
            "Run: threadbridge db upgrade"
        )
    raise DatabaseError(
        f"The database {described(url)} is at revision {found[0]}, which is newer than this program knows. "
        "Install the version of Threadbridge that made it."
    )


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    return config


def _run(url: URL, work: object) -> None:
    assert callable(work)
    timeout = {"connect_timeout": 10} if url.get_backend_name() == "postgresql" else {"timeout": 10}
    engine = create_engine(url, poolclass=NullPool, connect_args=timeout)
    try:
        with engine.connect() as connection:
            work(connection)
            connection.commit()
    except SQLAlchemyError as error:
        raise DatabaseError(
            f"The database {described(url)} cannot be used: {_first_line(error)}. "
            "Check that it runs, and the address, the user and the rights in database.url.",
            detail=f"{type(error).__name__}: {error}",
        ) from error
    finally:
        engine.dispose()


def _first_line(error: SQLAlchemyError) -> str:
    cause = getattr(error, "orig", None) or error
    lines = str(cause).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(cause).__name__
