"""Each wrong turn is named, with its remedy, by the real command against the stand-ins."""

from __future__ import annotations

import asyncio
import os
import pty
import socket
import sqlite3
import sys
from pathlib import Path

import aiohttp
import psycopg
import pytest

import migrations
from bridges.telegram.checks import delivers_to
from core.database import parse
from sandbox.faults import Fault
from tests.bridges.doctor.conftest import Examined, examined
from tests.program import KINDS, Kind, Program, World, place, replied

NOWHERE = "http://127.0.0.1:9"

pytestmark = pytest.mark.timeout(180)
"""Each run of the command is a process that loads the libraries of all three platforms."""


async def test_all_is_well(standing: World, tmp_path: Path) -> None:
    others = "".join(_upstream(standing, kind) for kind in KINDS[1:])
    standing.slack.app_token = "xapp-1-A0THREADBR-1-sandbox"  # a real one holds the id of its app
    config = standing.config(tmp_path, KINDS[0], extra=others)
    found = await examined(config, BRIDGES__SLACK__APP_TOKEN=standing.slack.app_token)
    assert (found.code, found.failed(), found.warned()) == (0, set(), set()), found.said
    assert {row["state"] for row in found.rows.values()} == {"ok"}
    assert "Sandbox" in found.rows["slack bot token"]["found"]
    assert "999 of 1,000" in found.rows["discord sessions"]["found"]
    assert {conversation.kind for conversation in standing.upstream.conversations} == set(KINDS) - {"openai"}
    assert not (tmp_path / "threadbridge.db").exists(), "looking made the database"


def _upstream(standing: World, kind: Kind, key: str = "sandbox-key", own: str | None = None) -> str:
    """A further upstream, named for its kind."""
    own = own or {"mygptassistants": 'bot_id = "bot_sandbox"', "openai": 'model = "sandbox"'}.get(kind, "")
    address = standing.upstream.base_url(kind)
    return f'[upstreams.{kind}]\nkind = "{kind}"\nbase_url = "{address}"\napi_key = "{key}"\n{own}\n'


async def test_tokens_and_keys_that_are_refused(standing: World, tmp_path: Path) -> None:
    found = await examined(
        standing.config(tmp_path, "openai"),
        BRIDGES__SLACK__BOT_TOKEN="xoxb-wrong-word",
        BRIDGES__SLACK__APP_TOKEN="xapp-wrong-word",
        BRIDGES__DISCORD__TOKEN="wrong-word",
        BRIDGES__TELEGRAM__TOKEN="1:wrong-word",
        UPSTREAMS__MAIN__API_KEY="wrong-word",
    )
    assert found.code == 1
    found.says("slack bot token", "bridges.slack.bot_token", "invalid_auth", "Install App")
    found.says("slack Socket Mode", "bridges.slack.app_token", "App-Level Tokens")
    found.says("discord token", "bridges.discord.token", "Reset Token")
    found.says("telegram token", "bridges.telegram.token", "@BotFather")
    found.says("upstreams main", "refuses the key", "upstreams.main.api_key")
    skipped = {name for name, row in found.rows.items() if row["state"] == "skipped"}
    assert skipped == {
        "slack scopes",
        "discord message content",
        "discord sessions",
        "telegram groups",
        "telegram updates",
    }


async def test_tokens_of_another_kind(standing: World, tmp_path: Path) -> None:
    found = await examined(
        standing.config(tmp_path, "openai"),
        BRIDGES__SLACK__BOT_TOKEN="xapp-sandbox",
        BRIDGES__SLACK__APP_TOKEN="xoxb-sandbox",
        BRIDGES__TELEGRAM__TOKEN="not a token",
    )
    found.says("slack bot token", "app-level token", "xoxb-")
    found.says("slack Socket Mode", "bot token", "xapp-")
    found.says("telegram token", "bridges.telegram.token", "@BotFather")


