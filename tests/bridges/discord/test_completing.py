"""Servers that say no more than is needed: the real library reads what they say."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from bridges.discord import DiscordBridge
from bridges.discord.completing import whole_guild, whole_message, whole_thread
from bridges.settings import DiscordSettings
from core.model import MessageId, ThreadId


@pytest.fixture
async def terse() -> AsyncIterator[str]:
    """A REST API that answers with ids only."""

    def answer(data: dict[str, Any]) -> web.Response:
        return web.Response(body=json.dumps(data).encode(), headers={"Content-Type": "application/json"})

    async def me(_: web.Request) -> web.Response:
        return answer({"id": "1", "username": "bot"})

    async def post(_: web.Request) -> web.Response:
        return answer({"id": "77"})

    app = web.Application()
    app.router.add_get("/users/@me", me)
    app.router.add_post("/channels/5/messages", post)
    app.router.add_patch("/channels/5/messages/77", post)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_a_terse_server_is_written_to(terse: str) -> None:
    """It knows no application either."""
    async with DiscordBridge(DiscordSettings(token=SecretStr("t"), api_url=terse)) as bridge:
        surface = bridge.open(ThreadId("discord:@me:5"), "key")
        await surface.show("Hel", final=False)
        assert surface.message == MessageId("77")
        await surface.show("Hello", final=True)
        assert surface.shown == "Hello"


def test_what_is_there_stays_as_it_is() -> None:
    said = {"id": "1", "type": 19, "content": "x", "author": {"id": "2", "username": "ann", "bot": True}}
    whole = whole_message(said, "5")
    assert {key: whole[key] for key in ("id", "type", "content")} == {"id": "1", "type": 19, "content": "x"}
    assert (whole["author"]["username"], whole["author"]["bot"], whole["channel_id"]) == ("ann", True, "5")
    assert whole_message(said | {"channel_id": "6"}, "5")["channel_id"] == "6"


def test_only_threads_are_completed_as_threads() -> None:
    assert whole_thread({"id": "1", "type": 0}) == {"id": "1", "type": 0}
    thread = whole_guild({"id": "9", "threads": [{"id": "1", "type": 11, "name": "n"}]})["threads"][0]
    assert (thread["name"], thread["thread_metadata"]["archived"]) == ("n", False)
