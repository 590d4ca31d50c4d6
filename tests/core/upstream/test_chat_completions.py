"""The stream of Chat Completions, in the dialects that servers speak."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import (
    AnswerInterrupted,
    AnswerMalformed,
    PromptRejected,
    UpstreamBusy,
    UpstreamRefused,
    UpstreamUnavailable,
)
from core.model import File, Status, Text, Usage
from core.upstream.chat_completions import ChatCompletionsReader
from core.upstream.reader import CUT_SHORT, FILTERED
from tests.core.upstream.reading import Heard, cut, heard, same_in_every_cut


def chunk(delta: dict[str, Any] | None = None, *, finish: str | None = None, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish}
    return {
        "id": "x",
        "object": "chat.completion.chunk",
        "choices": [choice],
        "usage": None,
        "obfuscation": "aaaa",
        **more,
    }


def text(content: str) -> dict[str, Any]:
    return chunk({"content": content})


def picture(address: str) -> dict[str, Any]:
    return {"type": "image_url", "index": 0, "image_url": {"url": address}}


def stream(*records: object) -> bytes:
    return "".join(
        f"data: {one if isinstance(one, str) else json.dumps(one, ensure_ascii=False)}\n\n" for one in records
    ).encode()


ROLE = chunk({"role": "assistant", "content": ""})
STOP = chunk(finish="stop")
COST = {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7, "cost": 0.25}}
DONE = "[DONE]"

CASES: dict[str, tuple[bytes, Heard]] = {
    "an ordinary answer": (
        stream(ROLE, text("Hel"), text("lo"), STOP, COST, DONE),
        Heard("Hello", usage=Usage(5, 2, 0.25)),
    ),
    "empty choices, deltas and contents": (
        stream({"choices": []}, chunk(), chunk({"content": None}), {"choices": [{"index": 0}]}, text("Hi"), STOP, DONE),
        Heard("Hi"),
    ),
    "no DONE, but a reason": (stream(ROLE, text("Hi"), STOP), Heard("Hi")),
    "neither": (stream(ROLE, text("Hi")), Heard("Hi", error=AnswerInterrupted)),
    "DONE and no reason": (stream(text("Hi"), DONE), Heard("Hi")),
    "DONE without its blank line": (stream(text("Hi"), STOP) + b"data: [DONE]", Heard("Hi")),
    "reasoning in its own fields": (
        stream(
            chunk({"reasoning_content": "hm"}),
            ROLE,
            chunk({"reasoning": "hm"}),
            chunk({"reasoning_details": [{}], "content": ""}),
            text("Hi"),
            STOP,
            DONE,
        ),
        Heard("Hi"),
    ),
    "reasoning in the text, cut everywhere": (
        stream(*(text(letter) for letter in "<think>\nHm, <b>\n</think>\n\nHi <think>"), STOP, DONE),
        Heard("Hi <think>"),
    ),
    "reasoning that never ends": (stream(text("<think>hm"), chunk(finish="length"), DONE), Heard(CUT_SHORT)),
    "a refusal is text": (
        stream(chunk({"refusal": "I cannot"}), chunk({"refusal": " do that."}), STOP, DONE),
        Heard("I cannot do that."),
    ),
    "calls of tools in fragments": (
        stream(
            chunk({"tool_calls": [{"index": 0, "id": "1", "function": {"name": "f", "arguments": ""}}]}),
            chunk({"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]}),
            chunk(finish="tool_calls"),
            DONE,
        ),
        Heard("", error=AnswerInterrupted),
    ),
    "the greatest length": (stream(text("Hi"), chunk(finish="length"), DONE), Heard("Hi" + CUT_SHORT)),
    "filtered in the middle": (stream(text("Hi"), chunk(finish="content_filter"), DONE), Heard("Hi" + FILTERED)),
    "filtered from the start": (stream(ROLE, chunk(finish="content_filter"), DONE), Heard("", error=PromptRejected)),
    "an error after the start, in a chunk": (
        stream(
            text("Hi"),
            chunk({"content": ""}, finish="error", error={"code": "server_error", "message": "Provider disconnected"}),
        ),
        Heard("Hi", error=AnswerInterrupted),
    ),
    "an error before the start": (
        stream({"error": {"code": 429, "message": "Rate limit"}}),
        Heard("", error=UpstreamBusy),
    ),
    "an error as an object": (
        stream({"object": "error", "message": "boom", "code": 500}),
        Heard("", error=UpstreamUnavailable),
    ),
    "an error as an event": (b"event: error\n" + stream({"message": "boom"}), Heard("", error=UpstreamUnavailable)),
    "an error as an event of words": (b"event: error\n" + stream("boom"), Heard("", error=UpstreamUnavailable)),
    "no credit": (stream({"error": {"message": "…", "code": "insufficient_quota"}}), Heard("", error=UpstreamRefused)),
    "too long": (
        stream({"error": {"message": "…", "code": "context_length_exceeded"}}),
        Heard("", error=PromptRejected),
    ),
    "comments": (
        b": OPENROUTER PROCESSING\n\n" + stream(text("Hi")) + b": OPENROUTER PROCESSING\n\n" + stream(STOP, DONE),
        Heard("Hi"),
    ),
    "a second choice is not ours": (
        stream({"choices": [{"index": 1, "delta": {"content": "no"}}]}, text("Hi"), STOP, DONE),
        Heard("Hi"),
    ),
    "text in parts": (stream(chunk({"content": [{"type": "text", "text": "Hi"}]}), STOP, DONE), Heard("Hi")),
    "pictures": (
        stream(
            text("A "),
            text("cat:"),
            chunk({"images": [picture("data:image/png;base64,iVBORw0=")]}),
            chunk({"content": "", "images": [picture("https://files.example/a.webp"), picture("ftp://no"), {}]}),
            STOP,
            DONE,
        ),
        Heard(
            "A cat:",
            files=(
                File("image-1.png", "image/png", b"\x89PNG\r"),
                File("image-2.png", "image/png", "https://files.example/a.webp"),
            ),
        ),
    ),
    "nothing but a picture, at once": (
        json.dumps({"choices": [{"message": {"images": [picture("data:image/jpeg;base64,/9j/")]}}]}).encode(),
        Heard("", files=(File("image-1.jpg", "image/jpeg", b"\xff\xd8\xff"),)),
    ),
    "an unreadable event": (stream(text("H"), "{broken", text("i"), STOP, DONE), Heard("Hi", error=AnswerMalformed)),
    "an empty answer": (stream(ROLE, STOP, DONE), Heard("", error=AnswerInterrupted)),
    "nothing": (b"", Heard("", error=AnswerInterrupted)),
    "a server that does not stream": (
        json.dumps(
            {
                "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 5, "completion_tokens": 2},
            }
        ).encode(),
        Heard("Hi", usage=Usage(5, 2)),
    ),
    "an error of status 200": (b'{"error":"model is loading"}', Heard("", error=UpstreamUnavailable)),
    "a page of a proxy": (b"<html>nginx</html>", Heard("", error=UpstreamUnavailable)),
    "carriage returns, a mark, no spaces": (
        b"\xef\xbb\xbf"
        + stream(text("日本 \u2028😀"), STOP, DONE).replace(b"\n", b"\r\n").replace(b"data: ", b"data:"),
        Heard("日本 \u2028😀"),
    ),
    "half a pair of surrogates in each of two chunks": (
        b'data: {"choices":[{"delta":{"content":"a\\ud83d"}}]}\n\n'
        b'data: {"choices":[{"delta":{"content":"\\ude00"}}]}\n\n' + stream(STOP, DONE),
        Heard("a😀"),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_streams_in_every_cut(name: str) -> None:
    body, expected = CASES[name]
    assert same_in_every_cut(ChatCompletionsReader, body) == expected


@given(st.data())
def test_streams_in_any_cut(draw: st.DataObject) -> None:
    body, expected = draw.draw(st.sampled_from(list(CASES.values())))
    assert heard(ChatCompletionsReader, draw.draw(cut(body))) == expected


def test_a_burst_of_tokens_is_one_event() -> None:
    assert ChatCompletionsReader().feed(stream(*(text(f"{at} ") for at in range(100)))) == [
        Text("".join(f"{at} " for at in range(100)))
    ]


def test_thinking_is_a_status_until_there_is_text() -> None:
    reader = ChatCompletionsReader()
    assert reader.feed(stream(text("<think>hm"))) == [Status("Thinking")]
    assert reader.feed(stream(chunk({"reasoning": "hm"}))) == []
    assert reader.feed(stream(text("</think>Hi"))) == [Status(""), Text("Hi")]
