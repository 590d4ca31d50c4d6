"""`threadbridge init` as a process: what it asks, what it writes, and what it leaves alone."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from bridges.settings import Settings
from core.errors import ConfigError
from core.loading import load
from core.settings import OpenAi
from tests.program import Program

PUT = {"TELEGRAM_TOKEN": "1:t", "DISCORD_TOKEN": "d", "SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}
PUT |= {"OPENAI_API_KEY": "k", "GOAPI_KEY": "k", "GPTBOTS_KEY": "k", "MYGPTASSISTANTS_KEY": "k"}


async def init(folder: Path, *arguments: str, typed: str = "", code: int = 0) -> str:
    async with Program(("init", *arguments), {}, folder, typed=typed) as program:
        ended = await program.ended()
    said = "\n".join(program.log)
    assert ended == code, said
    assert "Traceback" not in said
    return said


def read(folder: Path, environ: dict[str, str] = PUT) -> Settings:
    return load(Settings, folder / "threadbridge.toml", environ)


async def test_answers_through_a_pipe(tmp_path: Path) -> None:
    typed = "\n".join(
        [
            "slack, teams",
            "slack discord telegram",
            *("carrier pigeon", "socket", "xapp-mixed-up", "xoxb-typed", ""),
            "discord-typed",
            *("123:typed", "42, 43"),
            *("openai", "localhost", "http://127.0.0.1:11434/v1", "llama3.2"),
            "",
        ]
    )
    said = await init(tmp_path, typed=typed)
    for page in ("https://api.slack.com/apps", "https://discord.com/developers/applications", "@BotFather"):
        assert page in said
    for complaint in (
        "There are slack, discord, telegram, web.",
        "socket or http",
        "start with xoxb-",
        "http:// or https://",
    ):
        assert complaint in said
    settings = read(tmp_path, {"SLACK_APP_TOKEN": "xapp-1"})
    slack, discord, telegram = settings.bridges.slack, settings.bridges.discord, settings.bridges.telegram
    assert slack is not None
    assert discord is not None
    assert telegram is not None
    assert (slack.bot_token.get_secret_value(), slack.mode) == ("xoxb-typed", "socket")
    assert discord.token.get_secret_value() == "discord-typed"
    assert telegram.token.get_secret_value() == "123:typed"
    assert settings.access.telegram.users == ("42", "43")
    main = settings.upstreams["main"]
    assert isinstance(main, OpenAi)
    assert (main.base_url, main.model, main.api_key) == ("http://127.0.0.1:11434/v1", "llama3.2", None)
    # what was typed is in the file for its owner alone, and nowhere else
    assert stat.S_IMODE((tmp_path / "threadbridge.toml").stat().st_mode) == 0o600
    assert "typed" not in said
    assert "SLACK_APP_TOKEN=" in said
    assert "SLACK_BOT_TOKEN=" not in said.partition("Wrote")[2]
    manifest = json.loads((tmp_path / "slack-manifest.json").read_text("utf-8"))
    assert manifest["settings"]["socket_mode_enabled"] is True


async def test_the_web_needs_no_answer(tmp_path: Path) -> None:
    said = await init(tmp_path, "--bridge", "web", "--upstream", "openai", "--yes")
    web = read(tmp_path).bridges.web
    assert web is not None
    token = web.clients["me"].token.get_secret_value()
    assert len(token) == 48
    assert token not in said
    assert "http://127.0.0.1:8080/web/" in said
    await init(tmp_path, "--bridge", "web", "--upstream", "openai", "--yes", "--config", "other.toml")
    other = load(Settings, tmp_path / "other.toml", PUT).bridges.web
    assert other is not None
    assert other.clients["me"].token.get_secret_value() != token


async def test_answers_that_end_too_early(tmp_path: Path) -> None:
    said = await init(tmp_path, typed="telegram\n", code=1)
    assert "The answers ended before this was answered: Bot token" in said
    assert not (tmp_path / "threadbridge.toml").exists()


@pytest.mark.parametrize(
    ("kind", "own"),
    [("openai", ()), ("goapi", ()), ("gptbots", ()), ("mygptassistants", ("--bot-id", "b"))],
)
async def test_without_a_question(tmp_path: Path, kind: str, own: tuple[str, ...]) -> None:
    bridges = [word for name in ("slack", "discord", "telegram") for word in ("--bridge", name)]
    said = await init(tmp_path, *bridges, "--upstream", kind, *own, "--yes")
    settings = read(tmp_path)
    assert settings.upstreams["main"].kind == kind
    assert settings.access.telegram.policy == "pairing"
    assert "Which" not in said
    assert "TELEGRAM_TOKEN=" in said
    with pytest.raises(ConfigError, match="not set in the environment"):
        read(tmp_path, {})


async def test_what_is_needed_without_a_question_is_named(tmp_path: Path) -> None:
    assert "--bridge has to be given" in await init(tmp_path, "--yes", "--upstream", "openai", code=1)
    short = ("--yes", "--bridge", "telegram", "--upstream", "mygptassistants")
    assert "--bot-id has to be given" in await init(tmp_path, *short, code=1)
    assert os.listdir(tmp_path) == []


async def test_what_is_there_is_left_unless_one_agrees(tmp_path: Path) -> None:
    file = tmp_path / "threadbridge.toml"
    file.write_text("# mine")
    file.chmod(0o644)
    flags = ("--bridge", "telegram", "--upstream", "openai")
    assert "is left as it is" in await init(tmp_path, *flags, "--yes", code=1)
    assert "is left as it is" in await init(tmp_path, *flags, typed="\n", code=1)
    assert file.read_text() == "# mine"
    await init(tmp_path, *flags, typed="y\n\n\n\n\n\n")
    assert read(tmp_path).bridges.telegram is not None
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    flags = ("--bridge", "telegram", "--upstream", "openai", "--yes", "--config", "none/here.toml")
    assert "cannot be written" in await init(tmp_path, *flags, code=1)
