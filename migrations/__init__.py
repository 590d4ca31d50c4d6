"""The schema's history, and the three questions that the program asks of it.

Revisions are numbered, named for what they do, and never edited once released. They run on a synchronous connection,
also when the program is asynchronous: `asyncio.to_thread` is the caller's. Alembic is imported only where the schema is
not what it should be: it is large, and nearly every start finds it so.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import URL, Connection, create_engine, inspect, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from core.database import described
from core.errors import DatabaseError

if TYPE_CHECKING:
    from alembic.config import Config

T = TypeVar("T")

FOLDER = Path(__file__).parent
HEAD = max(file.name[1:5] for file in (FOLDER / "versions").glob("m[0-9]*_*.py"))
"""The revision that this program needs."""


class Outdated(DatabaseError):
    """The schema is older than this program."""


def upgrade(url: URL) -> None:
    """Brings the database to this program's revision, from any earlier one. Raises `DatabaseError`."""

    def work(connection: Connection) -> None:
        if _revision(connection) != HEAD:
            from alembic import command

            command.upgrade(_config(connection), "head")

    _run(url, work)


def check(url: URL) -> None:
    """Raises `DatabaseError`, with what to do, unless the database is at this program's revision; `Outdated` where
    `upgrade` is what to do."""
    found = _run(url, _revision)
    if found == HEAD:
        return
    if found is None:
        raise Outdated(f"The database {described(url)} is empty. Run: threadbridge db upgrade")
    if found in _known():
        raise Outdated(
            f"The database {described(url)} is at revision {found}, this program needs {HEAD}. "
            "Run: threadbridge db upgrade"
        )
    raise DatabaseError(
        f"The database {described(url)} is at revision {found}, which is newer than this program knows. "
        "Install the version of Threadbridge that made it."
    )


def _revision(connection: Connection) -> str | None:
    """None: Alembic has never been here."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return found


def _known() -> set[str]:
    from alembic.script import ScriptDirectory

    return {one.revision for one in ScriptDirectory.from_config(_config(None)).walk_revisions()}


def _config(connection: Connection | None) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.attributes["connection"] = connection
    return config


def _run(url: URL, work: Callable[[Connection], T]) -> T:
    timeout = {"connect_timeout": 10} if url.get_backend_name() == "postgresql" else {"timeout": 10}
    engine = create_engine(url, poolclass=NullPool, connect_args=timeout)
    try:
        with engine.connect() as connection:
            found = work(connection)
            connection.commit()
            return found
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
