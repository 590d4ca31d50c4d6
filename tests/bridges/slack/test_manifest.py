"""The manifest is what the bridge makes use of, in either mode, also before there are tokens."""

from __future__ import annotations

import json
import re
from pathlib import Path

from pydantic import SecretStr

from bridges.settings import SlackSettings
from bridges.slack.manifest import EVENTS, SCOPES, STOPPED, manifest
from tests.program import Program

NONE = SecretStr("")
SOCKET = SlackSettings(bot_token=NONE, app_token=NONE)
HTTP = SlackSettings(bot_token=NONE, signing_secret=NONE, mode="http")


def test_over_a_socket() -> None:
    made = manifest(SOCKET, "Ada", "")
    assert made["settings"]["socket_mode_enabled"] is True
    assert "request_url" not in made["settings"]["event_subscriptions"]
    assert made["features"]["bot_user"]["display_name"] == "Ada"
    assert made["features"]["agent_view"]["agent_description"]
    assert made["features"]["app_home"]["messages_tab_read_only_enabled"] is False


def test_over_http() -> None:
    made = manifest(HTTP, "Ada", "https://bot.example.org")
    assert made["settings"]["socket_mode_enabled"] is False
    assert made["settings"]["event_subscriptions"]["request_url"] == "https://bot.example.org/slack/events"


def test_the_slash_command_goes_where_events_go() -> None:
    (over_socket,) = manifest(SOCKET, "Ada", "")["features"]["slash_commands"]
    assert over_socket["command"] == "/assistant"
    assert "url" not in over_socket
    (over_http,) = manifest(HTTP.model_copy(update={"command": "/ada"}), "Ada", "https://bot.example.org")["features"][
        "slash_commands"
    ]
    assert (over_http["command"], over_http["url"]) == ("/ada", "https://bot.example.org/slack/events")
    assert "commands" in SCOPES


def test_the_stop_button_only_in_the_agent_view() -> None:
    one = SOCKET.model_copy(update={"direct_messages": "one"})
    assert STOPPED in manifest(SOCKET, "Ada", "")["settings"]["event_subscriptions"]["bot_events"]
    assert STOPPED not in manifest(one, "Ada", "")["settings"]["event_subscriptions"]["bot_events"]


def test_the_agent_view_only_where_each_message_begins_a_thread() -> None:
    one = SOCKET.model_copy(update={"direct_messages": "one"})
    assert "agent_view" not in manifest(one, "Ada", "")["features"]


def test_every_event_has_the_scope_that_slack_asks_for() -> None:
    """https://docs.slack.dev/reference/events names one for each."""
    needed = {event: re.sub(r"message\.(\w+)", r"\1:history", event) for event in EVENTS if "message" in event}
    assert set(needed.values()) <= set(SCOPES)
    assert ("app_mention" in EVENTS) == ("app_mentions:read" in SCOPES)


def test_the_scope_for_reactions_only_where_there_is_a_sign() -> None:
    without = manifest(SOCKET.model_copy(update={"waiting_sign": False}), "Ada", "")["oauth_config"]["scopes"]["bot"]
    assert set(manifest(SOCKET, "Ada", "")["oauth_config"]["scopes"]["bot"]) == set(SCOPES)
    assert set(SCOPES) - set(without) == {"reactions:write"}


async def test_the_command_before_there_are_tokens(tmp_path: Path) -> None:
    file = tmp_path / "threadbridge.toml"
    command = ("slack", "manifest", "--name", "Ada")
    assert json.loads(await _said(tmp_path, *command))["settings"]["socket_mode_enabled"] is True
    file.write_text('[bridges.slack]\nbot_token = "${T}"\nmode = "http"\nsigning_secret = "${S}"')
    assert "say with --public-url" in await _said(tmp_path, *command, code=1)
    assert "https://" in await _said(tmp_path, *command, "--public-url", "http://x", code=1)
    made = json.loads(await _said(tmp_path, *command, "--public-url", "https://bot.example.org/"))
    assert made["settings"]["event_subscriptions"]["request_url"] == "https://bot.example.org/slack/events"


async def _said(folder: Path, *arguments: str, code: int = 0) -> str:
    async with Program(arguments, {}, folder) as program:
        assert await program.ended() == code, program.log
    return "\n".join(program.log)
