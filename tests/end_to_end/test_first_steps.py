"""From an empty folder, as somebody who is new to it: init, doctor after each wrong turn, run, and the first answers.

Each wrong turn by itself, and those of a database that is there already, are in `tests/bridges/doctor`."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from sandbox.upstream import API_KEY
from tests.command import command
from tests.program import Program, World, place, replied, world

PLACES = {"slack": "channel", "discord": "channel", "telegram": "direct"}


def where_it_is(standing: World) -> dict[str, str]:
    """The one thing that stand-ins need and a person does not."""
    urls = {
        "BRIDGES__SLACK__API_URL": standing.slack.api_url,
        "BRIDGES__DISCORD__API_URL": standing.discord.api_url,
        "BRIDGES__DISCORD__GATEWAY_URL": standing.discord.gateway_url,
        "BRIDGES__TELEGRAM__API_URL": standing.telegram.api_url,
        "HTTP__PORT": "0",
    }
    return {f"THREADBRIDGE__{name}": value for name, value in urls.items()}


async def test_from_an_empty_folder_to_the_first_answers(tmp_path: Path) -> None:
    async with world() as standing:
        places = {name: place(platform, PLACES[name]) for name, platform in standing.platforms.items()}
        told = where_it_is(standing)

        async def doctor(*words: str, **wrong: str) -> list[str]:
            """Names what is wrong, and its remedy, in these words."""
            ended = await command("doctor", environment={**told, **wrong}, folder=tmp_path)
            said = " ".join(" ".join(ended.lines).split())
            assert ended.code == (1 if words else 0), said
            assert not [one for one in words if one not in said], said
            return ended.lines

        upstream = ("openai", standing.upstream.base_url("openai"), "sandbox", "")
        answers = ("slack discord telegram", "socket", "", "", "", "", places["telegram"], *upstream)
        ended = await command("init", folder=tmp_path, typed="\n".join([*answers, ""]))
        assert ended.code == 0, ended.lines
        assert stat.S_IMODE((tmp_path / "threadbridge.toml").stat().st_mode) == 0o600
        assert "threadbridge.toml" in os.listdir(tmp_path)

        await doctor("${SLACK_BOT_TOKEN}, which is not set", "Set it there")
        told |= {"SLACK_BOT_TOKEN": "xoxb-sandbox", "SLACK_APP_TOKEN": "xapp-sandbox"}
        told |= {"DISCORD_TOKEN": "sandbox-discord-token", "TELEGRAM_TOKEN": "100001:sandbox-telegram-token"}
        told |= {"THREADBRIDGE__UPSTREAMS__MAIN__API_KEY": API_KEY}

        await doctor(
            *("Slack does not take bridges.slack.bot_token", "Install App"),
            *("connection refused", "bridges.discord.api_url"),
            *(f"another program uses 127.0.0.1:{standing.slack.port}", "http.port"),
            SLACK_BOT_TOKEN="xoxb-of-another-app",
            THREADBRIDGE__BRIDGES__DISCORD__API_URL="http://127.0.0.1:9",
            THREADBRIDGE__HTTP__PORT=str(standing.slack.port),
        )

        scopes, standing.slack.scopes = standing.slack.scopes, "app_mentions:read,im:history"
        standing.discord.message_content_allowed = False
        standing.telegram.methods.privacy = True
        await doctor(
            *("chat:write (nothing can be written)", "OAuth & Permissions"),
            *("Message Content Intent", "Privileged Gateway Intents"),
            *("privacy mode", "/setprivacy"),
        )
        standing.slack.scopes = scopes
        standing.discord.message_content_allowed = True
        standing.telegram.methods.privacy = False

        assert (await doctor())[-1].endswith("all is well.")

        async with Program(("run",), told, tmp_path) as program:
            await standing.listening(program)
            for name, where in places.items():
                await standing.platforms[name].say(where, "@bot echo: the first answer")
            for name, where in places.items():
                await replied(standing.platforms[name], where, lambda text: text == "the first answer")
            assert await program.stop() == 0
