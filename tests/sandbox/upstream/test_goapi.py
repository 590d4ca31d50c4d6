from __future__ import annotations

import io
import json
import struct
import zlib
from itertools import pairwise
from typing import Any

import aiohttp

from sandbox.faults import Fault
from sandbox.upstream import UpstreamServer
from tests.sandbox.upstream.speaking import GOAPI_KEY, GOAPI_PATH, data_lines, goapi


async def post(client: aiohttp.ClientSession, url: str, body: Any, key: str | None = None) -> tuple[int, Any]:
    async with client.post(url, json=body, headers={"X-API-Key": key} if key else GOAPI_KEY) as response:
        return response.status, json.loads(await response.read())


async def test_the_first_message_creates_a_conversation_that_goes_on(
    server: UpstreamServer, client: aiohttp.ClientSession
) -> None:
    first = await goapi(server, client, "My name is Ann")
    second = await goapi(server, client, "What is my name?", first.conversation)
    assert first.done
    assert second.text == "Your name is **Ann**."
    assert second.conversation == first.conversation
    [conversation] = server.conversations
    assert (conversation.kind, conversation.id, conversation.turns) == ("goapi", first.conversation, 2)


async def test_the_stream_is_what_the_page_prints(server: UpstreamServer, client: aiohttp.ClientSession) -> None:
    async with client.post(
        f"{server.url}{GOAPI_PATH}",
        json={"model": "gpt-4", "content": {"content_type": "text", "parts": ["It rains"]}},
        headers=GOAPI_KEY,
    ) as response:
        assert response.content_type == "application/json"
        raw = (await response.read()).decode()
    lines = raw.split("\n")
    assert all(line.startswith("data: ") for line in lines[:-1:2])
    assert set(lines[1::2]) == {" "}
    records = [json.loads(line) for line in data_lines(raw.encode())[:-1]]
    messages = [record["message"] for record in records if "message" in record]
    assert [message["author"]["role"] for message in messages[:3]] == ["system", "user", "assistant"]
    assert messages[1]["content"]["parts"] == ["It rains"]
    texts = [message["content"]["parts"][0] for message in messages[2:]]
    assert all(later.startswith(earlier) for earlier, later in pairwise(texts))
    assert len(set(texts)) > 3
    assert messages[-1]["status"] == "finished_successfully"
    assert messages[-1]["end_turn"] is True
    assert any("moderation_response" in record for record in records)
    assert data_lines(raw.encode())[-1] == "[DONE]"


async def test_the_separator_can_be_the_empty_line_of_the_rules(
    server: UpstreamServer, client: aiohttp.ClientSession
) -> None:
    server.goapi.separator = ""
    answer = await goapi(server, client, "It rains")
    assert set(answer.raw.decode().split("\n")[1::2]) == {""}
    assert answer.text


async def test_a_drawing_comes_as_a_tool_call_and_its_picture_can_be_fetched(
    server: UpstreamServer, client: aiohttp.ClientSession
) -> None:
    answer = await goapi(server, client, "draw me a wild cat")
    messages = [record["message"] for record in answer.records if record.get("message")]
    calls = [message for message in messages if message["recipient"] == "dalle.text2im"]
    assert {call["content"]["content_type"] for call in calls} == {"code"}
    assert "a wild cat" in json.loads(calls[-1]["content"]["text"])["prompt"]
    [tool] = [message for message in messages if message["author"]["role"] == "tool"]
    [pointer] = tool["content"]["parts"]
    assert answer.text == "Here is a wild cat. I hope you like it!"

    file_id = pointer["asset_pointer"].removeprefix("file-service://")
    url = f"{server.url}{GOAPI_PATH}/{answer.conversation}/download"
    status, body = await post(client, url, {"file_id": file_id})
    assert (status, body["code"], body["message"]) == (200, 200, "success")
    async with client.get(body["data"]["download_url"]) as response:
        assert response.content_type == "image/png"
        picture = await response.read()
    assert len(picture) == pointer["size_bytes"]
    assert png_size(picture) == (pointer["width"], pointer["height"])
    assert (await post(client, url, {"file_id": "file-nothing"}))[0] == 400


