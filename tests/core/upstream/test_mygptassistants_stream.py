"""The eight shapes that MyGPTAssistants' stream may have, and what may go wrong in each."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import (
    AnswerInterrupted,
    AnswerMalformed,
    ConversationUnknown,
    PromptRejected,
    UpstreamBusy,
    UpstreamError,
    UpstreamRefused,
    UpstreamUnavailable,
)
from core.upstream.mygptassistants_stream import MyGptAssistantsReader, framing_of, judge, judge_known, unwrapped
from tests.core.upstream.reading import Heard, cut, heard, same_in_every_cut


def event(name: str | None, data: Any) -> str:
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)}\n\n"


def stream(*events: str) -> bytes:
    return "".join(events).encode()


def chunk(text: str, key: str = "message") -> str:
    return event("chunk", {key: text})


RESULT = event("result", {"bot": {"text": "Hello you", "sourceDocuments": []}, "history": [], "history_id": "c1"})
NAMED = Heard("Hello you", ("c1",))
ERROR = {"success": False, "data": None, "error": {"code": "INTERNAL_ERROR", "message": "boom"}}

CASES: dict[str, tuple[bytes, Heard]] = {
    # 1 and 2: named events with JSON
    "chunks and the full result": (stream(chunk("Hel"), chunk("lo you"), RESULT), NAMED),
    "chunks without a result": (stream(chunk("Hel"), chunk("lo")), Heard("Hello", error=AnswerInterrupted)),
    "a result that says it differently": (stream(chunk("Sorry"), RESULT), NAMED),
    "a result that says more": (stream(chunk("Hello"), RESULT), NAMED),
    "a result alone": (stream(RESULT), NAMED),
    "the text under bot": (stream(event("chunk", {"bot": {"text": "Hello you"}}), RESULT), NAMED),
    "an empty result": (stream(chunk("Hello"), event("done", {"conversationId": "c1"})), Heard("Hello", ("c1",))),
    "other names of events": (
        stream(
            event("token", {"token": "a"}),
            event("delta", {"delta": {"content": "b"}}),
            event("message", {"text": "c"}),
            event("end", {}),
        ),
        Heard("abc"),
    ),
    "data inside data": (
        stream(event("chunk", {"data": {"content": "Hi"}}), event("done", {"data": {"conversationId": "c1"}})),
        Heard("Hi", ("c1",)),
    ),
    "OpenAI's shape": (
        stream(
            event(None, {"choices": [{"delta": {"content": "Hi"}}]}),
            event(None, {"choices": [{"delta": {}}]}),
            event(None, "[DONE]"),
        ),
        Heard("Hi"),
    ),
    # 3: typed events
    "typed events": (
        stream(
            event(None, {"type": "start", "conversationId": "c1", "message": "starting"}),
            event(None, {"type": "token", "content": "Hel"}),
            event(None, {"type": "text-delta", "delta": "lo you"}),
            event(None, {"type": "ping"}),
            event(None, {"type": "metadata", "text": "not text"}),
            event(None, {"type": "done"}),
        ),
        NAMED,
    ),
    "a typed error": (
        stream(event(None, {"type": "token", "content": "Hi"}), event(None, {"type": "error", "message": "boom"})),
        Heard("Hi", error=AnswerInterrupted),
    ),
    "typed events without the last": (
        stream(event(None, {"type": "token", "content": "Hi"})),
        Heard("Hi", error=AnswerInterrupted),
    ),
    # 4: the ends
    "[DONE]": (stream(chunk("Hi"), event(None, "[DONE]")), Heard("Hi")),
    "a quoted [DONE]": (stream(chunk("Hi"), event(None, '"[DONE]"')), Heard("Hi")),
    "[DONE] without a blank line": (stream(chunk("Hi")) + b"data: [DONE]", Heard("Hi")),
    "an event that is only a name": (stream(chunk("Hi")) + b"event: ping\n\nevent: end\n\n", Heard("Hi")),
    # 5: plain words
    "plain words": (
        stream(event(None, "Hello"), event(None, "  you"), b"data:\ndata: two\n\n".decode(), event("end", "")),
        Heard("Hello  you\ntwo"),
    ),
    "plain words up to the end of the stream": (stream(event(None, "Hello")), Heard("Hello")),
    "plain words in an error": (stream(event("error", "boom")), Heard("", error=UpstreamUnavailable)),
    # 6: objects
    "an object to a line": (b'{"content":"Hel","conversationId":"c1"}\n{"content":"lo you"}\n{"done":true}\n', NAMED),
    "objects without a kind": (b'{"content":"Hel"}\n{"content":"lo"}\n', Heard("Hello")),
    "objects with a kind, and without an end": (
        b'{"type":"token","content":"Hel"}\n{"type":"token","content":"lo"}\n',
        Heard("Hello", error=AnswerInterrupted),
    ),
    "events without a kind": (b'data: {"token":"Hel"}\n\ndata: {"token":"lo"}\n\n', Heard("Hello")),
    "named events without an end": (
        b'event: chunk\ndata: {"token":"Hel"}\n\nevent: chunk\ndata: {"token":"lo"}\n\n',
        Heard("Hello", error=AnswerInterrupted),
    ),
    "envelopes that grow by what is new": (
        b'data: {"success":true,"data":{"response":"Hel"}}\n\ndata: {"success":true,"data":{"response":"lo"}}\n\n',
        Heard("Hello"),
    ),
    "envelopes that repeat what was said": (
        b'data: {"success":true,"data":{"response":"Hel"}}\n\ndata: {"success":true,"data":{"response":"Hello"}}\n\n',
        Heard("Hello"),
    ),
    "an unreadable object": (
        b'{"content":"Hel"}\n{"content":"x\n{"type":"done"}\n',
        Heard("Hel", error=AnswerMalformed),
    ),
    "an unreadable object, and then the full text": (
        b'{"content":"Hel"}\n{"content":"x\n{"type":"done","text":"Hello"}\n',
        Heard("Hello"),
    ),
    # 7: text
    "text itself": ("Hello   you\n\n😀 é\u2028".encode(), Heard("Hello   you\n\n😀 é\u2028")),
    "text that begins like an event": (b"dating tips: ...", Heard("dating tips: ...")),
    "text that begins like a page": (b"<b>bold</b>", Heard("<b>bold</b>")),
    "text that might have become anything": (b"dat", Heard("dat")),
    "text that is no UTF-8": (b"a\xff\xc3", Heard("a\ufffd\ufffd")),
    "a byte order mark before the text": (b"\xef\xbb\xbfHello", Heard("Hello")),
    # 8: one document
    "the envelope": (b'{"success":true,"data":{"response":"Hello you","conversationId":"c1","messageId":"m"}}', NAMED),
    "the envelope in several lines": (
        json.dumps({"success": True, "data": {"response": "Hello you", "conversationId": "c1"}}, indent=2).encode(),
        NAMED,
    ),
    "the envelope, flat": (b'{"success":true,"response":"Hello you","conversationId":"c1"}', NAMED),
    "no envelope at all": (b'{"response":"Hello you","conversationId":"c1"}', NAMED),
    "the envelope of an error": (json.dumps(ERROR).encode(), Heard("", error=UpstreamUnavailable)),
    # what goes wrong in all of them
    "a page of a proxy": (b"\n <!DOCTYPE html><html><body>502</body></html>", Heard("", error=UpstreamUnavailable)),
    "an error as an event": (stream(event("error", ERROR)), Heard("", error=UpstreamUnavailable)),
    "an error as an event after some text": (
        stream(chunk("Hi"), event("error", ERROR)),
        Heard("Hi", error=AnswerInterrupted),
    ),
    "too many requests, said inside": (
        stream(event("error", {"success": False, "error": {"code": "RATE_LIMIT_EXCEEDED", "message": "slow"}})),
        Heard("", error=UpstreamBusy),
    ),
    "an unreadable event": (
        stream(chunk("Hi"), event("chunk", '{"mess'), event(None, "[DONE]")),
        Heard("Hi", error=AnswerMalformed),
    ),
    "nothing": (b"", Heard("", error=AnswerInterrupted)),
    "blank lines": (b"\n \r\n", Heard("", error=AnswerInterrupted)),
    "an end without text": (stream(event(None, "[DONE]")), Heard("", error=AnswerInterrupted)),
    "comments and unknown events": (
        b": ping\n\nevent: heartbeat\ndata: {}\n\nretry: 5\n\n"
        + stream(chunk("Hi"), event("weather", {"sun": 1}), event("done", {})),
        Heard("Hi"),
    ),
    "carriage returns": (stream(chunk("Hel"), chunk("lo you"), RESULT).replace(b"\n", b"\r\n"), NAMED),
}


@pytest.mark.parametrize("name", CASES)
def test_streams_in_every_cut(name: str) -> None:
    body, expected = CASES[name]
    assert same_in_every_cut(MyGptAssistantsReader, body) == expected


@given(st.data())
def test_streams_in_any_cut(draw: st.DataObject) -> None:
    body, expected = draw.draw(st.sampled_from(list(CASES.values())))
    assert heard(MyGptAssistantsReader, draw.draw(cut(body))) == expected


@given(st.sampled_from([body for body, _ in CASES.values()]))
def test_the_framing_once_told_stays(body: bytes) -> None:
    told = [framing_of(body[:at]) for at in range(min(len(body), 100) + 1)]
    assert told == sorted(told, key=lambda framing: framing is not None)
    assert len({framing for framing in told if framing}) <= 1


@pytest.mark.parametrize(
    "body",
    [
        {"success": False, "data": None, "error": {"code": "X", "message": "m"}},
        {"error": {"code": "X", "message": "m", "field": "f", "requestId": "r"}},
        {"message": "m"},
        {"error": "m"},
    ],
)
def test_all_four_envelopes_of_errors(body: dict[str, Any]) -> None:
    error = judge(400, json.dumps(body).encode())
    assert isinstance(error, PromptRejected)
    assert "m" in error.detail


@pytest.mark.parametrize(
    ("status", "code", "message", "expected"),
    [
        (404, "CONVERSATION_NOT_FOUND", "Conversation not found", ConversationUnknown),
        (404, "", "Bot or conversation not found", ConversationUnknown),
        (404, "", "", ConversationUnknown),
        (404, "BOT_NOT_FOUND", "Bot not found", UpstreamRefused),
        (401, "INVALID_API_KEY", "", UpstreamRefused),
        (429, "RATE_LIMIT_EXCEEDED", "", UpstreamBusy),
        (500, "INTERNAL_ERROR", "", UpstreamUnavailable),
    ],
)
def test_what_a_refusal_means_where_a_conversation_is_named(
    status: int, code: str, message: str, expected: type[UpstreamError]
) -> None:
    body = json.dumps({"success": False, "error": {"code": code, "message": message}}).encode()
    assert type(judge_known(status, body)) is expected


def test_envelopes_are_opened() -> None:
    assert unwrapped({"success": True, "data": {"a": 1}}) == {"a": 1}
    assert unwrapped({"a": 1}) == {"a": 1}
    with pytest.raises(UpstreamError):
        unwrapped(ERROR)
