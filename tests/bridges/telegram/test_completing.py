"""Servers that say no more than is needed: the real library reads what they say."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import telegram
from aiohttp import web
from pydantic import SecretStr

from bridges.settings import TelegramSettings
from bridges.telegram import TelegramBridge, completing
from bridges.telegram.inbound import Me, read
from core.errors import SlowDown
from core.model import ThreadId

ME = Me(1, "harbour_bot")


@pytest.fixture
async def terse() -> AsyncIterator[str]:
    """A Bot API that answers with ids only, and refuses with status 200."""
    refusals = [{"ok": False, "error_code": 429, "description": "Too Many Requests", "parameters": {"retry_after": 7}}]

    async def answer(request: web.Request) -> web.Response:
        method = request.match_info["method"]
        if method == "editMessageText" and refusals:
            return web.json_response(refusals.pop())
        results: dict[str, Any] = {"getMe": {"id": "1"}, "sendMessage": {"message_id": 7}}
        return web.json_response({"ok": True, "result": results.get(method, True)})

    app = web.Application()
    app.router.add_route("*", "/bot{token}/{method}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_a_terse_server_is_written_to(terse: str) -> None:
    async with TelegramBridge(TelegramSettings(token=SecretStr("test-token"), api_url=terse)) as bridge:
        surface = bridge.open(ThreadId("telegram:5"), "key")
        await surface.show("Hello", final=False)
        assert surface.message == "7"
        with pytest.raises(SlowDown) as refused:
            await surface.show("Hello", final=False)
        assert refused.value.retry_after == 7
        await surface.show("Hello", final=True)
        assert surface.shown == "Hello"


@pytest.mark.parametrize(
    ("said", "text", "command"),
    [
        ({"chat": {"id": 5}, "text": "hello"}, "hello", ""),
        ({"chat": {"id": 5}, "text": "/new"}, "", "new"),
        ({"chat": {"id": -5}, "text": "@harbour_bot hello"}, "hello", ""),
        ({"chat": {"id": 5}, "text": "yes", "reply_to_message": {"message_id": 2}}, "yes", ""),
    ],
)
def test_a_terse_message_is_understood(said: dict[str, Any], text: str, command: str) -> None:
    raw = {"update_id": 1, "message": {"message_id": 3, "from": {"id": 9}, **said}}
    message = read(telegram.Update.de_json(completing.update(raw), None), ME)
    assert message is not None
    assert (message.text, message.command, message.author) == (text, command, "9")


def test_other_peoples_names_at_the_beginning_are_not_ours() -> None:
    raw = {"update_id": 1, "message": {"message_id": 3, "from": {"id": 9}, "chat": {"id": -5}, "text": "@harbour_bots"}}
    assert read(telegram.Update.de_json(completing.update(raw), None), ME) is None
