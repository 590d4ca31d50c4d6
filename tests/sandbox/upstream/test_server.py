"""What holds for all four systems: faults, pace, a client that goes away, the record, and lasting."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sandbox.faults import Fault, Kind
from sandbox.upstream import UpstreamServer
from tests.sandbox.upstream.speaking import (
    BEARER,
    GOAPI_KEY,
    GOAPI_PATH,
    MGA_PATH,
    data_lines,
    goapi,
    gptbots,
    gptbots_conversation,
    mga,
    openai,
)

REPOSITORY = Path(__file__).parents[3]


async def start(
    server: UpstreamServer, client: aiohttp.ClientSession, system: str, text: str
) -> aiohttp.ClientResponse:
    """Begins an answer and leaves it open."""
    body: dict[str, Any]
    match system:
        case "goapi":
            body = {"model": "gpt-4o", "content": {"content_type": "text", "parts": [text]}}
            return await client.post(f"{server.url}{GOAPI_PATH}", json=body, headers=GOAPI_KEY)
        case "gptbots":
            id = await gptbots_conversation(server, client)
            body = {"conversation_id": id, "response_mode": "streaming", "text": text}
            return await client.post(f"{server.url}/v1/conversation/message", json=body, headers=BEARER)
        case "mygptassistants":
            return await client.post(f"{server.url}{MGA_PATH}/stream", json={"message": text}, headers=BEARER)
        case _:
            body = {"model": "sandbox", "stream": True, "messages": [{"role": "user", "content": text}]}
            return await client.post(f"{server.url}/v1/chat/completions", json=body, headers=BEARER)


def told(server: UpstreamServer, kind: str) -> list[dict[str, Any]]:
    return [happening.data for happening in server.feed.past if happening.kind == kind]


SYSTEMS = ("goapi", "gptbots", "mygptassistants", "openai")


@pytest.mark.parametrize("system", SYSTEMS)
async def test_a_client_that_goes_away_is_noticed_while_nothing_is_written(
    server: UpstreamServer, client: aiohttp.ClientSession, system: str
) -> None:
    server.hold_after = 5
    response = await start(server, client, system, "long 50")
    await response.content.readany()
    assert told(server, "abandoned") == []
    response.close()
    await server.feed.until(lambda: told(server, "abandoned"))
    [abandoned] = told(server, "abandoned")
    assert abandoned["system"] == system
    assert told(server, "answered") == []
    assert all(not conversation.busy for conversation in server.conversations)
    assert [said.role for conversation in server.conversations for said in conversation.messages] in ([], ["user"])


async def test_a_client_that_goes_away_from_a_blocking_call_is_noticed(
    server: UpstreamServer, client: aiohttp.ClientSession
) -> None:
    server.hold_after = 5
    asking = asyncio.create_task(mga(server, client, "long 50"))
    await server.feed.until(lambda: told(server, "text"))
    asking.cancel()
    await server.feed.until(lambda: told(server, "abandoned"))
    assert not server.conversations[0].busy
    assert [said.role for said in server.conversations[0].messages] == ["user"]


async def test_an_abandoned_answer_can_be_finished_for_the_record(
    server: UpstreamServer, client: aiohttp.ClientSession
) -> None:
    server.hold_after, server.finishes_abandoned = 5, True
    response = await start(server, client, "mygptassistants", "long 50")
    response.close()
    await server.feed.until(lambda: told(server, "abandoned"))
    [conversation] = server.conversations
    assert conversation.busy
    assert [said.role for said in conversation.messages] == ["user"]
    server.hold_after = None
    await server.feed.until(lambda: told(server, "answered"))
    assert not conversation.busy
    assert len(conversation.messages[-1].text.split()) == 50


@pytest.mark.parametrize("system", ["goapi", "gptbots", "mygptassistants"])
async def test_a_conversation_takes_one_request_at_a_time(
    server: UpstreamServer, client: aiohttp.ClientSession, system: str
) -> None:
    server.hold_after = 2
    response = await start(server, client, system, "long 50")
    await server.feed.until(lambda: server.conversations)
    [conversation] = server.conversations
    match system:
        case "goapi":
            second = await goapi(server, client, "And?", conversation.id)
            assert (second.status, json.loads(second.raw)["code"]) == (400, 400)
        case "gptbots":
            second = await gptbots(server, client, "And?", conversation.id)
            assert (second.status, json.loads(second.raw)["code"]) == (400, 40000)
        case _:
            body = {"message": "And?", "conversationId": conversation.id}
            async with client.post(f"{server.url}{MGA_PATH}/message", json=body, headers=BEARER) as refused:
                assert refused.status == 409
    server.hold_after = None
    await response.read()
    assert [said.role for said in conversation.messages] == ["user", "assistant"]
    assert not conversation.busy


async def test_a_conversation_is_free_and_recorded_before_its_end_can_be_seen(
    server: UpstreamServer, client: aiohttp.ClientSession
) -> None:
    conversation = (await goapi(server, client, "one")).conversation
    for turn in range(2, 12):
        assert (await goapi(server, client, "again", conversation)).status == 200
        assert len(server.conversations[0].messages) == 2 * turn


@pytest.mark.parametrize("system", SYSTEMS)
async def test_a_break_comes_after_what_was_written(
    server: UpstreamServer, client: aiohttp.ClientSession, system: str
) -> None:
    server_fault(server, system, "break")
    seen, broke = b"", False
    async with await start(
        server, client, system, "echo: " + " ".join(f"w{number}" for number in range(9))
    ) as response:
        try:
            while chunk := await response.content.readany():
                seen += chunk
        except aiohttp.ClientPayloadError:
            broke = True
    assert broke
    answer = seen.rsplit(b'"role": "assistant"')[
        -1
    ]  # GoAPI repeats the question first, and each event what went before
    assert b"w2" in answer
    assert b"w3" not in answer
    assert len(told(server, "answered")) == 1


@pytest.mark.parametrize("system", SYSTEMS)
async def test_a_cut_ends_properly_without_the_marker(
    server: UpstreamServer, client: aiohttp.ClientSession, system: str
) -> None:
    server_fault(server, system, "cut")
    response = await start(server, client, system, "long 40")
    raw = await response.read()
    for marker in (b"[DONE]", b'"message":"End"', b"event: result", b'finish_reason": "stop'):
        assert marker not in raw


@pytest.mark.parametrize("system", SYSTEMS)
async def test_after_garbage_the_stream_goes_on_to_its_marker(
    server: UpstreamServer, client: aiohttp.ClientSession, system: str
) -> None:
    server_fault(server, system, "garbage")
    raw = await (await start(server, client, system, "echo: one two three four five six")).read()
    lines = [line for line in data_lines(raw) or raw.decode().split("\n") if line and line != "[DONE]"]
    unreadable = [line for line in lines if not readable(line)]
    assert len(unreadable) == 1
    assert b"six" in raw
    assert any(marker in raw for marker in (b"[DONE]", b'"message":"End"', b"event: result"))


def readable(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def server_fault(server: UpstreamServer, system: str, kind: Kind) -> None:
    names = {"goapi": "create", "gptbots": "message", "mygptassistants": "stream", "openai": "chat"}
    server.faults.add(Fault(f"{system}.{names[system]}", kind, words=3))


async def test_a_lost_answer_was_given_all_the_same(server: UpstreamServer, client: aiohttp.ClientSession) -> None:
    conversation = (await mga(server, client, "My name is Ann"))["conversationId"]
    for name in ("message", "stream"):
        server.faults.add(Fault(f"mygptassistants.{name}", "lost"))
        body = {"message": "What is my name?", "conversationId": conversation}
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await client.post(f"{server.url}{MGA_PATH}/{name}", json=body, headers=BEARER)
    assert [said.text for said in server.conversations[0].messages[3::2]] == ["Your name is **Ann**."] * 2


async def test_a_dropped_call_is_not_performed(server: UpstreamServer, client: aiohttp.ClientSession) -> None:
    server.faults.add(Fault("goapi.create", "drop"))
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await goapi(server, client, "Hello")
    assert server.conversations == []


async def test_a_slow_call_is_performed(server: UpstreamServer, client: aiohttp.ClientSession) -> None:
    server.faults.add(Fault("openai.models", "slow", seconds=0.05))
    async with client.get(f"{server.url}/v1/models", headers=BEARER) as response:
        assert response.status == 200


@pytest.mark.parametrize("kind", ["cut", "garbage", "break", "error"])
async def test_faults_strike_answers_in_one_piece_too(
    server: UpstreamServer, client: aiohttp.ClientSession, kind: Kind
) -> None:
    server.faults.add(Fault("mygptassistants.message", kind, words=2))
    request = client.post(f"{server.url}{MGA_PATH}/message", json={"message": "long 20"}, headers=BEARER)
    if kind == "break":
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await request
        return
    async with request as response:
        raw = await response.read()
        assert response.status == (500 if kind == "error" else 200)
        assert readable(raw.decode()) == (kind == "error")


async def test_the_pace_is_that_of_the_speed_and_can_be_changed_on_the_way(
    server: UpstreamServer, client: aiohttp.ClientSession
) -> None:
    server.speed = 40
    begun = asyncio.get_running_loop().time()
    await openai(server, client, ("user", "long 20"))
    took = asyncio.get_running_loop().time() - begun
    assert took >= 0.45
    lengths = [data["length"] for data in told(server, "text")]
    assert lengths
    assert lengths == sorted(set(lengths))

    server.speed = 0.001
    response = await start(server, client, "openai", "long 20")
    server.speed = 0
    assert b"[DONE]" in await response.read()


async def test_an_answer_is_held_where_a_test_wants_it(server: UpstreamServer, client: aiohttp.ClientSession) -> None:
    server.hold_after = 10
    response = await start(server, client, "openai", "echo: " + " ".join(f"w{number}" for number in range(30)))
    seen = b""
    while b"w6" not in seen:
        seen += await response.content.readany()
    assert b"w10" not in seen
    server.hold_after = 20
    while b"w16" not in seen:
        seen += await response.content.readany()
    assert b"w20" not in seen
    server.hold_after = None
    assert b"[DONE]" in seen + await response.read()


async def test_bytes_can_be_torn_anywhere(server: UpstreamServer, client: aiohttp.ClientSession) -> None:
    whole = (await openai(server, client, ("user", "emoji"))).text
    server.split = 1
    response = await start(server, client, "openai", "emoji")
    chunks = []
    async for data, _ in response.content.iter_chunks():
        chunks.append(data)
    assert set(map(len, chunks)) == {1}
    assert any(chunk[0] & 0xC0 == 0x80 for chunk in chunks), "no character was torn"
    texts = [json.loads(line) for line in data_lines(b"".join(chunks)) if line != "[DONE]"]
    assert "".join(record["choices"][0]["delta"].get("content") or "" for record in texts) == whole


async def test_the_feed_tells_each_call_without_keys_and_with_long_strings_shortened(
    server: UpstreamServer, client: aiohttp.ClientSession
) -> None:
    conversation = (await goapi(server, client, "x" * 5_000, gizmo_id="g-1")).conversation
    await goapi(server, client, "Hello", conversation)
    create, message = told(server, "call")
    assert create["name"] == "goapi.create"
    assert (message["name"], message["conversation"]) == ("goapi.message", conversation)
    body = create["body"]
    assert body["gizmo_id"] == "g-1"
    assert body["content"]["parts"][0].endswith("… (5000 characters)")
    assert "sandbox-key" not in repr(server.feed.past)
    assert [data["conversation"] for data in told(server, "answered")] == [conversation] * 2


async def test_conversations_and_files_outlive_the_process(client: aiohttp.ClientSession) -> None:
    async with UpstreamServer() as server:
        drawn = await goapi(server, client, "draw a cat")
        named = await mga(server, client, "My name is Ann")
        state = json.loads(json.dumps(server.dump()))
        [file] = server.conversations[0].files.values()
    later = UpstreamServer()
    later.load(state)
    async with later:
        assert (await mga(later, client, "What is my name?", named["conversationId"]))["response"].endswith("**Ann**.")
        assert later.conversations[0].files == {file.id: file}
        assert (await goapi(later, client, "turn", drawn.conversation)).text.startswith("This is message 2")
        assert later.dump()["conversations"][1]["id"] == named["conversationId"]


async def test_it_can_be_stopped_while_answers_are_open(client: aiohttp.ClientSession) -> None:
    async with UpstreamServer() as server:
        server.hold_after = 3
        response = await start(server, client, "openai", "long 50")
        await response.content.readany()
    with pytest.raises(aiohttp.ClientPayloadError):
        await response.read()


async def test_lone_surrogates_and_nulls_are_survived(server: UpstreamServer, client: aiohttp.ClientSession) -> None:
    body = b'{"model": "sandbox", "messages": [{"role": "user", "content": "echo: \\ud83d \\u0000 \\u2028"}]}'
    async with client.post(f"{server.url}/v1/chat/completions", data=body, headers=BEARER) as response:
        answer = await response.json()
    assert answer["choices"][0]["message"]["content"] == "? \x00 \u2028"


async def test_it_runs_by_itself_and_prints_its_addresses() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sandbox.upstream", "--speed", "0", cwd=REPOSITORY, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        lines = [(await process.stdout.readline()).decode().split() for _ in range(5)]
        addresses = {line[0]: line[1] for line in lines}
        async with (
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {addresses['key']}"}) as client,
            client.get(f"{addresses['openai']}/models") as response,
        ):
            assert response.status == 200
    finally:
        process.terminate()
        await process.wait()
