from __future__ import annotations

import base64
from typing import Any

import aiohttp
import pytest
from openai import AsyncOpenAI, AuthenticationError, BadRequestError, NotFoundError, RateLimitError

from sandbox.faults import Fault
from sandbox.upstream import API_KEY, UpstreamServer
from tests.sandbox.upstream.speaking import BEARER, openai


def library(server: UpstreamServer, key: str = API_KEY) -> AsyncOpenAI:
    """The vendor's own client, as an independent reader."""
    return AsyncOpenAI(base_url=server.base_url("openai"), api_key=key, max_retries=0)


async def test_the_vendors_client_reads_a_stream_and_its_usage(server: UpstreamServer) -> None:
    async with library(server) as client:
        stream = await client.chat.completions.create(
            model="sandbox",
            messages=[{"role": "user", "content": "everything"}],
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [chunk async for chunk in stream]
    assert chunks[0].choices[0].delta.role == "assistant"
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text.startswith("# Everything at once")
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens > 50
    assert all(chunk.usage is None for chunk in chunks[:-1])


async def test_the_vendors_client_reads_an_answer_in_one_piece(server: UpstreamServer) -> None:
    async with library(server) as client:
        completion = await client.chat.completions.create(
            model="sandbox",
            messages=[
                {"role": "system", "content": "Be kind. My name is Eve."},
                {"role": "user", "content": "My name is Ann"},
                {"role": "assistant", "content": "Hello Ann"},
                {"role": "user", "content": "What is my name?"},
            ],
        )
    assert completion.choices[0].message.content == "Your name is **Ann**."
    assert completion.usage is not None


async def test_nothing_is_remembered_between_requests(server: UpstreamServer, client: aiohttp.ClientSession) -> None:
    await openai(server, client, ("user", "My name is Ann"))
    assert "not told" in (await openai(server, client, ("user", "What is my name?"))).text
    assert server.conversations == []


async def test_the_vendors_client_understands_every_refusal(server: UpstreamServer) -> None:
    hello: Any = [{"role": "user", "content": "Hello"}]
    async with library(server, "wrong") as stranger:
        with pytest.raises(AuthenticationError):
            await stranger.models.list()
    async with library(server) as client:
        assert "sandbox" in {model.id for model in (await client.models.list()).data}
        with pytest.raises(NotFoundError, match="nothing"):
            await client.chat.completions.create(model="nothing", messages=hello)
        for messages in (
            [],
            [{"role": "robot", "content": "x"}],
            [{"role": "user", "content": 3}],
            [{"role": "user", "content": [{"type": "sound"}]}],
            [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "file:///a"}}]}],
        ):
            with pytest.raises(BadRequestError):
                await client.chat.completions.create(model="sandbox", messages=messages)  # type: ignore[arg-type] # wrong on purpose
        server.openai.context = 100
        with pytest.raises(BadRequestError) as caught:
            await client.chat.completions.create(model="sandbox", messages=[{"role": "user", "content": "x" * 101}])
        assert caught.value.code == "context_length_exceeded"
        server.faults.add(Fault("openai.chat", "status", status=429, retry_after=3))
        with pytest.raises(RateLimitError) as limited:
            await client.chat.completions.create(model="sandbox", messages=hello)
        assert limited.value.response.headers["Retry-After"] == "3"


async def test_the_answer_ends_at_the_tokens_that_are_allowed(
    server: UpstreamServer, client: aiohttp.ClientSession
) -> None:
    answer = await openai(server, client, ("user", "long 50"), max_tokens=7)
    assert len(answer.text.split()) == 7
    assert answer.records[-1]["choices"][0]["finish_reason"] == "length"


async def test_pictures_are_seen(server: UpstreamServer, client: aiohttp.ClientSession) -> None:
    data = base64.b64encode(b"12345").decode()
    parts = [
        {"type": "text", "text": "12 * 7"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}},
        {"type": "image_url", "image_url": {"url": "https://example.org/sea.jpg"}},
    ]
    answer = await openai(server, client, ("user", parts))
    assert "**image.png** (image/png, 5 bytes)" in answer.text
    assert "**sea.jpg**" in answer.text
    assert answer.text.endswith("**84**")


async def test_thoughts_and_comments_come_on_demand(server: UpstreamServer, client: aiohttp.ClientSession) -> None:
    server.openai.reasoning, server.openai.keep_alive = "Let me see.", "PROCESSING"
    answer = await openai(server, client, ("user", "12 * 7"))
    assert answer.text == "12 * 7 = **84**"
    assert answer.raw.startswith(b": PROCESSING\n\n")
    assert answer.records[1]["choices"][0]["delta"]["reasoning_content"] == "Let me see."


async def test_an_error_in_mid_answer_is_an_event_without_the_marker(
    server: UpstreamServer, client: aiohttp.ClientSession
) -> None:
    server.faults.add(Fault("openai.chat", "error", words=4))
    answer = await openai(server, client, ("user", "long 50"))
    assert len(answer.text.split()) == 4
    assert answer.records[-1]["error"]["code"] == "server_error"
    assert answer.records[-1]["choices"][0]["finish_reason"] == "error"
    assert not answer.done


async def test_an_unreadable_body_is_refused(server: UpstreamServer, client: aiohttp.ClientSession) -> None:
    async with client.post(f"{server.url}/v1/chat/completions", data=b"{", headers=BEARER) as response:
        assert response.status == 400
