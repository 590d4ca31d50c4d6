"""What the sections of the bridges take, and what they say of the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridges.settings import Settings
from core.errors import ConfigError
from core.loading import load

DISCORD = '[bridges.discord]\ntoken = "x"\n'
WEB = "[bridges.web.clients.me]\n"
TOKEN = 'token = "0123456789abcdef0123"'
SLACK = '[bridges.slack]\nbot_token = "xoxb-x"\napp_token = "xapp-x"\n'


def read(folder: Path, text: str, **environ: str) -> Settings:
    path = folder / "threadbridge.toml"
    path.write_text(text, "utf-8")
    return load(Settings, path, environ)


@pytest.mark.parametrize(
    ("lines", "environ", "shards"),
    [
        ("", {}, (0,)),
        ("shards = 3", {}, (0, 1, 2)),
        ("shards = 4\nshard_ids = [3, 1]", {}, (3, 1)),
        ("shards = 4", {"THREADBRIDGE__BRIDGES__DISCORD__SHARD_IDS": "0,1"}, (0, 1)),
        ("", {"THREADBRIDGE__BRIDGES__DISCORD__SHARDS": "2", "THREADBRIDGE__BRIDGES__DISCORD__SHARD_IDS": "1"}, (1,)),
    ],
)
def test_a_process_has_the_shards_that_it_is_given(
    tmp_path: Path, lines: str, environ: dict[str, str], shards: tuple[int, ...]
) -> None:
    settings = read(tmp_path, DISCORD + lines, **environ).bridges.discord
    assert settings is not None
    assert settings.own_shards == shards


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (DISCORD + "shards = 2\nshard_ids = [2]", r"bridges\.discord has shards = 2, so that shard_ids are below 2"),
        (DISCORD + "shards = 2\nshard_ids = [1, 1]", r"bridges\.discord names a shard twice"),
        (DISCORD + "shards = 0", r"bridges\.discord\.shards"),
        (DISCORD + "shards = 2\nshard_ids = [-1]", r"bridges\.discord\.shard_ids"),
        (DISCORD + 'shards = 2\nshard_ids = "first"', r"bridges\.discord\.shard_ids"),
        (SLACK + "sockets = 11", r"bridges\.slack\.sockets"),
        (SLACK + "sockets = 0", r"bridges\.slack\.sockets"),
        ("[bridges.web]\nclients = {}", r"bridges\.web needs a client"),
        ("[bridges.web]", r"bridges\.web\.clients is missing: who may use the page"),
        (WEB, r"bridges\.web\.clients\.me\.token is missing: what this client sends"),
        (WEB + 'token = "short"', r"bridges\.web\.clients\.me\.token is too short: take 20"),
        (WEB + f"{TOKEN}\n[bridges.web.clients.you]\n{TOKEN}", r"bridges\.web has two clients with the same token"),
        (f"[bridges.web.clients.Me]\n{TOKEN}", r'bridges\.web has a client "Me": names are small letters'),
        (f'[bridges.web]\norigins = ["x.example"]\n{WEB}{TOKEN}', r'bridges\.web has an origin "x\.example"'),
        (f'{WEB}{TOKEN}\n[access.web]\npolicy = "members"', r'access has policy = "members" in web'),
        (f'{WEB}{TOKEN}\n[access.web]\nroles = ["x"]', r"access has roles or guilds in web"),
    ],
)
def test_what_cannot_be_is_said(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read(tmp_path, text)
