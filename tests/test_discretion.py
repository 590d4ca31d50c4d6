"""Whatever way a secret gets out during the suite, it is noticed."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

import pytest

from sandbox.feed import Feed
from tests.discretion import SECRETS, found, read_databases
from tests.program import Program


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_in_a_line_of_the_log_is_found(secret: str) -> None:
    logging.getLogger("core.relay").warning("asked with %s", secret)
    assert len(found()) >= 1


def test_a_secret_in_a_traceback_is_found() -> None:
    try:
        raise ValueError(SECRETS[0])
    except ValueError:
        logging.getLogger("core.relay").exception("it failed")
    assert len(found()) == 1


def test_a_secret_that_is_said_in_a_chat_is_found() -> None:
    Feed("slack").publish("message", text=f"the key is {SECRETS[4]}")
    assert len(found()) == 1


async def test_a_secret_that_a_program_prints_is_found() -> None:
    async with Program((SECRETS[2],)) as program:
        await program.ended()
    assert found(), program.log


def test_a_secret_in_a_database_is_found(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "threadbridge.db") as connection:
        connection.execute("create table a (b text)")
        connection.execute("insert into a values (?)", (SECRETS[0],))
    connection.close()
    read_databases(tmp_path)
    assert found()
    (tmp_path / "threadbridge.db").unlink()
