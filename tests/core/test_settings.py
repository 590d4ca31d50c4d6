"""The configuration: what is right is read, and each mistake is one sentence that names the key."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridges.settings import Settings
from core.errors import ConfigError
from core.loading import load
from core.settings import GoApi, OpenAi

DESIGNED = """
[database]
url = "sqlite:///threadbridge.db"
[http]
host = "127.0.0.1"
port = 8080
admin_token = "${ADMIN}"
[bridges.slack]
bot_token = "${SLACK_BOT}"
app_token = "xapp-1"
mode = "socket"
api_url = "https://slack.com/api/"
upstream = "main"
[bridges.discord]
token = "d"
api_url = "https://discord.com/api/v10"
gateway_url = "wss://gateway.discord.gg/"
[bridges.telegram]
token = "1:t"
mode = "polling"
api_url = "https://api.telegram.org"
[upstreams.main]
kind = "goapi"
base_url = "https://api.goapi.ai"
api_key = "k"
model = "gpt-4o"
backup = ["second"]
[upstreams.second]
kind = "openai"
base_url = "http://127.0.0.1:11434/v1"
model = "llama3.2"
[access.telegram]
policy = "list"
users = [42, "43"]
"""


def read(tmp_path: Path, text: str, **environ: str) -> Settings:
    file = tmp_path / "threadbridge.toml"
    file.write_text(text, "utf-8")
    return load(Settings, file, environ)


def refusal(tmp_path: Path, text: str, **environ: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text, **environ)
    return caught.value.sentence


def test_the_designed_configuration_is_read_as_it_stands(tmp_path: Path) -> None:
    settings = read(tmp_path, DESIGNED, ADMIN="a", SLACK_BOT="xoxb-1")
    assert settings.bridges.slack is not None
    assert settings.bridges.slack.bot_token.get_secret_value() == "xoxb-1"
    main, second = settings.upstreams["main"], settings.upstreams["second"]
    assert isinstance(main, GoApi)
    assert isinstance(second, OpenAi)
    assert (main.backup, second.model) == (("second",), "llama3.2")
    assert settings.access.telegram.users == ("42", "43")


def test_the_environment_goes_over_the_file(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        DESIGNED,
        ADMIN="a",
        SLACK_BOT="b",
        THREADBRIDGE__HTTP__PORT="9090",
        THREADBRIDGE__UPSTREAMS__SECOND__MODEL="other",
        THREADBRIDGE__ACCESS__TELEGRAM__USERS="7, 8",
        THREADBRIDGE__BRIDGES__DISCORD__TOKEN="12345678",
    )
    assert settings.http.port == 9090
    second = settings.upstreams["second"]
    assert isinstance(second, OpenAi)
    assert second.model == "other"
    assert settings.access.telegram.users == ("7", "8")
    assert settings.bridges.discord is not None
    assert settings.bridges.discord.token.get_secret_value() == "12345678"


def test_the_environment_alone_is_enough() -> None:
    environ = {"THREADBRIDGE__UPSTREAMS__A__KIND": "openai", "THREADBRIDGE__UPSTREAMS__A__MODEL": "m"}
    assert load(Settings, None, environ).upstreams["a"].kind == "openai"


def test_a_dollar_can_be_written(tmp_path: Path) -> None:
    settings = read(tmp_path, '[upstreams.a]\nkind = "openai"\nmodel = "m"\nsystem = "say $${NAME} and $5"')
    second = settings.upstreams["a"]
    assert isinstance(second, OpenAi)
    assert second.system == "say ${NAME} and $5"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[bridges.slack]\nbot_tokn = "x"', "bot_tokn is not a key that Threadbridge knows; did you mean"),
        ('[bridges.slack]\nbot_token = "x"', 'needs app_token (it starts with xapp-) when mode is "socket"'),
        ('[bridges.slack]\nbot_token = "x"\nmode = "http"', "needs signing_secret"),
        ('[bridges.telegram]\ntoken = "x"\nmode = "webhook"', "needs public_url"),
        ("[bridges.telegram]", "bridges.telegram.token is missing: the bot token that @BotFather gave you"),
        ('[upstreams.main]\nkind = "goapi"', "upstreams.main.api_key is missing: the key of your account"),
        ('[upstreams.main]\nkind = "goapi"\napi_key = "k"\nmodle = "x"', "did you mean model?"),
        ('[upstreams.main]\nkind = "gopi"', "main.kind has to be one of goapi, gptbots, mygptassistants, openai"),
        ('[upstreams.main]\nmodel = "x"', "upstreams.main.kind has to be one of"),
        ('[upstreams.a]\nkind = "openai"\nmodel = "m"\nbase_url = "localhost:1"', "upstreams.a.base_url is not an"),
        ('[database]\nurl = "${NOWHERE}"', "database.url takes its value from ${NOWHERE}, which is not set"),
        ('[http]\nport = "many"', "http.port"),
        ("[http]\nport = 70000", "http.port"),
        ("[brigdes]", "brigdes is not a key that Threadbridge knows; did you mean bridges?"),
        ('[access.telegram]\npolicy = "closed"', "access.telegram.policy"),
        ("[access.telegran]", "did you mean telegram?"),
        ('[access.telegram]\npolicy = "members"', 'has policy = "members" in telegram, which has no members'),
        ("[access.slack]\nroles = [1]", "access has roles or guilds in slack, which only Discord has"),
        ("[access.discord.chanel]", "did you mean channel?"),
        ("[access.discord.channel]\nturns_per_minute = -1", "access.discord.channel.turns_per_minute"),
        ('[bridges.discord]\ntoken = "x"\noverlap = "skip"', "bridges.discord.overlap"),
        ("x = ", "is not valid TOML"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence_that_names_the_key(tmp_path: Path, text: str, said: str) -> None:
    assert said in refusal(tmp_path, text)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="There is no configuration at"):
        load(Settings, tmp_path / "none.toml", {})


def test_a_folder_or_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(Settings, tmp_path, {})
    (tmp_path / "x.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="it is not UTF-8"):
        load(Settings, tmp_path / "x.toml", {})


def test_no_secret_is_in_a_refusal_or_in_what_is_printed(tmp_path: Path) -> None:
    secret = "sk-very-secret"
    assert secret not in refusal(tmp_path, f'[upstreams.main]\nkind = "goapi"\napi_key = "{secret}"\nmodle = "x"')
    assert secret not in refusal(tmp_path, f'[upstreams.main]\nkind = "goapi"\napi_key = ["{secret}"]')
    settings = read(tmp_path, f'[upstreams.main]\nkind = "goapi"\napi_key = "{secret}"')
    assert secret not in repr(settings)
