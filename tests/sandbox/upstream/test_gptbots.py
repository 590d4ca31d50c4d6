from __future__ import annotations

import base64
import io
import json
from typing import Any

import aiohttp
import pytest

from sandbox.faults import Fault
from sandbox.upstream import OTHER_KEY, UpstreamServer
from tests.sandbox.upstream.speaking import BEARER, gptbots, gptbots_conversation


async def send(
    server: UpstreamServer, client: aiohttp.ClientSession, body: dict[str, Any], *, version: int = 2
) -> tuple[int, Any]:
    url = f"{server.url}/v{version}/conversation/message"
    data = io.BytesIO(json.dumps({"response_mode": "blocking", **body}).encode())
    headers = {**BEARER, "Content-Type": "application/json"}
    async with client.post(url, data=data, headers=headers) as response:
        return response.status, json.loads(await response.read())


async def get(server: UpstreamServer, client: aiohttp.ClientSession, path: str, **query: str | int) -> Any:
    async with client.get(f"{server.url}{path}", params=query, headers=BEARER) as response:
        return json.loads(await response.read())


def said(text: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}]}


@pytest.mark.parametrize("version", [1, 2])
async def test_a_conversation_is_created_then_goes_on(
    server: UpstreamServer, client: aiohttp.ClientSession, version: int
) -> None:
    conversation = await gptbots_conversation(server, client)
    await gptbots(server, client, "My name is Ann", conversation, version=version)
    answer = await gptbots(server, client, "What is my name?", conversation, version=version)
    assert answer.text == "Your name is **Ann**."


async def test_the_records_come_in_their_order_one_to_a_line(
    server: UpstreamServer, client: aiohttp.ClientSession
) -> None:
    answer = await gptbots(server, client, "everything", await gptbots_conversation(server, client))
    codes = [record["code"] for record in answer.records]
    assert codes == [11, *[3] * (len(codes) - 4), 10, 4, 0]
    names = [record["message"] for record in answer.records]
    assert names[0] == "MessageInfo"
    assert names[-3:] == ["FlowOutput", "Cost", "End"]
    assert answer.text.startswith("# Everything at once")
    assert answer.records[-1]["data"] is None


async def test_other_layouts_hold_the_same_records(server: UpstreamServer, client: aiohttp.ClientSession) -> None:
    conversation = await gptbots_conversation(server, client)
    plain = await gptbots(server, client, "echo: one two three four five", conversation)
    server.gptbots.layout = "data"
    url = f"{server.url}/v2/conversation/message"
    body = {"conversation_id": conversation, "response_mode": "streaming", **said("echo: one two three four five")}
    async with client.post(url, json=body, headers=BEARER) as response:
        blocks = (await response.text()).strip().split("\n\n")
    texts = [json.loads(block.removeprefix("data:")) for block in blocks]
    assert "".join(record["data"] for record in texts if record["code"] == 3) == plain.text
    server.gptbots.layout = "glued"
    async with client.post(url, json=body, headers=BEARER) as response:
        lines = (await response.text()).strip().split("\n")
    assert any(line.count('{"code"') == 2 for line in lines)
    decoder, found = json.JSONDecoder(), []
    for line in lines:
        end = 0
        while end < len(line):
            record, end = decoder.raw_decode(line, end)
            found.append(record)
    assert "".join(record["data"] for record in found if record["code"] == 3) == plain.text


async def test_blocking_answers_have_the_form_of_their_version(
    server: UpstreamServer, client: aiohttp.ClientSession
) -> None:
    conversation = await gptbots_conversation(server, client)
    _, first = await send(server, client, {"conversation_id": conversation, "text": "12 * 7"}, version=1)
    assert (first["message_type"], first["text"], first["conversation_id"]) == (
        "ANSWER",
        "12 * 7 = **84**",
        conversation,
    )
    assert first["flow_output"][0]["from_component_name"] == "User Input"
    _, second = await send(server, client, {"conversation_id": conversation, **said("12 * 7")})
    assert second["output"][0]["content"]["text"] == "12 * 7 = **84**"
    assert second["usage"]["tokens"]["total_tokens"] > 0