async def test_tokens_of_two_apps(standing: World, tmp_path: Path) -> None:
    standing.slack.app_token = "xapp-1-A0ANOTHER1-1-sandbox"
    found = await examined(standing.config(tmp_path, "openai"), BRIDGES__SLACK__APP_TOKEN="xapp-1-A0ANOTHER1-1-sandbox")
    found.says("slack Socket Mode", "different apps", "the same app")


async def test_rights_that_are_missing(standing: World, tmp_path: Path) -> None:
    standing.slack.scopes = "app_mentions:read,im:history"
    standing.slack.faults.add(Fault("apps.connections.open", "status", status=200, error="missing_scope"))
    standing.discord.message_content_allowed = False
    standing.discord.sessions_left = 0
    standing.telegram.methods.privacy = True
    _clocks(standing, 600)
    found = await examined(standing.config(tmp_path, "openai"))
    assert found.failed() == {
        "slack scopes",
        "slack Socket Mode",
        "discord message content",
        "discord sessions",
        "machine clock",
    }
    found.says("slack scopes", "reactions:write (people do not see that their message waits)")
    found.says("discord sessions", "none can begin for 4.0 hours", "read its log")
    found.says("machine clock", "seconds behind", "timedatectl")
    found.says("slack scopes", "chat:write (nothing can be written)", "OAuth & Permissions", "Reinstall")
    found.says("slack Socket Mode", "connections:write", "App-Level Tokens")
    found.says("discord message content", "Message Content Intent", "Privileged Gateway Intents")
    assert found.warned() == {"telegram groups"}
    found.says("telegram groups", "privacy mode", "/setprivacy")


async def test_what_only_warns_does_not_fail(standing: World, tmp_path: Path) -> None:
    standing.slack.scopes = standing.slack.scopes.replace("files:read,", "").replace("reactions:write,", "")
    standing.discord.sessions_left = 7
    _clocks(standing, -90)
    config = standing.config(tmp_path, "openai")
    found = await examined(config, ACCESS__TELEGRAM__POLICY="list")
    assert (found.code, found.failed()) == (0, set())
    assert found.warned() == {"slack scopes", "discord sessions", "telegram access", "machine clock"}
    found.says("machine clock", "seconds ahead", "timedatectl")
    found.says("slack scopes", "files:read (files that people send cannot be read)")
    found.says("discord sessions", "7 of 1,000", "again and again")
    found.says("telegram access", "nobody is let in", "access.telegram.users")


def _clocks(standing: World, ahead: float) -> None:
    for server in standing.platforms.values():
        server.clock_ahead = ahead


async def test_nobody_answers(standing: World, tmp_path: Path) -> None:
    found = await examined(
        standing.config(tmp_path, "openai"),
        BRIDGES__SLACK__API_URL=f"{NOWHERE}/api",
        BRIDGES__DISCORD__API_URL=NOWHERE,
        BRIDGES__DISCORD__GATEWAY_URL="ws://127.0.0.1:9",
        BRIDGES__TELEGRAM__API_URL=NOWHERE,
        UPSTREAMS__MAIN__BASE_URL=f"{NOWHERE}/v1",
        HTTP__HOST="203.0.113.7",
        HTTP__PORT="8099",
    )
    found.says("http port", "203.0.113.7:8099 cannot be listened on", "http.host")
    found.says("slack bot token", f"{NOWHERE}/api", "connection refused", "bridges.slack.api_url")
    found.says("slack Socket Mode", f"{NOWHERE}/api", "bridges.slack.api_url")
    found.says("discord token", NOWHERE, "bridges.discord.api_url")
    found.says("discord gateway", "ws://127.0.0.1:9", "bridges.discord.gateway_url")
    found.says("telegram token", NOWHERE, "bridges.telegram.api_url")
    found.says("upstreams main", f"{NOWHERE}/v1", "upstreams.main.base_url")
    assert found.rows["machine clock"]["state"] == "skipped"


