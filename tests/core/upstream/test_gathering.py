"""Many answers at once are read in fewer and larger pieces, over real sockets."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing

import pytest
from aiohttp import web

from core.errors import UpstreamError
from core.model import Text
from core.settings import OpenAi
from core.upstream import http
from core.upstream.openai import OpenAiUpstream
from tests.core.upstream.scripted import Asked, Reply, Scripted, prompt

DONE = b"data: [DONE]\n\n"


def data(content: str) -> bytes:
    return b"data: " + json.dumps({"choices": [{"index": 0, "delta": {"content": content}}]}).encode() + b"\n\n"


async def told(reply: Reply) -> list[str]:
    """The texts as they were told: what one read brought is one of them."""
    async with Scripted(reply) as server:
        section = OpenAi.model_validate({"kind": "openai", "base_url": server.url, "model": "m"})
        async with OpenAiUpstream("test", section) as upstream:
            return [event.delta async for event in upstream.stream(prompt()) if isinstance(event, Text)]


def one_by_one(count: int) -> Reply:
    """Each event is sent by itself, once the one before it is on its way."""

    async def reply(asked: Asked) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(asked.request)
        for _ in range(count):
            await response.write(data("x"))
            await asyncio.sleep(0.002)
        await response.write(DONE)
        return response

    return reply


async def test_few_answers_are_read_as_they_come() -> None:
    pieces = await told(one_by_one(100))
    assert "".join(pieces) == "x" * 100
    assert len(pieces) > 20


async def test_of_many_answers_each_is_read_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "READS_PER_SECOND", 4)  # for one answer, as it is for a hundred with the real value
    pieces = await told(one_by_one(100))
    assert "".join(pieces) == "x" * 100
    assert len(pieces) <= 20


async def test_of_very_many_answers_each_is_read_once_for_each_paint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "READS_PER_SECOND", 1)
    monkeypatch.setattr(http, "ONE_PAINT", 0.5)
    pieces = await told(one_by_one(100))
    assert "".join(pieces) == "x" * 100
    assert len(pieces) <= 10


async def test_of_more_answers_than_a_core_has_paints_for_each_is_read_more_seldom(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http, "READS_PER_SECOND", 1)
    monkeypatch.setattr(http, "ONE_PAINT", 0.01)
    monkeypatch.setattr(http, "PAINTS_PER_SECOND", 2)  # for one answer, as it is for 325 with the real value
    pieces = await told(one_by_one(100))
    assert "".join(pieces) == "x" * 100
    assert len(pieces) <= 10


async def test_what_came_in_very_many_chunks_is_read_whole_and_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """More of them than the library holds before it stops reading: it has to go on afterwards."""
    monkeypatch.setattr(http, "READS_PER_SECOND", 4)
    words = [f"{number} " for number in range(40_000)]

    async def reply(asked: Asked) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        response.enable_chunked_encoding()
        await response.prepare(asked.request)
        for word in (*map(data, words), DONE):
            await response.write(word)
        return response

    assert "".join(await told(reply)) == "".join(words)


async def test_an_answer_without_a_body_is_read_as_such() -> None:
    async def reply(asked: Asked) -> web.Response:
        return web.Response(status=204)

    with pytest.raises(UpstreamError):
        await told(reply)


async def test_the_first_text_of_an_answer_is_not_held_up_by_very_many_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "READS_PER_SECOND", 1)
    monkeypatch.setattr(http, "ONE_PAINT", 3_600.0)

    async def reply(asked: Asked) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(asked.request)
        for content in ("", "", "x"):
            await response.write(data(content))
            await asyncio.sleep(0.1)
        await response.write(DONE)
        return response

    async with Scripted(reply) as server:
        section = OpenAi.model_validate({"kind": "openai", "base_url": server.url, "model": "m"})
        async with OpenAiUpstream("test", section) as upstream, aclosing(upstream.stream(prompt())) as events:
            assert await anext(events) == Text("x")
