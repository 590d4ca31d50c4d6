"""The operator lets people in by the program's own command, on a database that the program made."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, delete
from sqlmodel import Session

import migrations
from core import tables
from core.database import parse
from sandbox.playground import config
from sandbox.playground.errors import Refused
from sandbox.playground.folder import Folder
from sandbox.playground.operator import Operator
from sandbox.playground.stand_ins import StandIns

EVE = {"bridge": "telegram", "name": "Eve Stray"}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Eve waits, with the code K7M-2QX."""
    folder = Folder(tmp_path)
    stand_ins = StandIns({}, {})
    written = config.tables(
        database=folder.database,
        http_port=8080,
        bridges=stand_ins.bridges(),
        upstreams=stand_ins.upstreams(),
        kind="goapi",
        let_in=stand_ins.let_in,
    )
    folder.config.write_text(config.render(written), "utf-8")
    url = f"sqlite:///{folder.database}"
    migrations.upgrade(parse(url))
    engine = create_engine(url)
    with Session(engine) as session:
        until = datetime.now(UTC) + timedelta(hours=1)
        session.add(
            tables.Pairing(code="K7M2QX", bridge="telegram", author="501003", author_name="Eve Stray", expires_at=until)
        )
        session.commit()
    engine.dispose()
    return folder


async def test_who_waits_is_let_in_by_the_command(folder: Folder) -> None:
    operator = Operator(folder)
    assert operator.state() == {"waiting": (), "let_in": ()}
    assert await operator.look()
    assert operator.state() == {"waiting": ({**EVE, "code": "K7M-2QX"},), "let_in": ()}
    assert not await operator.look(), "nothing is new"
    assert await operator.pair("K7M-2QX") == "Eve Stray (id 501003) is let in on telegram from now on."
    assert await operator.look()
    assert operator.state() == {"waiting": (), "let_in": (EVE,)}


async def test_why_the_command_does_not_do_it_is_said(folder: Folder) -> None:
    operator = Operator(folder)
    await operator.look()
    engine = create_engine(f"sqlite:///{folder.database}")
    with Session(engine) as session:
        session.execute(delete(tables.Pairing))
        session.commit()
    engine.dispose()
    with pytest.raises(Refused, match=r"^Nobody was given the code K7M-2QX"):
        await operator.pair("K7M-2QX")


@pytest.mark.parametrize("code", ["", "WRONG", "--list", "K7M2QX; true"])
async def test_only_a_code_that_somebody_waits_with_is_passed_on(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.setattr("sandbox.playground.operator.COMMAND", ("/nowhere/that/could/be/started",))
    operator = Operator(folder)
    await operator.look()
    with pytest.raises(Refused, match="Nobody waits"):
        await operator.pair(code)