async def test_somebody_else_answers(standing: World, tmp_path: Path) -> None:
    other = standing.upstream.url
    found = await examined(
        standing.config(tmp_path, "openai"),
        BRIDGES__SLACK__API_URL=other,
        BRIDGES__DISCORD__API_URL=other,
        BRIDGES__DISCORD__GATEWAY_URL=other,
        BRIDGES__TELEGRAM__API_URL=other,
        UPSTREAMS__MAIN__BASE_URL=standing.slack.url,
    )
    found.says("slack bot token", "there is no Slack API", "bridges.slack.api_url")
    found.says("discord token", "there is no Discord API", "bridges.discord.api_url")
    found.says("discord gateway", other, "bridges.discord.gateway_url")
    found.says("telegram token", "there is no Bot API", "bridges.telegram.api_url")
    found.says("upstreams main", "no such assistant", "upstreams.main.base_url")


async def test_upstreams_that_do_not_know_what_they_are_asked_for(standing: World, tmp_path: Path) -> None:
    others = (
        _upstream(standing, "openai", own='model = "sandbx"')
        + _upstream(standing, "mygptassistants", own='bot_id = "bot_other"')
        + _upstream(standing, "gptbots", key="wrong-word")
    )
    found = await examined(standing.config(tmp_path, "goapi", extra=others))
    assert found.failed() == {"upstreams openai", "upstreams mygptassistants", "upstreams gptbots"}
    found.says("upstreams openai", "does not know the model sandbx", "upstreams.openai.model", "sandbox, sandbox-mini")
    found.says("upstreams mygptassistants", "upstreams.mygptassistants")
    found.says("upstreams gptbots", "refuses the key", "upstreams.gptbots.api_key")


async def test_upstreams_in_trouble_are_asked_once(standing: World, tmp_path: Path) -> None:
    standing.upstream.faults.add(Fault("openai.chat", "status", status=503))
    standing.upstream.faults.add(Fault("goapi.create", "status", status=429, retry_after=1))
    found = await examined(standing.config(tmp_path, "openai", extra=_upstream(standing, "goapi")))
    assert (found.failed(), found.warned()) == ({"upstreams main"}, {"upstreams goapi"})
    found.says("upstreams main", "503", "See that the server runs")
    found.says("upstreams goapi", "too much to do", "Try again")


async def test_no_turn_asks_no_upstream(standing: World, tmp_path: Path) -> None:
    found = await examined(standing.config(tmp_path, "openai"), "--no-turn", UPSTREAMS__MAIN__BASE_URL=NOWHERE)
    assert (found.code, found.rows["upstreams main"]["state"]) == (0, "skipped")


async def test_a_check_that_hangs_ends(standing: World, tmp_path: Path) -> None:
    for server, call in ((standing.slack, "auth.test"), (standing.telegram, "getMe"), (standing.upstream, "openai.*")):
        server.faults.add(Fault(call, "slow", seconds=3600, times=9))
    found = await examined(standing.config(tmp_path, "openai"), "--timeout", "2")
    assert found.failed() >= {"slack bot token", "telegram token", "upstreams main"}
    found.says("slack bot token", "no answer within 2 seconds", "network")


async def test_a_configuration_that_is_wrong(standing: World, tmp_path: Path) -> None:
    config = standing.config(tmp_path, "openai", extra="[relay]\nrecover_witin = 3")
    found = await examined(config)
    assert set(found.rows) == {"config file"}
    found.says("config file", "relay.recover_witin", "did you mean recover_within?")
    config.write_text('[bridges.telegram]\ntoken = "${NOT_SET_ANYWHERE}"')
    (await examined(config)).says("config file", "${NOT_SET_ANYWHERE}", "Set it there")
    config.unlink()
    (await examined(config)).says("config file", "There is no configuration at", "threadbridge init")


async def test_what_is_configured_is_checked_although_something_is_missing(standing: World, tmp_path: Path) -> None:
    found = await examined(standing.config(tmp_path, "openai"), BRIDGES__SLACK__UPSTREAM="mian")
    assert found.failed() == {"config file"}
    found.says("config file", 'names "mian"; configured are: main')
    assert found.rows["slack bot token"]["state"] == "ok"


