"""The stream of GoAPI: snapshots and deltas of ChatGPT's web service."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import (
    AnswerInterrupted,
    AnswerMalformed,
    ConversationUnknown,
    PromptRejected,
    UpstreamRefused,
    UpstreamUnavailable,
)
from core.model import Opened, Replace, Status, Text
from core.upstream.chatgpt_web import Asset, ChatGptWebReader
from core.upstream.fields import parsed
from tests.core.upstream.reading import Heard, cut, heard, same_in_every_cut

ID = "4f33f3be"
DONE = "[DONE]"


def message(
    text: str | None = "",
    *,
    id: str = "m1",
    role: str = "assistant",
    recipient: str = "all",
    status: str = "in_progress",
    end_turn: bool | None = None,
    content: dict[str, Any] | None = None,
    metadata: dict[str, Any] | None = None,
) -> dict[str, Any]:
    return {
        "message": {
            "id": id,
            "author": {"role": role, "name": None, "metadata": {}},
            "content": content or {"content_type": "text", "parts": [text]},
            "status": status,
            "end_turn": end_turn,
            "metadata": metadata or {},
            "recipient": recipient,
        },
        "conversation_id": ID,
        "error": None,
    }


def finished(text: str, *, end_turn: bool = True, **more: Any) -> dict[str, Any]:
    return message(text, status="finished_successfully", end_turn=end_turn, **more)


def body(*records: object, separator: str = "\n\n") -> bytes:
    lines = [record if isinstance(record, str) else json.dumps(record, ensure_ascii=False) for record in records]
    return "".join(f"data: {line}{separator}" for line in lines).encode()


ECHO = [
    finished("", id="s", role="system"),
    message("draw me a wild cat", id="u", role="user", status="finished_successfully"),
]
CALL = message(
    id="c", recipient="dalle.text2im", content={"content_type": "code", "language": "json", "text": '{"prompt": "cat"}'}
)
POINTER = {"content_type": "image_asset_pointer", "asset_pointer": "file-service://file-1", "width": 1, "height": 1}
IMAGE = message(
    id="t",
    role="tool",
    status="finished_successfully",
    content={"content_type": "multimodal_text", "parts": [POINTER, "made"]},
)


def moderation(**flags: bool) -> dict[str, Any]:
    return {"conversation_id": ID, "message_id": "u", "is_completion": False, "moderation_response": flags}


def answer(text: str) -> Heard:
    return Heard(text, (ID,))


CASES: dict[str, tuple[bytes, Heard]] = {
    "echoes are skipped and text is cumulative": (
        body(*ECHO, message("He"), message("Hello"), finished("Hello!"), DONE),
        answer("Hello!"),
    ),
    "a snapshot that shrinks": (
        body(message("Hello wrld"), message("Hello"), finished("Hello world"), DONE),
        answer("Hello world"),
    ),
    "a tool, its image, then text": (
        body(*ECHO, CALL, IMAGE, finished("Here is your cat."), DONE),
        answer("Here is your cat."),
    ),
    "what tools say is no answer": (
        body(
            message("secret", id="t", role="tool"),
            message(id="x", role="tool", content={"content_type": "execution_output", "text": "4"}),
            finished("4"),
            DONE,
        ),
        answer("4"),
    ),
    "two messages of the assistant": (
        body(
            finished("First.", end_turn=False, id="a"), CALL, message("Sec", id="b"), finished("Second.", id="b"), DONE
        ),
        answer("First.\n\nSecond."),
    ),
    "interleaved messages": (
        body(message("A1", id="a"), message("B1", id="b"), message("A1 A2", id="a"), finished("B1 B2", id="b"), DONE),
        answer("A1 A2\n\nB1 B2"),
    ),
    "moderation that flags nothing": (
        body(message("a"), moderation(flagged=False, blocked=False), finished("ab"), DONE),
        answer("ab"),
    ),
    "moderation that blocks": (
        body(message("a"), moderation(flagged=True, blocked=True), finished("ab"), DONE),
        Heard("a", (ID,), error=PromptRejected),
    ),
    "an error before any text": (
        body({"message": None, "conversation_id": ID, "error": "Something went wrong"}),
        Heard("", (ID,), error=UpstreamUnavailable),
    ),
    "an error after some text": (
        body(message("a"), {"message": None, "conversation_id": ID, "error": "Something went wrong"}, DONE),
        Heard("a", (ID,), error=AnswerInterrupted),
    ),
    "a conversation that is gone": (
        body({"message": None, "error": "Conversation not found"}),
        Heard("", error=ConversationUnknown),
    ),
    "no DONE, but the end of the turn": (body(*ECHO, finished("whole")), answer("whole")),
    "no DONE, and the turn not at its end": (body(message("half")), Heard("half", (ID,), error=AnswerInterrupted)),
    "no DONE, and a tool still running": (
        body(finished("Wait.", end_turn=False), CALL),
        Heard("Wait.", (ID,), error=AnswerInterrupted),
    ),
    "DONE without any text": (body(*ECHO, DONE), Heard("", (ID,), error=AnswerInterrupted)),
    "nothing at all": (b"", Heard("", error=AnswerInterrupted)),
    "separated by single spaces": (body(*ECHO, message("a"), finished("ab"), DONE, separator="\n \n"), answer("ab")),
    "not separated at all": (body(*ECHO, message("a"), finished("ab"), DONE, separator="\n"), answer("ab")),
    "carriage returns and a byte order mark": (
        b"\xef\xbb\xbf" + body(message("a"), finished("ab"), DONE, separator="\r\n\r\n"),
        answer("ab"),
    ),
    "kinds of content that may yet come": (
        body(message(content={"content_type": "hologram", "parts": ["x"]}, id="h"), finished("ab"), DONE),
        answer("ab"),
    ),
    "no parts, or parts that are no text": (
        body(
            message(content={"content_type": "text", "parts": []}),
            message(content={"content_type": "text", "parts": [None, 7, {"x": 1}, "a"]}),
            message(content={"content_type": "text"}, id="e"),
            finished("ab"),
            DONE,
        ),
        answer("ab"),
    ),
    "hidden messages": (
        body(finished("hidden", id="h", metadata={"is_visually_hidden_from_conversation": True}), finished("ab"), DONE),
        answer("ab"),
    ),
    "thoughts": (
        body(
            message(id="t", content={"content_type": "thoughts", "thoughts": [{"content": "hm"}]}), finished("ab"), DONE
        ),
        answer("ab"),
    ),
    "citations cut by snapshots": (
        body(
            message("See 【1"),
            message("See 【11†sou"),
            message("See 【11†source】."),
            finished("See 【11†source】. \ue200cite\ue201!"),
            DONE,
        ),
        answer("See . !"),
    ),
    "the greatest length": (
        body(finished("long", metadata={"finish_details": {"type": "max_tokens"}}), DONE),
        answer(
            "long\n\n*(The answer ends here because it has reached the greatest length that the assistant may write.)*"
        ),
    ),
    "titles, strings and lists are ignored": (
        body({"type": "title_generation", "title": "Cats"}, '"v1"', "[1]", "7", finished("ab"), DONE),
        answer("ab"),
    ),
    "an unreadable event that a later snapshot heals": (body("{broken", finished("ab"), DONE), answer("ab")),
    "an unreadable event at the end": (body(message("ab"), "{broken", DONE), Heard("ab", (ID,), error=AnswerMalformed)),
    "a failing server in a body of status 200": (b"Internal Server Error", Heard("", error=UpstreamUnavailable)),
    "an envelope instead of a stream": (
        b'{"code":401,"message":"invalid key","data":null}',
        Heard("", error=UpstreamRefused),
    ),
    "a page instead of a stream": (b"<html><body>Bad gateway</body></html>", Heard("", error=UpstreamUnavailable)),
    "text in every script": (
        body(message("日本語 …"), finished("日本語 … 😀é\u2028x"), DONE),
        answer("日本語 … 😀é\u2028x"),
    ),
    "comments and blank lines": (
        b":\n\n: ping\n\n\n" + body(finished("ab")) + b": ping\n\n" + body(DONE),
        answer("ab"),
    ),
    "no last line end": (body(finished("ab")) + b"data: [DONE]", answer("ab")),
}


@pytest.mark.parametrize("name", CASES)
def test_streams_in_every_cut(name: str) -> None:
    stream, expected = CASES[name]
    assert same_in_every_cut(ChatGptWebReader, stream) == expected


@given(st.data())
def test_streams_in_any_cut(draw: st.DataObject) -> None:
    stream, expected = draw.draw(st.sampled_from(list(CASES.values())))
    assert heard(ChatGptWebReader, draw.draw(cut(stream))) == expected


def test_images_are_collected_once_to_be_asked_for() -> None:
    newer = {"content_type": "image_asset_pointer", "asset_pointer": "sediment://file_2"}
    own = finished("", id="b", content={"content_type": "multimodal_text", "parts": ["Two: ", POINTER, newer]})
    echo = message(
        id="u",
        role="user",
        content={"content_type": "multimodal_text", "parts": [{**POINTER, "asset_pointer": "file-service://mine"}]},
    )
    reader = ChatGptWebReader()
    reader.feed(body(echo, IMAGE, own, DONE))
    reader.close()
    assert reader.assets == {"file-1": Asset("file-1", "image/png"), "file_2": Asset("file_2", "image/png")}


def test_an_answer_may_be_an_image_alone() -> None:
    assert heard(ChatGptWebReader, [body(CALL, IMAGE, DONE)]).error is None


def test_says_what_it_does_meanwhile() -> None:
    reader = ChatGptWebReader()
    assert reader.feed(body(CALL)) == [Opened(ID), Status("Drawing")]
    assert reader.feed(body(finished("x"))) == [Status(""), Text("x")]


def test_a_burst_of_snapshots_is_one_event() -> None:
    reader = ChatGptWebReader()
    assert reader.feed(body(*(message("word " * count) for count in range(50)))) == [Opened(ID), Text("word " * 49)]
    assert reader.feed(body(message("other"))) == [Replace("other")]


def delta(record: dict[str, Any]) -> str:
    return f"event: delta\ndata: {json.dumps(record)}  \n\n"


def deltas(*records: dict[str, Any], done: bool = True) -> bytes:
    first = {"p": "", "o": "add", "v": {k: v for k, v in message("", id="d").items() if k != "error"}, "c": 0}
    head = 'event: delta_encoding\ndata: "v1"\n\n' + delta(first)
    return (head + "".join(map(delta, records)) + ("data: [DONE]\n\n" if done else "")).encode()


END = {
    "p": "",
    "o": "patch",
    "v": [
        {"p": "/message/status", "o": "replace", "v": "finished_successfully"},
        {"p": "/message/end_turn", "o": "replace", "v": True},
    ],
}
FIRST = {"p": "/message/content/parts/0", "o": "append", "v": "Hel"}

DELTAS: dict[str, tuple[bytes, Heard]] = {
    "inherited path and operation": (
        deltas(FIRST, {"v": "lo"}, {"v": " 【1"}, {"v": "†x】you"}, END),
        answer("Hello you"),
    ),
    "no DONE": (deltas(FIRST, {"v": "lo"}, END, done=False), answer("Hello")),
    "cut off": (deltas(FIRST, {"v": "lo"}, done=False), Heard("Hello", (ID,), error=AnswerInterrupted)),
    "text inside a patch": (
        deltas(
            FIRST,
            {"p": "", "o": "patch", "v": [{"p": "/message/content/parts/0", "o": "append", "v": "lo."}, *END["v"]]},
        ),
        answer("Hello."),
    ),
    "text that is replaced": (
        deltas(FIRST, {"p": "/message/content/parts/0", "o": "replace", "v": "Bye"}, END),
        answer("Bye"),
    ),
    "thoughts under their own path": (
        deltas({"p": "/message/content/thoughts", "o": "append", "v": [{"content": "hm"}]}, FIRST, {"v": "lo"}, END),
        answer("Hello"),
    ),
    "a second message, and one that is not for the person": (
        deltas(
            FIRST,
            {"v": "lo"},
            {"p": "", "o": "add", "v": {**message("", id="tool", recipient="python"), "conversation_id": ID}, "c": 1},
            {"p": "/message/content/parts/0", "o": "append", "v": "print("},
            {"v": "1)"},
            {"p": "", "o": "add", "v": message("", id="e"), "c": 2},
            {"p": "/message/content/parts/0", "o": "append", "v": "You"},
            {"v": "!"},
            END,
        ),
        answer("Hello\n\nYou!"),
    ),
    "a delta that does not fit": (
        deltas(FIRST, {"p": "/nowhere/at/all", "o": "append", "v": "x"}),
        Heard("Hel", (ID,), error=AnswerMalformed),
    ),
}


@pytest.mark.parametrize("name", DELTAS)
def test_delta_streams_in_every_cut(name: str) -> None:
    stream, expected = DELTAS[name]
    assert same_in_every_cut(ChatGptWebReader, stream) == expected


def test_deltas_take_time_linear_in_their_bytes() -> None:
    def seconds(count: int) -> float:
        pieces = [delta({"v": "word "}).encode()] * count
        reader = ChatGptWebReader()
        reader.feed(deltas(FIRST, done=False))
        began = time.process_time()
        for piece in pieces:
            reader.feed(piece)
        return time.process_time() - began

    small = min(seconds(1_000) for _ in range(3))
    assert min(seconds(10_000) for _ in range(2)) < 40 * small


def test_snapshots_are_not_parsed_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each repeats all that came before it: of those that only go on, what was added is read."""
    read = 0

    def counted(data: bytes) -> Any:
        nonlocal read
        read += len(data)
        return parsed(data)

    monkeypatch.setattr("core.upstream.chatgpt_web.parsed", counted)
    reader, told = ChatGptWebReader(), ""
    for count in range(1, 500):
        for event in reader.feed(body(message("word and “another” " * count))):
            told += event.delta if isinstance(event, Text) else ""
    assert told == "word and “another” " * 499
    assert read < 2_000


@settings(deadline=None)
@given(st.lists(st.text(alphabet='ab"\\\n{}[]:,é😀\u2028', max_size=6), max_size=12), st.booleans(), st.integers(1, 3))
def test_growing_snapshots_are_read_as_json_reads_them(pieces: list[str], ascii: bool, back: int) -> None:
    """Whatever the text holds, and also when it shrinks on the way."""
    texts = ["".join(pieces[:count]) for count in range(1, len(pieces) + 1)]
    if len(texts) > back:
        texts.append(texts[-1 - back])
    texts.append((texts[-1] if texts else "") + "end")
    reader = ChatGptWebReader()
    told = ""
    for text in texts:
        for event in reader.feed(f"data: {json.dumps(message(text), ensure_ascii=ascii)}\n\n".encode()):
            match event:
                case Text(delta):
                    told += delta
                case Replace(whole):
                    told = whole
                case _:
                    pass
        assert told == text