def png_size(data: bytes) -> tuple[int, int]:
    """The size of a PNG, every chunk of which has to have the right checksum, and as many pixels as it says."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    position, pixels, size = 8, b"", (0, 0)
    while position < len(data):
        (length,) = struct.unpack(">I", data[position : position + 4])
        chunk = data[position + 4 : position + 8 + length]
        (checksum,) = struct.unpack(">I", data[position + 8 + length : position + 12 + length])
        assert zlib.crc32(chunk) == checksum
        if chunk[:4] == b"IHDR":
            size = struct.unpack(">II", chunk[4:12])
        if chunk[:4] == b"IDAT":
            pixels += chunk[4:]
        position += 12 + length
    assert len(zlib.decompress(pixels)) == size[1] * (1 + 3 * size[0])
    return size


async def test_an_uploaded_file_goes_with_a_message(server: UpstreamServer, client: aiohttp.ClientSession) -> None:
    conversation = (await goapi(server, client, "Hello")).conversation
    form = aiohttp.FormData()
    form.add_field("file", b"%PDF-1.7 notes", filename="notes.pdf", content_type="application/pdf")
    url = f"{server.url}{GOAPI_PATH}/{conversation}"
    async with client.post(f"{url}/upload", data=form, headers=GOAPI_KEY) as response:
        uploaded = (await response.json())["data"]
    assert (uploaded["file_name"], uploaded["file_size"]) == ("notes.pdf", 14)
    pointer = {"content_type": "image_asset_pointer", "asset_pointer": f"file-service://{uploaded['file_id']}"}
    listed = {"id": uploaded["file_id"], "name": "notes.pdf", "size": 14, "mimeType": "application/pdf"}
    answer = await goapi(
        server,
        client,
        "",
        conversation,
        content={"content_type": "multimodal_text", "parts": [pointer, "12 * 7"]},
        metadata={"attachments": [listed]},
    )
    assert answer.text == "I have received **notes.pdf** (application/pdf, 14 bytes).\n\n12 * 7 = **84**"


async def test_a_file_may_come_before_its_conversation_where_that_is_taken(
    server: UpstreamServer, client: aiohttp.ClientSession
) -> None:
    url = f"{server.url}{GOAPI_PATH}/upload"

    def form() -> aiohttp.FormData:
        return aiohttp.FormData({"file": io.BytesIO(b"a,b")})

    async with client.post(url, data=form(), headers=GOAPI_KEY) as response:
        assert response.status == 400
    server.goapi.takes_early_files = True
    async with client.post(url, data=form(), headers=GOAPI_KEY) as response:
        file_id = (await response.json())["data"]["file_id"]
    answer = await goapi(server, client, "12 * 7", metadata={"attachments": [{"id": file_id, "name": "a.csv"}]})
    assert answer.text.startswith("I have received **a.csv**")
    assert list(server.conversations[0].files) == [file_id]


async def test_what_is_wrong_is_refused_in_the_envelope(server: UpstreamServer, client: aiohttp.ClientSession) -> None:
    url = f"{server.url}{GOAPI_PATH}"
    content = {"content_type": "text", "parts": ["Hello"]}
    assert (await post(client, url, {"model": "gpt-4o", "content": content}, key="wrong"))[0] == 401
    for body in (
        {"content": content},
        {"model": "gpt-9", "content": content},
        {"model": "gpt-4o"},
        {"model": "gpt-4o", "content": {"content_type": "text", "parts": []}},
        {"model": "gpt-4o", "content": {"content_type": "text", "parts": [{"asset_pointer": "file-service://x"}]}},
        {"model": "gpt-4o", "content": {"content_type": "multimodal_text", "parts": [{"asset_pointer": "x"}]}},
        {"model": "gpt-4o", "content": content, "gizmo_id": 7},
        ["no object"],
    ):
        status, answer = await post(client, url, body)
        assert (status, answer["code"], answer["data"]) == (400, 400, None), body
    assert server.conversations == []


async def test_a_forgotten_conversation_is_not_found(server: UpstreamServer, client: aiohttp.ClientSession) -> None:
    conversation = (await goapi(server, client, "Hello")).conversation
    assert server.forget(conversation)
    answer = await goapi(server, client, "Hello?", conversation)
    assert answer.status == 404
    assert json.loads(answer.raw)["detail"]["code"] == "conversation_not_found"
    server.goapi.unknown_status = 400
    assert (await goapi(server, client, "Hello?", conversation)).status == 400


async def test_a_blocked_message_gets_a_flag_and_no_answer(
    server: UpstreamServer, client: aiohttp.ClientSession
) -> None:
    server.goapi.blocked_words = ("dynamite",)
    answer = await goapi(server, client, "Where is the dynamite?")
    [moderation] = [record for record in answer.records if "moderation_response" in record]
    assert moderation["moderation_response"]["blocked"] is True
    assert (answer.text, answer.done) == ("", True)


async def test_an_error_in_mid_answer_comes_in_an_event(server: UpstreamServer, client: aiohttp.ClientSession) -> None:
    server.faults.add(Fault("goapi.create", "error", words=3, error="Conversation error"))
    answer = await goapi(server, client, "long 50")
    assert len(answer.text.split()) == 3
    assert (answer.records[-1]["message"], answer.records[-1]["error"]) == (None, "Conversation error")
    assert not answer.done
    assert [said.role for said in server.conversations[0].messages] == ["user"]


async def test_the_newer_encoding_adds_up_to_the_same_answer(
    server: UpstreamServer, client: aiohttp.ClientSession
) -> None:
    plain = await goapi(server, client, "everything")
    server.goapi.encoding = "deltas"
    async with client.post(
        f"{server.url}{GOAPI_PATH}",
        json={"model": "gpt-4o", "content": {"content_type": "text", "parts": ["everything"]}},
        headers=GOAPI_KEY,
    ) as response:
        lines = data_lines(await response.read())
    assert lines[0] == '"v1"'
    assert lines[-1] == "[DONE]"
    documents: dict[int, Any] = {}
    path, op, channel = "", "", 0
    for record in map(json.loads, lines[1:-1]):
        if "v" not in record:
            continue
        path, op, channel = record.get("p", path), record.get("o", op), record.get("c", channel)
        match op:
            case "add":
                documents[channel] = record["v"]
            case "append":
                assert path == "/message/content/parts/0"
                documents[channel]["message"]["content"]["parts"][0] += record["v"]
            case "patch":
                assert [change["p"] for change in record["v"]][:2] == ["/message/status", "/message/end_turn"]
            case _:
                raise AssertionError(op)
    assert documents[channel]["message"]["content"]["parts"] == [plain.text]
