"""The MyGPTAssistants adapter over real sockets. What its streams may hold is tested with the reader."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.errors import ConversationUnknown, PromptRejected, UpstreamBusy, UpstreamRefused, UpstreamUnavailable
from core.model import Exchange
from core.settings import MyGptAssistants
from core.upstream import HasConversations, HasHistory, Listed, Remembered
from core.upstream.mygptassistants import MyGptAssistantsUpstream
from tests.core.upstream.reading import Heard
from tests.core.upstream.scripted import (
    Reply,
    Scripted,
    after,
    answered,
    attachments,
    document,
    failure,
    prompt,
    status,
    streamed,
)
from tests.virtual_time import in_virtual_time


def adapter(server: Scripted, **more: Any) -> MyGptAssistantsUpstream:
    base = f"{server.url}/api/v1"
    section = MyGptAssistants.model_validate(
        {"kind": "mygptassistants", "base_url": base, "api_key": "key-123456", "bot_id": "b/1", **more}
    )
    return MyGptAssistantsUpstream("test", section, sleep=server.sleep)


ROOT = "/api/v1/chat/b%2F1"


def says(text: str, **ids: str) -> Reply:
    chunk = json.dumps({"message": text[:2]}).encode()
    result = json.dumps({"bot": {"text": text}, **ids}).encode()
    return streamed(b"event: chunk\ndata: " + chunk + b"\n\n", b"event: result\ndata: " + result + b"\n\n")


def envelope(**data: Any) -> Reply:
    return document({"success": True, "data": data})


def listed(*conversations: tuple[str, str, timedelta]) -> Reply:
    now = datetime.now(UTC)
    found = [
        {
            "id": id,
            "preview": preview,
            "messageCount": 2,
            "createdAt": (now - age).isoformat(),
            "updatedAt": now.isoformat(),
        }
        for id, preview, age in conversations
    ]
    return envelope(conversations=found, pagination={"page": 1, "limit": 100, "total": len(found), "hasMore": False})


NEW, OLD = timedelta(), timedelta(hours=1)


async def test_the_stream_and_the_id_that_it_names() -> None:
    async with Scripted(says("Hello", history_id="c1"), says("Again")) as server, adapter(server) as upstream:
        assert await answered(upstream, prompt("Hi")) == Heard("Hello", ("c1",))
        assert await answered(upstream, prompt("Hi", conversation_id="c1")) == Heard("Again")
        first, second = server.asked
        assert (first.path, first.headers["Authorization"]) == (f"{ROOT}/stream", "Bearer key-123456")
        assert first.json == {"message": "Hi", "metadata": {"userId": "user1"}}
        assert second.json == {"message": "Hi", "metadata": {"userId": "user1"}, "conversationId": "c1"}


@in_virtual_time
async def test_an_answer_in_one_piece_is_given_its_time() -> None:
    whole = envelope(response="Hello", conversationId="c1")
    async with (
        Scripted(status(404), after(800, whole)) as server,
        adapter(server, first_text_timeout=60, idle_timeout=60) as upstream,
    ):
        assert await answered(upstream, prompt("Hi")) == Heard("Hello", ("c1",))


async def test_a_stream_that_names_no_conversation_is_looked_up_and_the_next_one_begins_in_one_piece() -> None:
    found = listed(("c0", "Hi", OLD), ("c1", "Hi…", NEW), ("c2", "Other", NEW))
    replies = [says("Hello"), found, envelope(response="Two", conversationId="c9", messageId="m"), says("Three")]
    async with Scripted(*replies) as server, adapter(server) as upstream:
        assert await answered(upstream, prompt("Hi\nthere")) == Heard("Hello", ("c1",))
        assert await answered(upstream, prompt("Second")) == Heard("Two", ("c9",))
        assert await answered(upstream, prompt("Third", conversation_id="c9")) == Heard("Three")
        paths = [asked.path.removeprefix(ROOT) for asked in server.asked]
        assert paths == ["/stream", "/conversations", "/message", "/stream"]
        assert server.asked[1].query["limit"] == "100"
        assert datetime.fromisoformat(server.asked[1].query["since"]) < datetime.now(UTC)


@pytest.mark.parametrize(
    "found",
    [listed(), listed(("c1", "Hi", NEW), ("c2", "Hi", NEW)), listed(("c1", "", NEW)), status(500), status(200, b"?")],
    ids=["none", "two", "no preview", "refused", "unreadable"],
)
async def test_a_conversation_that_cannot_be_told_beyond_doubt_is_not_taken(found: Reply) -> None:
    async with Scripted(says("Hello"), found) as server, adapter(server, retries=0) as upstream:
        assert await answered(upstream, prompt("Hi")) == Heard("Hello")


async def test_the_first_message_of_a_conversation_that_begins_anew_holds_what_was_said() -> None:
    async with Scripted(says("Hello", history_id="c1")) as server, adapter(server) as upstream:
        await answered(upstream, prompt("Hi", history=(Exchange("my name is Ann", "Hello Ann"),)))
        assert "Hello Ann" in server.asked[0].json["message"]


async def test_429_and_5xx_are_asked_again() -> None:
    reset = status(
        429, {"success": False, "error": {"code": "RATE_LIMIT_EXCEEDED", "message": "x"}}, {"X-RateLimit-Reset": "3"}
    )
    async with Scripted(reset, status(500), says("Hello", history_id="c1")) as server, adapter(server) as upstream:
        assert (await answered(upstream, prompt())).text == "Hello"
        assert server.slept[0] >= 3


async def test_refusals() -> None:
    def error(code: str) -> dict[str, Any]:
        return {"success": False, "data": None, "error": {"code": code, "message": "words"}}

    cases = [
        (status(404, error("CONVERSATION_NOT_FOUND")), ConversationUnknown),
        (status(404, error("BOT_NOT_FOUND")), UpstreamRefused),
        (status(200, error("INVALID_API_KEY")), UpstreamRefused),
        (status(200, error("RATE_LIMIT_EXCEEDED")), UpstreamBusy),
        (status(200, error("INTERNAL_ERROR")), UpstreamUnavailable),
        (status(400, error("INVALID_REQUEST")), PromptRejected),
        (status(200, error("CONVERSATION_NOT_FOUND")), ConversationUnknown),
    ]
    async with Scripted(*(reply for reply, _ in cases)) as server, adapter(server, retries=0) as upstream:
        for _, expected in cases:
            assert type(await failure(upstream, prompt(conversation_id="c1"))) is expected


async def test_files_are_not_taken() -> None:
    files = attachments(("cat.png", "image/png", b"x"))
    async with Scripted(says("Hello", history_id="c1")) as server, adapter(server) as upstream:
        assert upstream.limits.files == 0
        await answered(upstream, prompt("Look", **files))
        assert (
            server.asked[0].json["message"]
            == "[The file cat.png could not be passed on: the assistant takes no files.]\n\nLook"
        )
        error = await failure(upstream, prompt("", **files))
        assert isinstance(error, PromptRejected)
        assert len(server.asked) == 1


async def test_history() -> None:
    messages = [
        {"id": "msg_001", "role": "user", "content": "Hello", "timestamp": "2024-01-15T10:00:00Z"},
        {"id": "msg_002", "role": "assistant", "content": "Hi!", "timestamp": "2024-01-15T10:00:01Z"},
    ]
    async with (
        Scripted(envelope(conversationId="c 1", messages=messages), status(404)) as server,
        adapter(server) as upstream,
    ):
        assert isinstance(upstream, HasHistory)
        assert await upstream.history("c 1") == (
            Remembered("msg_001", "user", "Hello", datetime(2024, 1, 15, 10, tzinfo=UTC)),
            Remembered("msg_002", "assistant", "Hi!", datetime(2024, 1, 15, 10, 0, 1, tzinfo=UTC)),
        )
        assert server.asked[0].path == f"{ROOT}/conversations/c%201"
        with pytest.raises(ConversationUnknown):
            await upstream.history("c2")


async def test_conversations() -> None:
    one = {
        "id": "c1",
        "preview": "What are",
        "messageCount": 5,
        "createdAt": "2024-01-15T10:00:00Z",
        "updatedAt": "2024-01-15T10:30:00Z",
    }
    body = envelope(conversations=[one], pagination={"page": 2, "limit": 1, "total": 150, "hasMore": True})
    async with Scripted(body) as server, adapter(server) as upstream:
        assert isinstance(upstream, HasConversations)
        page = await upstream.conversations(page=2, limit=1, since=datetime(2024, 1, 1, tzinfo=UTC))
        begun, changed = datetime(2024, 1, 15, 10, tzinfo=UTC), datetime(2024, 1, 15, 10, 30, tzinfo=UTC)
        assert page.conversations == (Listed("c1", "What are", 5, begun, changed),)
        assert (page.page, page.limit, page.total, page.more) == (2, 1, 150, True)
        assert server.asked[0].query == {"page": "2", "limit": "1", "since": "2024-01-01T00:00:00Z"}