async def test_the_flow_output_can_hold_the_whole_answer(server: UpstreamServer, client: aiohttp.ClientSession) -> None:
    server.gptbots.flow = "only"
    answer = await gptbots(server, client, "12 * 7", await gptbots_conversation(server, client))
    assert answer.text == ""
    [flow] = [record for record in answer.records if record["code"] == 10]
    assert flow["data"][0]["content"] == "12 * 7 = **84**"


async def test_earlier_messages_in_a_request_stand_in_for_the_memory(
    server: UpstreamServer, client: aiohttp.ClientSession
) -> None:
    conversation = await gptbots_conversation(server, client)
    await gptbots(server, client, "My name is Ann", conversation)
    talk = [
        {"role": "user", "content": "My name is Bob"},
        {"role": "assistant", "content": "Hello!"},
        {"role": "user", "content": "What is my name?"},
    ]
    _, body = await send(server, client, {"conversation_id": conversation, "messages": talk})
    assert "Bob" in body["output"][0]["content"]["text"]
    config = {"short_term_memory": False}
    asked = {"conversation_id": conversation, "conversation_config": config, **said("What is my name?")}
    _, body = await send(server, client, asked)
    assert "not told" in body["output"][0]["content"]["text"]


async def test_the_history_and_the_list_are_paged(server: UpstreamServer, client: aiohttp.ClientSession) -> None:
    conversation = await gptbots_conversation(server, client)
    other = await gptbots_conversation(server, client)
    await gptbots(server, client, "One", conversation)
    await gptbots(server, client, "Two", conversation)
    first = await get(server, client, "/v1/messages", conversation_id=conversation, page=1, page_size=3)
    assert (first["total"], len(first["messages"])) == (4, 3)
    assert [message["message_type"] for message in first["messages"]] == ["QUESTION", "ANSWER", "QUESTION"]
    assert first["messages"][1]["parent_message_id"] == first["messages"][0]["message_id"]
    second = await get(server, client, "/v2/messages", conversation_id=conversation, page=2, page_size=3)
    assert [item["role"] for item in second["conversation_content"]] == ["assistant"]
    query: dict[str, str | int] = {"conversation_type": "API", "page": 1, "page_size": 10}
    listed = await get(server, client, "/v1/bot/conversation/page", **query)
    assert listed["total"] == 2
    assert {item["conversation_id"] for item in listed["list"]} == {conversation, other}
    assert (await get(server, client, "/v1/bot/conversation/page", **query, user_id="nobody"))["total"] == 0
    assert (await get(server, client, "/v1/bot/conversation/page", **query, start_time=2**52))["total"] == 0
    assert (await get(server, client, "/v1/messages", conversation_id=conversation, page_size=101))["code"] == 40000


async def test_every_error_has_its_code(server: UpstreamServer, client: aiohttp.ClientSession) -> None:
    conversation = await gptbots_conversation(server, client)
    foreign = await gptbots_conversation(server, client, OTHER_KEY)
    hello = {"conversation_id": conversation, **said("Hello")}

    async def code(body: dict[str, Any], version: int = 2) -> int:
        status, answer = await send(server, client, body, version=version)
        assert status >= 400
        assert answer["message"]
        return int(answer["code"])

    assert await code({"conversation_id": "nothing", **said("Hello")}) == 40356
    assert await code({"conversation_id": foreign, **said("Hello")}) == 40358
    assert await code(said("Hello")) == 40000
    assert await code({**hello, "response_mode": "webhook"}) == 40000
    assert await code({"conversation_id": conversation}, version=1) == 40000
    assert await code({"conversation_id": conversation, "messages": [{"role": "assistant", "content": "x"}]}) == 40000
    assert await code({"conversation_id": conversation, **said("x" * 16_001)}) == 20040
    server.gptbots.sees_images = False
    image = {"url": "https://example.org/a.png"}
    assert await code({"conversation_id": conversation, "files": [image]}, version=1) == 40364
    server.gptbots.switched_off = True
    assert await code(hello) == 20055
    server.gptbots.deleted = True
    assert await code(hello) == 20059
    async with client.post(f"{server.url}/v1/conversation", json={"user_id": "u"}, headers=BEARER) as response:
        assert (await response.json())["code"] == 40378
    async with client.post(f"{server.url}/v1/conversation", headers={"Authorization": "Bearer wrong"}) as response:
        assert (response.status, (await response.json())["code"]) == (401, 40127)


