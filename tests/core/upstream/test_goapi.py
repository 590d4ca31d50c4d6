"""The GoAPI adapter over real sockets. What its streams may hold is tested with the reader."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.errors import ConversationUnknown, PromptRejected, UpstreamBusy, UpstreamRefused
from core.model import Exchange, File, Opened, Text
from core.settings import GoApi
from core.upstream import HasConversations, HasHistory
from core.upstream.goapi import GoApiUpstream
from tests.core.upstream.reading import Heard
from tests.core.upstream.scripted import (
    Reply,
    Scripted,
    answered,
    attachments,
    document,
    failure,
    prompt,
    status,
    streamed,
)

ROOT = "/api/chatgpt/v1/conversation"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\0\0\0\0\x80" + b"\0" * 5000


def adapter(server: Scripted, **more: Any) -> GoApiUpstream:
    section = GoApi.model_validate({"kind": "goapi", "base_url": server.url, "api_key": "key-123456", **more})
    return GoApiUpstream("test", section, sleep=server.sleep)


def snapshot(text: str, **more: Any) -> bytes:
    message = {
        "id": "m",
        "author": {"role": "assistant"},
        "recipient": "all",
        "content": {"content_type": "text", "parts": [text]},
        "status": "finished_successfully",
        "end_turn": True,
        **more,
    }
    return b"data: " + json.dumps({"message": message, "conversation_id": "c1", "error": None}).encode() + b"\n \n"


DONE = b"data: [DONE]\n \n"


def says(text: str, *before: bytes) -> Reply:
    return streamed(*before, snapshot(text), DONE)


def uploaded(file_id: str) -> Reply:
    return document({"code": 200, "data": {"file_name": "x", "file_id": file_id, "file_size": 1}, "message": "success"})


async def test_the_first_message_creates_the_conversation() -> None:
    async with Scripted(says("Hello")) as server, adapter(server, gizmo_id="g-1") as upstream:
        assert await answered(upstream, prompt("Hi")) == Heard("Hello", ("c1",))
        [asked] = server.asked
        assert (asked.path, asked.headers["X-API-Key"]) == (ROOT, "key-123456")
        assert asked.json == {
            "model": "gpt-4o",
            "gizmo_id": "g-1",
            "content": {"content_type": "text", "parts": ["Hi"]},
        }


async def test_the_id_comes_before_any_text() -> None:
    async with Scripted(says("Hello")) as server, adapter(server) as upstream:
        events = [event async for event in upstream.stream(prompt())]
        assert events[:2] == [Opened("c1"), Text("Hello")]


async def test_later_messages_go_to_the_conversation() -> None:
    async with Scripted(says("Hello")) as server, adapter(server) as upstream:
        await answered(upstream, prompt("Hi", conversation_id="a/b"))
        [asked] = server.asked
        assert asked.path == f"{ROOT}/a%2Fb"
        assert asked.json == {"content": {"content_type": "text", "parts": ["Hi"]}}


async def test_a_conversation_that_begins_anew_is_given_what_was_said() -> None:
    async with Scripted(says("Hello")) as server, adapter(server) as upstream:
        await answered(upstream, prompt("Hi", history=(Exchange("my name is Ann", "Hello Ann"),)))
        [text] = server.asked[0].json["content"]["parts"]
        assert text.index("my name is Ann") < text.index("Hello Ann") < text.index("Hi", text.index("Hello Ann"))


@pytest.mark.parametrize(
    "reply",
    [
        status(404, {"detail": {"message": "Can't load conversation", "code": "conversation_not_found"}}),
        status(404),
        status(400, {"code": 400, "message": "conversation c9 not found", "data": None}),
        streamed(b'data: {"message": null, "error": "Conversation not found"}\n\n'),
    ],
)
async def test_a_conversation_that_is_gone(reply: Reply) -> None:
    async with Scripted(reply) as server, adapter(server) as upstream:
        assert isinstance(await failure(upstream, prompt(conversation_id="c9")), ConversationUnknown)


async def test_nothing_is_gone_where_nothing_was_named() -> None:
    async with Scripted(status(404, "conversation not found")) as server, adapter(server) as upstream:
        assert isinstance(await failure(upstream, prompt()), UpstreamRefused)


async def test_a_conversation_that_is_busy_is_waited_for() -> None:
    busy = status(400, {"code": 400, "message": "Only one message at a time, please wait"})
    async with Scripted(busy, says("Hello"), *[busy] * 9) as server, adapter(server) as upstream:
        assert (await answered(upstream, prompt(conversation_id="c1"))).text == "Hello"
        assert len(server.slept) == 1
        assert isinstance(await failure(upstream, prompt(conversation_id="c1")), UpstreamBusy)


async def test_images_and_documents_are_uploaded_first() -> None:
    files = attachments(("cat.png", "image/png", PNG), ("notes.pdf", "application/pdf", b"%PDF"))
    async with Scripted(uploaded("f1"), uploaded("f2"), says("Nice")) as server, adapter(server) as upstream:
        assert (await answered(upstream, prompt("Look", conversation_id="c1", **files))).text == "Nice"
        first, second, sent = server.asked
        assert first.path == second.path == f"{ROOT}/c1/upload"
        assert first.headers["Content-Type"].startswith("multipart/form-data")
        assert PNG in first.body
        assert b'name="file"; filename="cat.png"' in first.body
        assert sent.json["content"] == {
            "content_type": "multimodal_text",
            "parts": [
                {
                    "content_type": "image_asset_pointer",
                    "asset_pointer": "file-service://f1",
                    "size_bytes": len(PNG),
                    "width": 256,
                    "height": 128,
                },
                "Look",
            ],
        }
        image, notes = sent.json["metadata"]["attachments"]
        assert (image["id"], image["name"], image["width"], image["mimeType"]) == ("f1", "cat.png", 256, "image/png")
        assert (notes["id"], notes["size"], notes["mimeType"]) == ("f2", 4, "application/pdf")
        assert "width" not in notes


async def test_an_upload_that_is_retried_is_whole_again() -> None:
    files = attachments(("cat.png", "image/png", PNG))
    async with Scripted(status(503), uploaded("f1"), says("Nice")) as server, adapter(server) as upstream:
        await answered(upstream, prompt("Look", conversation_id="c1", **files))
        assert PNG in server.asked[0].body
        assert PNG in server.asked[1].body


async def test_a_file_that_is_not_taken_is_said_to_the_assistant_and_the_rest_goes_on() -> None:
    files = attachments(("cat.png", "image/png", PNG))
    async with Scripted(status(400), says("Sorry")) as server, adapter(server) as upstream:
        await answered(upstream, prompt("Look", conversation_id="c1", **files))
        [text] = server.asked[1].json["content"]["parts"]
        assert text == "[The file cat.png could not be passed on: the assistant did not take it.]\n\nLook"


async def test_a_file_alone_before_the_conversation_exists_may_not_be_taken() -> None:
    files = attachments(("cat.png", "image/png", PNG))
    async with Scripted(status(404), says("never")) as server, adapter(server) as upstream:
        error = await failure(upstream, prompt("", **files))
        assert isinstance(error, PromptRejected)
        assert "cat.png" in error.sentence
        assert server.asked[0].path == f"{ROOT}/upload"
        assert len(server.asked) == 1


def pointing(pointer: str) -> bytes:
    parts = [{"content_type": "image_asset_pointer", "asset_pointer": pointer}]
    return snapshot("", id="t", author={"role": "tool"}, content={"content_type": "multimodal_text", "parts": parts})


async def test_images_of_the_answer_become_files() -> None:
    found = document({"code": 200, "data": {"download_url": "https://files.test/a/cat.webp?sig=1"}, "message": "ok"})
    async with Scripted(says("A cat", pointing("file-service://f1")), found) as server, adapter(server) as upstream:
        file = File("f1.webp", "image/webp", "https://files.test/a/cat.webp?sig=1")
        assert await answered(upstream, prompt()) == Heard("A cat", ("c1",), (file,))
        assert (server.asked[1].path, server.asked[1].json) == (f"{ROOT}/c1/download", {"file_id": "f1"})


@pytest.mark.parametrize(
    "reply", [status(404), document({"data": {}}), document({"data": {"download_url": "file:///etc/passwd"}})]
)
async def test_a_file_that_cannot_be_had_is_said(reply: Reply) -> None:
    async with Scripted(says("A cat", pointing("sediment://f1")), reply) as server, adapter(server) as upstream:
        found = await answered(upstream, prompt())
        assert found.error is None
        assert found.files == ()
        assert "could not be fetched" in found.text


async def test_what_it_can_do() -> None:
    async with Scripted() as server, adapter(server) as upstream:
        assert upstream.remembers
        assert upstream.limits.files > 0
        assert not isinstance(upstream, HasHistory | HasConversations)
