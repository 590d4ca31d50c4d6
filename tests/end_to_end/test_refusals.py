"""What an operator can get wrong is one sentence and an exit code, never a traceback and never a secret."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.discretion import SECRETS
from tests.program import Program, World, world


@pytest.fixture
async def standing() -> AsyncIterator[World]:
    async with world() as found:
        yield found


async def refusal(*arguments: str, folder: Path, **environment: str) -> str:
    async with Program(arguments, environment, folder) as program:
        code = await program.ended()
    text = "\n".join(program.log)
    assert code == 1, text
    assert "Traceback" not in text
    assert not [secret for secret in SECRETS if secret in text]
    return program.log[-1]


async def test_without_a_configuration(tmp_path: Path) -> None:
    assert "There is no configuration at threadbridge.toml" in await refusal("run", folder=tmp_path)


async def test_an_unknown_key(standing: World, tmp_path: Path) -> None:
    config = standing.config(tmp_path, "goapi", extra="[relay]\nrecover_witin = 3")
    said = await refusal("run", "--config", str(config), folder=tmp_path)
    assert "relay.recover_witin is not a key that Threadbridge knows; did you mean recover_within?" in said


async def test_no_bridge_and_no_upstream(tmp_path: Path) -> None:
    file = tmp_path / "threadbridge.toml"
    file.write_text("")
    assert "No bridge is configured" in await refusal("run", folder=tmp_path)
    file.write_text('[bridges.telegram]\ntoken = "1:a"')
    assert "No upstream is configured" in await refusal("run", folder=tmp_path)


async def test_a_bridge_that_names_no_upstream_of_ours(standing: World, tmp_path: Path) -> None:
    environment = {"THREADBRIDGE__BRIDGES__SLACK__UPSTREAM": "mian"}
    config = str(standing.config(tmp_path, "goapi"))
    assert 'names "mian"; configured are: main' in await refusal(
        "run", "--config", config, folder=tmp_path, **environment
    )


@pytest.mark.parametrize(
    ("key", "names"),
    [("SLACK__BOT_TOKEN", "slack"), ("DISCORD__TOKEN", "discord"), ("TELEGRAM__TOKEN", "telegram")],
)
async def test_a_wrong_token(standing: World, tmp_path: Path, key: str, names: str) -> None:
    environment = {f"THREADBRIDGE__BRIDGES__{key}": "100001:wrong-word"}
    said = await refusal("run", "--config", str(standing.config(tmp_path, "goapi")), folder=tmp_path, **environment)
    assert names in said.lower()
    assert "token" in said


@pytest.mark.parametrize("name", ["SLACK", "DISCORD", "TELEGRAM"])
async def test_a_platform_that_cannot_be_reached(standing: World, tmp_path: Path, name: str) -> None:
    environment = {f"THREADBRIDGE__BRIDGES__{name}__API_URL": "http://127.0.0.1:9/api"}
    said = await refusal("run", "--config", str(standing.config(tmp_path, "goapi")), folder=tmp_path, **environment)
    assert name.lower() in said.lower()
    assert "http://127.0.0.1:9" in said


async def test_a_second_program_on_one_sqlite_file(standing: World, tmp_path: Path) -> None:
    config = str(standing.config(tmp_path, "goapi"))
    async with Program(("run", "--config", config)) as program:
        await program.said("running:")
        assert "Another Threadbridge runs on" in await refusal("run", "--config", config, folder=tmp_path)


async def test_a_port_that_is_taken(standing: World, tmp_path: Path) -> None:
    environment = {"THREADBRIDGE__HTTP__PORT": str(standing.slack.port)}
    said = await refusal("run", "--config", str(standing.config(tmp_path, "goapi")), folder=tmp_path, **environment)
    assert f"cannot listen on 127.0.0.1:{standing.slack.port}" in said


async def test_a_folder_that_cannot_hold_the_database(standing: World, tmp_path: Path) -> None:
    config = standing.config(tmp_path, "goapi", database=f"sqlite:///{tmp_path}/none/here.db")
    assert "cannot be opened" in await refusal("run", "--config", str(config), folder=tmp_path)


async def test_db_check_says_what_to_do(standing: World, tmp_path: Path) -> None:
    config = str(standing.config(tmp_path, "goapi"))
    assert "Run: threadbridge db upgrade" in await refusal("db", "check", "--config", config, folder=tmp_path)
    async with Program(("db", "upgrade", "--config", config)) as program:
        assert await program.ended() == 0
    async with Program(("db", "check", "--config", config)) as program:
        assert await program.ended() == 0
        assert "is what this program needs" in program.log[-1]