async def test_a_port_that_another_program_has(standing: World, tmp_path: Path) -> None:
    found = await examined(standing.config(tmp_path, "openai"), HTTP__PORT=str(standing.slack.port))
    assert found.failed() == {"http port"}
    found.says("http port", f"127.0.0.1:{standing.slack.port}", "http.port")


async def test_a_program_that_runs_is_recognised_and_not_disturbed(standing: World, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    config = standing.config(tmp_path, "openai")
    async with Program(("run", "--config", str(config)), {"THREADBRIDGE__HTTP__PORT": port}) as program:
        await standing.listening(program)
        found = await examined(config, HTTP__PORT=port)
        assert (found.code, found.failed()) == (0, set()), found.said
        assert "Threadbridge runs at" in found.rows["http port"]["found"]
        assert "is what this program needs" in found.rows["database schema"]["found"]
        where = place(standing.telegram, "direct")
        await standing.telegram.say(where, "echo: still heard")
        await replied(standing.telegram, where, lambda text: "still heard" in text)
        assert await program.stop() == 0


async def test_folders_that_cannot_hold_the_database(standing: World, tmp_path: Path) -> None:
    none = standing.config(tmp_path, "openai", database=f"sqlite:///{tmp_path}/none/here.db")
    (await examined(none)).says("database folder", f"{tmp_path}/none", "Create it", "database.url")
    # nobody may write there, not even root
    readonly = standing.config(tmp_path, "openai", database="sqlite:////proc/here.db")
    (await examined(readonly)).says("database folder", "cannot be written to", "database.url")
    other = standing.config(tmp_path, "openai", database="mysql://x/y")
    (await examined(other)).says("database address", "sqlite:///FILE or postgresql://USER@HOST/NAME")


async def test_schemas_of_other_versions(standing: World, tmp_path: Path) -> None:
    config = standing.config(tmp_path, "openai")
    sqlite3.connect(tmp_path / "threadbridge.db").close()
    assert "next threadbridge run" in (await examined(config)).rows["database schema"]["found"]
    migrations.upgrade(parse(f"sqlite:///{tmp_path}/threadbridge.db"))
    connection = sqlite3.connect(tmp_path / "threadbridge.db")
    connection.execute("UPDATE alembic_version SET version_num = 'from-the-future'")
    connection.commit()
    connection.close()
    found = await examined(config)
    assert found.failed() == {"database schema"}
    found.says("database schema", "newer than this program knows", "Install the version")


async def test_a_postgresql_with_an_old_schema_and_one_that_is_not_there(
    standing: World, tmp_path: Path, postgresql: str
) -> None:
    old = postgresql.replace("/postgres?", "/old?")
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS old")
        connection.execute("CREATE DATABASE old TEMPLATE template")
    with psycopg.connect(old, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    found = await examined(standing.config(tmp_path, "openai", database=old))
    assert found.failed() == {"database schema"}
    found.says("database schema", "is at revision 0001, this program needs", "threadbridge db upgrade")
    nowhere = standing.config(tmp_path, "openai", database="postgresql://me:wrong-word@127.0.0.1:9/none")
    (await examined(nowhere)).says("database schema", "cannot be used", "Check that it runs")


async def test_updates_that_go_to_another_place(standing: World, tmp_path: Path) -> None:
    await _hook(standing, "http://127.0.0.1:9/secret-path")
    polling = await examined(standing.config(tmp_path, "openai"))
    assert (polling.code, polling.warned()) == (0, {"telegram updates"})
    polling.says("telegram updates", "webhook at 127.0.0.1", "bot of its own")
    assert "secret-path" not in polling.said
    webhook = await _over_http(standing, tmp_path, secret="0123456789abcdef" * 2)
    assert webhook.rows["slack signing secret"]["state"] == "ok"
    webhook.says("telegram updates", "another webhook, at 127.0.0.1", "bot of its own")


async def test_deliveries_that_fail(standing: World, tmp_path: Path) -> None:
    await _hook(standing, "http://127.0.0.1:9/telegram/webhook")
    await standing.telegram.say(place(standing.telegram, "direct"), "is anybody there?")
    await standing.telegram.feed.until(lambda: any(event.kind == "delivery" for event in standing.telegram.feed.past))
    found = await _over_http(standing, tmp_path, secret="wrong-word")
    found.says("slack signing secret", "32 hexadecimal digits", "Basic Information")
    assert found.failed() == {"telegram updates"}
    found.says("telegram updates", "could not deliver", "1 wait", "http.port")


async def _hook(standing: World, url: str) -> None:
    token = "100001:sandbox-telegram-token"
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{standing.telegram.api_url}/bot{token}/setWebhook", data={"url": url}) as response,
    ):
        assert response.status == 200, await response.text()


async def _over_http(standing: World, tmp_path: Path, secret: str) -> Examined:
    """Telegram by webhook, and Slack's events over HTTP."""
    return await examined(
        standing.config(tmp_path, "openai"),
        BRIDGES__TELEGRAM__MODE="webhook",
        BRIDGES__TELEGRAM__PUBLIC_URL="http://127.0.0.1:9",
        BRIDGES__SLACK__MODE="http",
        BRIDGES__SLACK__SIGNING_SECRET=secret,
    )


@pytest.mark.parametrize(
    ("url", "takes"),
    [
        ("https://bot.example.org/telegram/webhook", True),
        ("https://bot.example.org:8443/telegram/webhook", True),
        ("https://bot.example.org:8080/telegram/webhook", False),
        ("http://bot.example.org/telegram/webhook", False),
    ],
)
def test_where_telegram_delivers_to(url: str, takes: bool) -> None:
    assert delivers_to(url) is takes


async def test_plain_lines_where_there_is_no_terminal(standing: World, tmp_path: Path) -> None:
    standing.discord.message_content_allowed = False
    config = standing.config(tmp_path, "openai")
    async with Program(("doctor", "--config", str(config))) as program:
        assert await program.ended() == 1
    assert "\x1b" not in "".join(program.log)
    assert program.log[0] == f"ok       config, file: {config} is complete"
    [line] = [line for line in program.log if line.startswith("failed")]
    assert "discord, message content: " in line
    assert "Switch it on at" in line
    assert program.log[-1] == "19 checks: 1 failed."


async def test_a_terminal_shows_a_list_that_fills_up(standing: World, tmp_path: Path) -> None:
    config = standing.config(tmp_path, "openai")
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bridges.cli", "doctor", "--config", str(config)),
        stdout=theirs,
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[3]),
            "TERM": "xterm",
            "COLUMNS": "80",
            "LINES": "30",
        },
    )
    os.close(theirs)
    reading = asyncio.create_task(asyncio.to_thread(_all, ours))
    assert await process.wait() == 0
    said = await reading
    first = said.split("\x1b[7F")[0]
    assert "· slack      bot token" in first.replace("\x1b[2m", "").replace("\x1b[0m", "")
    assert "\x1b[J" in said
    assert said.rstrip().endswith("19 checks: all is well.\x1b[0m")


def _all(terminal: int) -> str:
    said = b""
    try:
        while data := os.read(terminal, 65536):
            said += data
    except OSError:
        pass  # the other end is closed
    os.close(terminal)
    return said.decode()


async def test_the_web(standing: World, tmp_path: Path) -> None:
    web = '[bridges.web]\norigins = ["{}"]\n[bridges.web.clients.ann]\ntoken = "token-of-ann-and-nobody-else"\n'
    found = await examined(standing.config(tmp_path, "openai", extra=web.format("https://www.example.org")))
    assert found.rows["web clients"] == {
        "area": "web",
        "check": "clients",
        "state": "ok",
        "found": "http://127.0.0.1/web/ knows ann",
        "remedy": "",
    }
    assert found.rows["web access"]["found"] == "everyone is let in"
    found = await examined(standing.config(tmp_path, "openai", extra=web.format("http://www.example.org")))
    found.says("web clients", "http://www.example.org", "bridges.web.origins", "https")
