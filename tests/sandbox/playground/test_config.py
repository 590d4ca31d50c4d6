from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridges.settings import Settings
from core.loading import load
from sandbox.playground import config
from sandbox.playground.config import KINDS, Kind
from sandbox.playground.stand_ins import StandIns


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_any_text_comes_back_from_the_file(text: str) -> None:
    assert tomllib.loads(config.render({"section.deep": {"key": text, "number": 1.5, "list": [text, text]}})) == {
        "section": {"deep": {"key": text, "number": 1.5, "list": [text, text]}}
    }


@pytest.mark.parametrize("kind", KINDS)
def test_the_program_takes_what_is_written_for_it(tmp_path: Path, kind: Kind) -> None:
    stand_ins = StandIns({}, {})
    file = tmp_path / "threadbridge.toml"
    tables = config.tables(
        database=tmp_path / "threadbridge.db",
        http_port=8080,
        bridges=stand_ins.bridges(),
        upstreams=stand_ins.upstreams(),
        kind=kind,
        let_in=stand_ins.let_in,
    )
    file.write_text(config.render(tables), "utf-8")
    settings = load(Settings, file, {})
    assert settings.bridges.slack is not None
    assert settings.bridges.slack.upstream == kind
    assert {name: section.kind for name, section in settings.upstreams.items()} == {one: one for one in KINDS}
    assert settings.access.telegram.policy == "pairing"
    assert settings.access.telegram.users == ("501001", "501002")
    assert settings.database.url == f"sqlite:///{tmp_path}/threadbridge.db"
