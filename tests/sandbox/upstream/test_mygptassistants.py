from __future__ import annotations

import json
import time
from typing import Any

import aiohttp
import pytest

from sandbox.faults import Fault
from sandbox.upstream import UpstreamServer
from sandbox.upstream.mygptassistants import Errors
from sandbox.upstream.mygptassistants_stream import Framing, IdIn
from tests.sandbox.upstream.speaking import BEARER, MGA_PATH, mga

FRAMINGS: tuple[Framing, ...] = ("chunk", "result", "typed", "done", "words", "ndjson", "raw", "document")
TEXT = "echo: Two words,\n\n  and a line that is *indented*, with 🌊 and “quotes”."
SAID = TEXT.removeprefix("echo: ")


async def call(
    server: UpstreamServer, client: aiohttp.ClientSession, method: str, path: str, body: Any = None, **query: str | int
) -> tuple[int, Any]:
    url = f"{server.url}{MGA_PATH}{path}"
    async with client.request(method, url, json=body, params=query, headers=BEARER) as response:
        return response.status, json.loads(await response.read())


async def stream(server: UpstreamServer, client: aiohttp.ClientSession, text: str, **more: str) -> tuple[str, str]:
    """The content type and the whole body of a streamed answer."""
    url = f"{server.url}{MGA_PATH}/stream"
    async with client.post(url, json={"message": text, **more}, headers=BEARER) as response:
        assert response.status == 200
        return response.content_type, (await response.read()).decode()


def events(body: str) -> list[tuple[str, str]]:
    """Name and data of each server-sent event, read by the rules of the format."""
    found = []
    for block in body.split("\n\n"):
        fields = [line.partition(":") for line in block.split("\n") if line]
        data = [value.removeprefix(" ") for name, _, value in fields if name == "data"]
        names = [value.strip() for name, _, value in fields if name == "event"]
        if data:
            found.append((names[-1] if names else "message", "\n".join(data)))
    return found


def text_in(framing: Framing, body: str) -> str:
    """The answer, as the shape says it."""
    match framing:
        case "chunk":
            return "".join(json.loads(data)["message"] for name, data in events(body) if name == "chunk")
        case "result":
            [(_, data)] = events(body)
            return str(json.loads(data)["response"])
        case "typed":
            return "".join(json.loads(data).get("content", "") for _, data in events(body))
        case "done":
            return "".join(json.loads(data).get("text", "") for _, data in events(body) if data != "[DONE]")
        case "words":
            return "".join(data for name, data in events(body) if name != "end")
        case "ndjson":
            return "".join(json.loads(line).get("content", "") for line in body.split("\n") if line)
        case "raw":
            return body
        case "document":
            return str(json.loads(body)["data"]["response"])


async def test_a_conversation_goes_on_by_its_id(server: UpstreamServer, client: aiohttp.ClientSession) -> None:
    first = await mga(server, client, "My name is Ann")
    second = await mga(server, client, "What is my name?", first["conversationId"])
    assert second["response"] == "Your name is **Ann**."
    assert second["conversationId"] == first["conversationId"]
    assert second["messageId"] != first["messageId"]


@pytest.mark.parametrize("framing", FRAMINGS)
async def test_every_shape_of_the_stream_carries_the_text_exactly(
    server: UpstreamServer, client: aiohttp.ClientSession, framing: Framing
) -> None:
    server.mygptassistants.framing = framing
    _, body = await stream(server, client, TEXT)
    assert text_in(framing, body) == SAID


async def test_the_usual_stream_closes_with_the_whole_text(
    server: UpstreamServer, client: aiohttp.ClientSession
) -> None:
    media_type, body = await stream(server, client, "12 * 7")
    assert media_type == "text/event-stream"
    names = [name for name, _ in events(body)]
    assert set(names[:-1]) == {"chunk"}
    assert names[-1] == "result"
    result = json.loads(events(body)[-1][1])
    assert result["bot"]["text"] == "12 * 7 = **84**"
    assert result["history_id"] == server.conversations[0].id


