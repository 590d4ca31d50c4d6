"""The schema's history leads to what the program works with."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, create_engine, text
from sqlmodel import SQLModel

import bridges.web.tables  # noqa: F401  # fills the metadata
import core.tables  # noqa: F401  # fills the metadata
import migrations
from core.database import parse
from core.errors import ConfigError, DatabaseError


def test_the_migrations_make_exactly_the_tables_of_the_program(url: URL) -> None:
    with create_engine(url).connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"compare_type": True, "compare_server_default": True, "include_name": _is_ours},
        )
        assert compare_metadata(context, SQLModel.metadata) == []
    connection.engine.dispose()


def _is_ours(name: str | None, kind: str, _: object) -> bool:
    """The job queue's tables are its library's."""
    return not (kind == "table" and name is not None and name.startswith("procrastinate_"))


def test_going_back_one_revision_and_forth_again_does_no_harm(url: URL) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        command.downgrade(migrations._config(connection), "0001")
    engine.dispose()
    with pytest.raises(DatabaseError, match="Run: threadbridge db upgrade"):
        migrations.check(url)
    migrations.upgrade(url)
    migrations.check(url)


def test_upgrading_twice_does_no_harm(url: URL) -> None:
    migrations.upgrade(url)
    migrations.check(url)


def test_a_database_that_is_not_up_to_date_is_named_with_the_remedy(url: URL) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'from-the-future'"))
    with pytest.raises(DatabaseError, match="newer than this program knows"):
        migrations.check(url)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM alembic_version"))
    engine.dispose()
    with pytest.raises(DatabaseError, match="Run: threadbridge db upgrade"):
        migrations.check(url)


def test_an_unreachable_server_is_one_sentence_without_the_password() -> None:
    with pytest.raises(DatabaseError) as caught:
        migrations.upgrade(parse("postgresql://me:hidden-word@127.0.0.1:1/none"))
    assert "cannot be used" in caught.value.sentence
    assert "hidden-word" not in caught.value.sentence + caught.value.detail


@pytest.mark.parametrize("address", ["mysql://x/y", "nonsense", "sqlite://", "sqlite:///:memory:", ""])
def test_other_databases_are_refused_with_a_sentence(address: str) -> None:
    with pytest.raises(ConfigError, match=r"database\.url has to be"):
        parse(address)


def test_the_revision_that_is_needed_is_the_last_one() -> None:
    assert ScriptDirectory.from_config(migrations._config(None)).get_current_head() == migrations.HEAD


def test_a_start_without_anything_to_upgrade_needs_no_alembic(url: URL) -> None:
    """It is large."""
    code = "import sys, migrations; from core.database import parse; migrations.check(parse(sys.argv[1])); "
    code += "migrations.upgrade(parse(sys.argv[1])); sys.exit('alembic' in sys.modules)"
    address = url.render_as_string(hide_password=False)
    assert (
        subprocess.run([sys.executable, "-c", code, address], cwd=Path(migrations.__file__).parents[1]).returncode == 0
    )