async def test_errors_can_come_with_status_200(server: UpstreamServer, client: aiohttp.ClientSession) -> None:
    server.gptbots.error_status = 200
    status, body = await send(server, client, {"conversation_id": "nothing", **said("Hello")})
    assert (status, body["code"]) == (200, 40356)


async def test_a_fault_can_be_any_code_before_the_answer_and_in_it(
    server: UpstreamServer, client: aiohttp.ClientSession
) -> None:
    conversation = await gptbots_conversation(server, client)
    server.faults.add(Fault("gptbots.message", "status", status=402, error="20022"))
    status, body = await send(server, client, {"conversation_id": conversation, **said("Hello")})
    assert (status, body) == (402, {"code": 20022, "message": "Credit not enough"})
    assert server.conversations[0].messages == []
    server.faults.add(Fault("gptbots.message", "error", words=2, error="20022"))
    answer = await gptbots(server, client, "long 30", conversation)
    assert answer.records[-1] == {"code": 20022, "message": "Credit not enough"}
    assert len(answer.text.split()) == 2


async def test_a_user_id_has_at_most_32_characters(server: UpstreamServer, client: aiohttp.ClientSession) -> None:
    for user, expected in (("u" * 32, 200), ("u" * 33, 400), ("", 400)):
        async with client.post(f"{server.url}/v1/conversation", json={"user_id": user}, headers=BEARER) as response:
            assert response.status == expected


async def test_files_are_taken_within_their_limits(server: UpstreamServer, client: aiohttp.ClientSession) -> None:
    conversation = await gptbots_conversation(server, client)
    small = base64.b64encode(b"some text").decode()
    document = {"type": "document", "document": [{"base64_content": small, "format": "txt", "name": "a.txt"}]}
    photo = {"type": "image", "image": {"url": "https://example.org/sea.jpg"}}
    parts = [{"type": "text", "text": "12 * 7"}, document, photo]
    _, body = await send(server, client, {"conversation_id": conversation, **said(parts)})
    text = body["output"][0]["content"]["text"]
    assert "**a.txt** (text/plain, 9 bytes)" in text
    assert "**sea.jpg** (image/jpeg)" in text
    too_large = base64.b64encode(bytes(5 * 2**20 + 1)).decode()
    for files in (
        [{"url": "https://example.org/a.png"}] * 10,
        [{"base64_content": too_large, "name": "a.mp3"}],
        [{"base64_content": small, "name": "a.exe"}],
        [{"base64_content": "%", "name": "a.pdf"}],
        [{"url": "file:///etc/passwd", "name": "a.pdf"}],
        ["a.pdf"],
    ):
        status, body = await send(server, client, {"conversation_id": conversation, "files": files}, version=1)
        assert (status, body["code"]) == (400, 40000)


async def test_the_new_id_can_stand_in_data(server: UpstreamServer, client: aiohttp.ClientSession) -> None:
    server.gptbots.nested = True
    async with client.post(f"{server.url}/v1/conversation", json={"user_id": "u"}, headers=BEARER) as response:
        body = await response.json()
    assert body["data"]["conversation_id"] == server.conversations[0].id