@pytest.mark.parametrize("framing", ["chunk", "result", "typed", "done", "ndjson", "document"])
@pytest.mark.parametrize("id_in", ["first", "last", "nothing"])
async def test_the_id_stands_where_it_is_told_to(
    server: UpstreamServer, client: aiohttp.ClientSession, framing: Framing, id_in: IdIn
) -> None:
    server.mygptassistants.framing, server.mygptassistants.id_in = framing, id_in
    _, body = await stream(server, client, "hello")
    id = server.conversations[0].id
    assert body.count(id) == (0 if id_in == "nothing" else 1)
    if framing in {"chunk", "typed", "done", "ndjson"} and id_in != "nothing":
        middle = body.find("hat can I")  # from “What can I do for you?”, which is long enough to be torn but once
        assert (body.find(id) < len(body) // 2) == (id_in == "first"), (middle, body)


async def test_the_history_and_the_list_are_those_of_the_page(
    server: UpstreamServer, client: aiohttp.ClientSession
) -> None:
    first = (await mga(server, client, "What are your business hours?"))["conversationId"]
    await mga(server, client, "And on Sundays?", first)
    second = (await mga(server, client, "Hello"))["conversationId"]
    status, body = await call(server, client, "GET", f"/conversations/{first}")
    assert status == 200
    assert [message["role"] for message in body["data"]["messages"]] == ["user", "assistant"] * 2
    assert body["data"]["metadata"]["messageCount"] == 4
    assert body["data"]["messages"][0]["timestamp"].endswith("Z")

    _, body = await call(server, client, "GET", "/conversations", page=1, limit=1)
    assert [item["id"] for item in body["data"]["conversations"]] == [second]
    assert body["data"]["pagination"] == {"page": 1, "limit": 1, "total": 2, "hasMore": True}
    _, body = await call(server, client, "GET", "/conversations", page=2, limit=1)
    assert body["data"]["conversations"][0]["preview"] == "What are your business hours?"
    assert body["data"]["pagination"]["hasMore"] is False
    _, body = await call(server, client, "GET", "/conversations", since="2999-01-01T00:00:00Z")
    assert body["data"]["pagination"]["total"] == 0
    _, body = await call(server, client, "GET", "/conversations", since="2020-01-01T00:00:00Z")
    assert body["data"]["pagination"]["total"] == 2
    for query in ({"limit": 101}, {"page": 0}, {"limit": "many"}, {"since": "yesterday"}):
        assert (await call(server, client, "GET", "/conversations", **query))[0] == 400


async def test_what_is_wrong_is_refused_in_the_envelope(server: UpstreamServer, client: aiohttp.ClientSession) -> None:
    for body in ({}, {"message": ""}, {"message": 3}, ["x"], {"message": "x", "metadata": "x"}):
        status, answer = await call(server, client, "POST", "/message", body)
        assert (status, answer["success"], answer["error"]["code"]) == (400, False, "INVALID_REQUEST")
    status, answer = await call(server, client, "POST", "/message", {"message": "x", "conversationId": "conv_0"})
    assert (status, answer["error"]["code"]) == (404, "CONVERSATION_NOT_FOUND")
    assert (await call(server, client, "GET", "/conversations/conv_0"))[0] == 404
    url = f"{server.url}/api/v1/chat/bot_nobody/message"
    async with client.post(url, json={"message": "x"}, headers=BEARER) as response:
        assert (response.status, (await response.json())["error"]["code"]) == (404, "BOT_NOT_FOUND")
    async with client.post(f"{server.url}{MGA_PATH}/message", json={"message": "x"}) as response:
        assert (response.status, (await response.json())["error"]["code"]) == (401, "INVALID_API_KEY")


@pytest.mark.parametrize(
    ("errors", "keys"),
    [("envelope", {"success", "data", "error"}), ("nested", {"error"}), ("message", {"message"}), ("text", {"error"})],
)
async def test_errors_come_in_each_of_the_four_envelopes(
    server: UpstreamServer, client: aiohttp.ClientSession, errors: Errors, keys: set[str]
) -> None:
    server.mygptassistants.errors = errors
    status, body = await call(server, client, "POST", "/message", {})
    assert (status, set(body)) == (400, keys)
    server.mygptassistants.errors_as_200 = True
    assert (await call(server, client, "POST", "/message", {}))[0] == 200


async def test_requests_are_counted_and_the_one_too_many_is_refused(
    server: UpstreamServer, client: aiohttp.ClientSession
) -> None:
    server.mygptassistants.per_minute = 2
    url = f"{server.url}{MGA_PATH}/message"
    statuses, left = [], []
    for _ in range(3):
        async with client.post(url, json={"message": "x"}, headers=BEARER) as response:
            statuses.append(response.status)
            left.append(response.headers["X-RateLimit-Remaining"])
            reset = int(response.headers["X-RateLimit-Reset"])
            assert "Retry-After" not in response.headers
    assert (statuses, left) == ([200, 200, 429], ["1", "0", "0"])
    assert 0 < reset - time.time() <= 62


async def test_a_fault_of_status_429_says_when_to_come_back(
    server: UpstreamServer, client: aiohttp.ClientSession
) -> None:
    server.faults.add(Fault("mygptassistants.*", "status", status=429, retry_after=7))
    url = f"{server.url}{MGA_PATH}/message"
    async with client.post(url, json={"message": "x"}, headers=BEARER) as response:
        assert (response.status, (await response.json())["error"]["code"]) == (429, "RATE_LIMIT_EXCEEDED")
        assert 0 < int(response.headers["X-RateLimit-Reset"]) - time.time() <= 9
    assert server.conversations == []


@pytest.mark.parametrize("framing", ["chunk", "typed", "done", "words", "ndjson", "document"])
async def test_an_error_in_mid_answer_has_the_shape_of_the_stream(
    server: UpstreamServer, client: aiohttp.ClientSession, framing: Framing
) -> None:
    server.mygptassistants.framing = framing
    server.faults.add(Fault("mygptassistants.stream", "error", words=3, error="The model is gone"))
    _, body = await stream(server, client, "long 40")
    last = body.strip().split("\n")[-1]
    error = json.loads(last.removeprefix("data: "))["error"]
    assert error == {"code": "INTERNAL_ERROR", "message": "The model is gone"}


async def test_a_raw_stream_has_no_error_but_the_end_of_the_connection(
    server: UpstreamServer, client: aiohttp.ClientSession
) -> None:
    server.mygptassistants.framing = "raw"
    server.faults.add(Fault("mygptassistants.stream", "error", words=3))
    with pytest.raises(aiohttp.ClientPayloadError):
        await stream(server, client, "long 40")


async def test_the_quick_start_reads_its_fields_at_the_top(
    server: UpstreamServer, client: aiohttp.ClientSession
) -> None:
    server.mygptassistants.flat = True
    _, body = await call(server, client, "POST", "/message", {"message": "12 * 7"})
    assert body["response"] == "12 * 7 = **84**"
