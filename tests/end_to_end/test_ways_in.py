"""The other ways in: Slack's HTTP events and Telegram's webhook at the program's own HTTP server; and files."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.program import Program, World, place, replied, world

OVER_HTTP = {
    "THREADBRIDGE__BRIDGES__SLACK__MODE": "http",
    "THREADBRIDGE__BRIDGES__SLACK__SIGNING_SECRET": "sandbox-signing-secret",
}


@pytest.fixture
async def standing() -> AsyncIterator[World]:
    async with world() as found:
        yield found


async def address(program: Program) -> str:
    line = await program.said("HTTP on ")
    found = re.search(r"http://\S+", line)
    assert found is not None
    return found[0]


async def test_slack_events_over_http_are_answered_and_forged_ones_refused(standing: World, tmp_path: Path) -> None:
    config = str(standing.config(tmp_path, "goapi"))
    async with Program(("run", "--config", config), OVER_HTTP) as program:
        await standing.listening(program)
        events = f"{await address(program)}/slack/events"
        standing.slack.events_url = events
        where = place(standing.slack, "channel")
        root = await standing.slack.say(where, "@bot My name is Rosalind.")
        await replied(standing.slack, where, lambda text: "Rosalind" in text)
        await standing.slack.say(where, "What is my name?", parent=root)
        await replied(standing.slack, where, lambda text: "Rosalind" in text, count=2)
        forged = {"X-Slack-Request-Timestamp": "1", "X-Slack-Signature": "v0=00"}
        async with aiohttp.ClientSession() as session, session.post(events, json={}, headers=forged) as answer:
            assert answer.status == 401
        assert await program.stop() == 0


async def test_telegrams_webhook_is_set_and_answered(standing: World, tmp_path: Path) -> None:
    config = str(standing.config(tmp_path, "goapi"))
    port = _free_port()
    webhook = {
        "THREADBRIDGE__HTTP__PORT": str(port),
        "THREADBRIDGE__BRIDGES__TELEGRAM__MODE": "webhook",
        "THREADBRIDGE__BRIDGES__TELEGRAM__PUBLIC_URL": f"http://127.0.0.1:{port}",
    }
    async with Program(("run", "--config", config), webhook) as program:
        await standing.listening(program)
        where = place(standing.telegram, "direct")
        await standing.telegram.say(where, "echo: over the webhook")
        await replied(standing.telegram, where, lambda text: "over the webhook" in text)
        update = {"update_id": 1, "message": {}}
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"http://127.0.0.1:{port}/telegram/webhook", json=update) as answer,
        ):
            assert answer.status in (401, 403)
        assert await program.stop() == 0


def _free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


async def test_a_message_of_only_a_file_reaches_the_upstream_from_every_platform(
    standing: World, tmp_path: Path
) -> None:
    picture = bytes.fromhex("89504e470d0a1a0a") + b"\0" * 64
    async with Program(("run", "--config", str(standing.config(tmp_path, "gptbots")))) as program:
        await standing.listening(program)
        slack, discord, telegram = standing.slack, standing.discord, standing.telegram
        sent = slack.file("tide.png", picture, "image/png")
        await slack.say(place(slack, "direct"), "", files=(sent,))
        await replied(slack, place(slack, "direct"), lambda text: "tide.png" in text)
        await discord.attach(place(discord, "direct"), "", ("tide.png", "image/png", picture))
        await replied(discord, place(discord, "direct"), lambda text: "tide.png" in text)
        await telegram.attach(place(telegram, "direct"), "document", picture, name="tide.png", media_type="image/png")
        await replied(telegram, place(telegram, "direct"), lambda text: "tide.png" in text)
        assert await program.stop() == 0
