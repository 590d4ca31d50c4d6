"""The GPTBots adapter over real sockets. What its streams may hold is tested with the reader."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import pytest

from core.errors import (
    AnswerInterrupted,
    AnswerMalformed,
    ConversationUnknown,
    PromptRejected,
    UpstreamRefused,
    UpstreamUnavailable,
)
from core.model import Exchange, Opened, Prompt, Usage
from core.settings import GptBots
from core.upstream import HasConversations, HasHistory, Listed, Remembered
from core.upstream.gptbots import GptBotsUpstream, user_id
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

CREATED = document({"conversation_id": "c1"})
WHOLE = streamed(
    b'{"code":3,"message":"Text","data":"Hel"}\n{"code":3,"message":"Text","data":"lo"}\n',
    b'{"code":0,"message":"End","data":null}\n',
)


def adapter(server: Scripted, **more: Any) -> GptBotsUpstream:
    section = GptBots.model_validate({"kind": "gptbots", "base_url": server.url, "api_key": "app-123456789", **more})
    return GptBotsUpstream("test", section, sleep=server.sleep)


@pytest.mark.parametrize(
    "created",
    [CREATED, document({"code": 0, "message": "OK", "data": {"conversation_id": "c1"}})],
    ids=["flat", "nested"],
)
async def test_a_conversation_is_created_and_told_before_the_message_is_sent(created: Reply) -> None:
    async with Scripted(created, WHOLE) as server, adapter(server) as upstream:
        events = upstream.stream(prompt())
        assert await anext(events) == Opened("c1")
        assert len(server.asked) == 1
        await events.aclose()
        assert (server.asked[0].path, server.asked[0].json) == ("/v1/conversation", {"user_id": "user1"})
        assert server.asked[0].headers["Authorization"] == "Bearer app-123456789"


async def test_version_2() -> None:
    async with Scripted(CREATED, WHOLE, WHOLE) as server, adapter(server) as upstream:
        assert await answered(upstream, prompt("Hi")) == Heard("Hello", ("c1",))
        assert await answered(upstream, prompt("Hi", conversation_id="c1")) == Heard("Hello")
        for asked in server.asked[1:]:
            assert asked.path == "/v2/conversation/message"
            assert asked.json == {
                "conversation_id": "c1",
                "response_mode": "streaming",
                "messages": [{"role": "user", "content": "Hi"}],
            }


OPTIONS = {"short_term_memory": True, "long_term_memory": False, "knowledge_data_ids": "a,b", "knowledge_group_ids": []}
SENT = {"short_term_memory": True, "long_term_memory": False, "knowledge": {"data_ids": ["a", "b"], "group_ids": []}}


async def test_options_of_both_versions() -> None:
    async with Scripted(WHOLE) as server, adapter(server, **OPTIONS) as upstream:
        await answered(upstream, prompt("Hi", conversation_id="c1"))
        assert server.asked[0].json["conversation_config"] == SENT
    async with Scripted(WHOLE) as server, adapter(server, api_version=1, **OPTIONS) as upstream:
        await answered(upstream, prompt("Hi", conversation_id="c1"))
        assert server.asked[0].path == "/v1/conversation/message"
        assert server.asked[0].json == {"conversation_id": "c1", "response_mode": "streaming", "text": "Hi", **SENT}


async def test_a_conversation_that_begins_anew_is_given_what_was_said() -> None:
    history = (Exchange("my name is Ann", "Hello Ann"),)
    async with Scripted(CREATED, WHOLE) as server, adapter(server) as upstream:
        await answered(upstream, prompt("Hi", history=history))
        assert server.asked[1].json["messages"] == [
            {"role": "user", "content": "my name is Ann"},
            {"role": "assistant", "content": "Hello Ann"},
            {"role": "user", "content": "Hi"},
        ]
    async with Scripted(CREATED, WHOLE) as server, adapter(server, api_version=1) as upstream:
        await answered(upstream, prompt("Hi", history=history))
        assert "Hello Ann" in server.asked[1].json["text"]


@pytest.mark.parametrize(
    ("version", "body"),
    [
        (1, {"message_id": "m", "text": "Hello", "flow_output": [{"content": "no"}], "conversation_id": "c1"}),
        (
            2,
            {
                "output": [{"content": {"text": "Hello"}}],
                "usage": {"tokens": {"prompt_tokens": 1, "completion_tokens": 2}, "credits": {"total_credits": 3}},
            },
        ),
    ],
)
async def test_blocking(version: int, body: dict[str, Any]) -> None:
    usage = Usage(1, 2, 3) if version == 2 else None
    async with (
        Scripted(CREATED, document(body)) as server,
        adapter(server, api_version=version, response_mode="blocking") as upstream,
    ):
        assert await answered(upstream, prompt("Hi")) == Heard("Hello", ("c1",), usage=usage)
        assert server.asked[1].json["response_mode"] == "blocking"


@in_virtual_time
async def test_an_answer_in_one_piece_is_given_its_time() -> None:
    body = document({"output": [{"content": {"text": "Hello"}}]})
    async with (
        Scripted(after(800, body)) as server,
        adapter(server, response_mode="blocking", first_text_timeout=60, idle_timeout=60) as upstream,
    ):
        assert await answered(upstream, prompt("Hi", conversation_id="c1")) == Heard("Hello")


async def test_a_conversation_that_is_still_busy_is_waited_for() -> None:
    busy = status(400, {"code": 40000, "message": "The previous message is still being answered"})
    async with Scripted(busy, busy, WHOLE) as server, adapter(server) as upstream:
        assert (await answered(upstream, prompt("Hi", conversation_id="c1"))).error is None
        assert len(server.slept) == 2


async def test_blocking_answers_that_are_errors_or_nothing() -> None:
    replies = [
        document({"code": 40356, "message": "x"}),
        document({"output": []}),
        status(200, b"<html>"),
        status(400, {"code": 20040, "message": "x"}),
    ]
    async with Scripted(*replies) as server, adapter(server, response_mode="blocking") as upstream:
        kinds = [type(await failure(upstream, prompt(conversation_id="c1"))) for _ in replies]
        assert kinds == [ConversationUnknown, AnswerInterrupted, AnswerMalformed, PromptRejected]


PNG = b"\x89PNG" + b"\0" * 100


async def test_files_in_the_form_of_each_version() -> None:
    files = attachments(
        ("cat.png", "image/png", PNG), ("a.MP3", "audio/mpeg", b"ID3"), ("noname", "application/pdf", b"%PDF")
    )
    async with Scripted(WHOLE, WHOLE) as server, adapter(server) as upstream, adapter(server, api_version=1) as older:
        await answered(upstream, prompt("Look", conversation_id="c1", **files))
        await answered(older, prompt("Look", conversation_id="c1", **files))
        encoded = [base64.b64encode(data).decode() for data in (PNG, b"ID3", b"%PDF")]
        assert server.asked[0].json["messages"][0]["content"] == [
            {"type": "text", "text": "Look"},
            {"type": "image", "image": [{"base64_content": encoded[0], "format": "png", "name": "cat.png"}]},
            {"type": "audio", "audio": [{"base64_content": encoded[1], "format": "mp3", "name": "a.MP3"}]},
            {"type": "document", "document": [{"base64_content": encoded[2], "format": "pdf", "name": "noname"}]},
        ]
        assert server.asked[1].json["files"] == [
            {"base64_content": data, "name": name}
            for data, name in zip(encoded, ("cat.png", "a.MP3", "noname"), strict=True)
        ]


async def test_the_limits_on_files() -> None:
    many = attachments(*((f"{at}.txt", "text/plain", b"x") for at in range(10)))
    big = attachments(
        ("a.mp3", "audio/mpeg", b"x" * (5 * 1024 * 1024 + 1)), ("a.exe", "application/x-msdownload", b"MZ")
    )
    async with Scripted(WHOLE, WHOLE) as server, adapter(server) as upstream:
        await answered(upstream, prompt("Look", conversation_id="c1", **many))
        text, *files = server.asked[0].json["messages"][0]["content"]
        assert len(files) == 9
        assert "9.txt could not be passed on: the assistant takes at most 9 files at once" in text["text"]
        await answered(upstream, prompt("Look", conversation_id="c1", **big))
        assert server.asked[1].json["messages"][0]["content"] == (
            "[The file a.mp3 could not be passed on: it is larger than 5 MB.]\n"
            "[The file a.exe could not be passed on: the assistant does not take files of this kind.]\n\nLook"
        )


async def test_errors_before_the_first_record() -> None:
    cases: list[tuple[Reply, type[Exception]]] = [
        (status(400, {"code": 40356, "message": "x"}), ConversationUnknown),
        (status(200, {"code": 40358, "message": "x"}), ConversationUnknown),
        (status(401, {"code": 40127, "message": "x"}), UpstreamRefused),
        (status(500, {"code": 20022, "message": "x"}), UpstreamRefused),
        (status(400, b""), PromptRejected),
        (status(404, b"<html>"), UpstreamRefused),
        (streamed(b'{"code":50000,"message":"x"}'), UpstreamUnavailable),
    ]
    async with Scripted(*(reply for reply, _ in cases)) as server, adapter(server) as upstream:
        for _, expected in cases:
            assert type(await failure(upstream, prompt(conversation_id="c1"))) is expected
        assert server.slept == []


async def test_a_failing_server_is_asked_again_before_it_took_the_message() -> None:
    busy = status(500, {"code": 50000, "message": "x"})
    async with Scripted(busy, CREATED, busy, WHOLE) as server, adapter(server) as upstream:
        assert await answered(upstream, prompt()) == Heard("Hello", ("c1",))
        assert len(server.slept) == 2


async def test_a_conversation_created_without_an_id() -> None:
    async with Scripted(document({"code": 0})) as server, adapter(server) as upstream:
        assert isinstance(await failure(upstream, prompt()), AnswerMalformed)


def test_user_ids_are_at_most_32_characters_and_stable() -> None:
    assert user_id("u" * 32) == "u" * 32
    long = user_id("a:very:long:key:made:of:many:parts")
    assert len(long) == 32
    assert long == user_id("a:very:long:key:made:of:many:parts") != user_id("a:very:long:key:made:of:many:part2")


async def test_a_long_user_is_shortened_on_the_way() -> None:
    async with Scripted(CREATED, WHOLE) as server, adapter(server) as upstream:
        await answered(upstream, Prompt("Hi", "x" * 60))
        assert len(server.asked[0].json["user_id"]) == 32


async def test_history_of_version_1_oldest_first() -> None:
    body = {
        "total": 2,
        "messages": [
            {
                "message_id": "2",
                "parent_message_id": "1",
                "message_type": "ANSWER",
                "text": "Hello",
                "create_time": 1700000001000,
            },
            {"message_id": "1", "message_type": "QUESTION", "text": "Hi", "create_time": 1700000000000},
        ],
    }
    async with Scripted(document(body)) as server, adapter(server, api_version=1) as upstream:
        assert isinstance(upstream, HasHistory)
        assert await upstream.history("c1") == (
            Remembered("1", "user", "Hi", datetime.fromtimestamp(1700000000, UTC)),
            Remembered("2", "assistant", "Hello", datetime.fromtimestamp(1700000001, UTC)),
        )
        assert (server.asked[0].method, server.asked[0].path) == ("GET", "/v1/messages")
        assert server.asked[0].query == {"conversation_id": "c1", "page": "1", "page_size": "100"}


async def test_history_of_version_2_over_several_pages() -> None:
    def page(*numbers: int) -> Reply:
        content = [
            {
                "message_id": str(at),
                "role": "user" if at % 2 else "assistant",
                "content": [{"branch_content": [{"type": "text", "text": f"t{at}"}]}],
                "create_time": 1700000000 + at,
            }
            for at in numbers
        ]
        return document({"total": 101, "conversation_content": content})

    async with Scripted(page(*range(100)), page(100)) as server, adapter(server) as upstream:
        found = await upstream.history("c1")
        assert [message.text for message in found] == [f"t{at}" for at in range(101)]
        assert (found[1].role, found[2].role) == ("user", "assistant")
        assert [asked.query["page"] for asked in server.asked] == ["1", "2"]


async def test_conversations_of_the_api() -> None:
    body = {
        "total": 3,
        "list": [
            {
                "conversation_id": "c1",
                "user_id": "u",
                "recent_chat_time": 1700000000000,
                "subject": "Cats",
                "message_count": 4,
            }
        ],
    }
    async with Scripted(document(body)) as server, adapter(server) as upstream:
        assert isinstance(upstream, HasConversations)
        page = await upstream.conversations(page=2, limit=1, since=datetime(2026, 1, 1, tzinfo=UTC))
        assert page.conversations == (Listed("c1", "Cats", 4, None, datetime.fromtimestamp(1700000000, UTC)),)
        assert (page.page, page.limit, page.total, page.more) == (2, 1, 3, True)
        assert server.asked[0].query == {
            "conversation_type": "API",
            "page": "2",
            "page_size": "1",
            "start_time": "1767225600000",
        }


async def test_errors_of_the_record_are_ours() -> None:
    async with (
        Scripted(status(400, {"code": 40356, "message": "app-123456789"})) as server,
        adapter(server) as upstream,
    ):
        with pytest.raises(ConversationUnknown) as caught:
            await upstream.history("c1")
        assert "app-123456789" not in caught.value.detail
