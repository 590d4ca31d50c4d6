"""Speaks the four protocols by hand, for the tests: what to send, and how to read what comes back."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from sandbox.upstream import API_KEY, BOT_ID, UpstreamServer

BEARER = {"Authorization": f"Bearer {API_KEY}"}
GOAPI_KEY = {"X-API-Key": API_KEY}
GOAPI_PATH = "/api/chatgpt/v1/conversation"
MGA_PATH = f"/api/v1/chat/{BOT_ID}"


@dataclass(slots=True)
class Answer:
    """What a stream said, whatever its protocol."""

    status: int
    raw: bytes
    text: str = ""
    conversation: str = ""
    records: list[Any] = field(default_factory=list)
    done: bool = False


def data_lines(raw: bytes) -> list[str]:
    """The `data:` lines of a stream."""
    return [line.removeprefix("data:").strip() for line in raw.decode().split("\n") if line.startswith("data:")]


async def goapi(
    server: UpstreamServer, client: aiohttp.ClientSession, text: str, conversation: str = "", **more: Any
) -> Answer:
    """One message to GoAPI, read as snapshots: the last one of the assistant counts."""
    body = {"content": {"content_type": "text", "parts": [text]}, **more}
    if not conversation:
        body.setdefault("model", "gpt-4o")
    url = f"{server.base_url('goapi')}{GOAPI_PATH}" + (f"/{conversation}" if conversation else "")
    async with client.post(url, json=body, headers=GOAPI_KEY) as response:
        answer = Answer(response.status, await response.read())
    if answer.status == 200:
        for line in data_lines(answer.raw):
            if line == "[DONE]":
                answer.done = True
                continue
            record = json.loads(line)
            answer.records.append(record)
            answer.conversation = record["conversation_id"]
            message = record.get("message")
            if message and message["author"]["role"] == "assistant" and message["content"]["content_type"] == "text":
                answer.text = message["content"]["parts"][0]
    return answer


async def gptbots_conversation(server: UpstreamServer, client: aiohttp.ClientSession, key: str = API_KEY) -> str:
    headers = {"Authorization": f"Bearer {key}"}
    url = f"{server.base_url('gptbots')}/v1/conversation"
    async with client.post(url, json={"user_id": "u1"}, headers=headers) as response:
        body = await response.json()
    return str(body["conversation_id"])


async def gptbots(
    server: UpstreamServer, client: aiohttp.ClientSession, text: str, conversation: str, *, version: int = 2
) -> Answer:
    """One streamed message to GPTBots."""
    body: dict[str, Any] = {"conversation_id": conversation, "response_mode": "streaming"}
    body |= {"text": text} if version == 1 else {"messages": [{"role": "user", "content": text}]}
    url = f"{server.base_url('gptbots')}/v{version}/conversation/message"
    async with client.post(url, json=body, headers=BEARER) as response:
        answer = Answer(response.status, await response.read(), conversation=conversation)
    if answer.status == 200:
        answer.records = [json.loads(line) for line in answer.raw.decode().split("\n") if line]
        answer.text = "".join(record["data"] for record in answer.records if record["code"] == 3)
        answer.done = answer.records[-1]["code"] == 0
    return answer


async def mga(server: UpstreamServer, client: aiohttp.ClientSession, text: str, conversation: str = "") -> Any:
    """One blocking message to MyGPTAssistants: its `data`."""
    body = {"message": text} | ({"conversationId": conversation} if conversation else {})
    async with client.post(f"{server.url}{MGA_PATH}/message", json=body, headers=BEARER) as response:
        assert response.status == 200
        return (await response.json())["data"]


async def openai(
    server: UpstreamServer, client: aiohttp.ClientSession, *messages: tuple[str, Any], **more: Any
) -> Answer:
    """One streamed completion."""
    body = {"model": "sandbox", "stream": True, "messages": [{"role": r, "content": c} for r, c in messages], **more}
    url = f"{server.base_url('openai')}/chat/completions"
    async with client.post(url, json=body, headers=BEARER) as response:
        answer = Answer(response.status, await response.read())
    if answer.status == 200:
        lines = data_lines(answer.raw)
        answer.done = lines[-1] == "[DONE]"
        answer.records = [json.loads(line) for line in lines if line != "[DONE]"]
        answer.text = "".join(
            choice["delta"].get("content") or "" for record in answer.records for choice in record["choices"]
        )
    return answer
