"""The stream records of GPTBots."""

from __future__ import annotations

import base64
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
    UpstreamError,
    UpstreamRefused,
    UpstreamUnavailable,
)
from core.model import File, Status, Text, Usage
from core.upstream.failures import Complaint
from core.upstream.gptbots_stream import GptBotsReader, checked, error_for
from tests.core.upstream.reading import Heard, cut, heard, same_in_every_cut


def record(code: int, data: Any = None, **more: Any) -> str:
    return json.dumps({"code": code, "message": "name", "data": data, **more}, ensure_ascii=False)


def lines(*records: str) -> bytes:
    return "".join(line + "\n" for line in records).encode()


INFO = record(11, {"message_id": "m"})
FLOW = record(10, [{"content": "Hello", "branch": None, "from_component_name": "User Input"}], componentId="c")
COST = record(4, {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7, "reasoning_tokens": 0})
END = record(0)
USAGE = Usage(5, 2)
TEXT = [record(3, piece) for piece in ("I", " can", " ", "", "help")]
ERROR = json.dumps({"code": 50000, "message": "Internal server error"})

CASES: dict[str, tuple[bytes, Heard]] = {
    "a record to a line": (lines(INFO, *TEXT, COST, END), Heard("I can help", usage=USAGE)),
    "behind data:": (
        "".join(f"data: {line}\n\n" for line in (INFO, *TEXT, COST, END)).encode(),
        Heard("I can help", usage=USAGE),
    ),
    "behind data: without a space, with event: lines and comments": (
        b": hi\n" + "".join(f"event: message\r\ndata:{line}\r\n\r\n" for line in (*TEXT, END)).encode(),
        Heard("I can help"),
    ),
    "glued together": ("".join([INFO, *TEXT, COST, END]).encode(), Heard("I can help", usage=USAGE)),
    "behind a byte order mark": (b"\xef\xbb\xbf" + lines(*TEXT, END), Heard("I can help")),
    "text and flow output": (lines(*TEXT, FLOW, END), Heard("I can help")),
    "flow output before text": (lines(FLOW, *TEXT, END), Heard("I can help")),
    "flow output alone": (lines(FLOW, FLOW, END), Heard("Hello\nHello")),
    "flow output with sound": (
        lines(
            record(10, [{"content": "", "audioDatas": [{"transcript": "said", "url": "https://x.test/a.mp3"}]}]), END
        ),
        Heard("said", files=(File("answer.mp3", "audio/mpeg", "https://x.test/a.mp3"),)),
    ),
    "brackets and quotes inside the text": (lines(record(3, '{"code":0} \\"}{'), END), Heard('{"code":0} \\"}{')),
    "text in every script": (lines(record(3, "日本"), record(3, "語😀\u2028é"), END), Heard("日本語😀\u2028é")),
    "a pair of surrogates over two records": (
        b'{"code":3,"data":"a\\ud83d"}\n{"code":3,"data":"\\ude00b"}\n' + lines(END),
        Heard("a😀b"),
    ),
    "codes that mean nothing here": (
        lines(
            INFO,
            record(5, {"x": 1}),
            record(6),
            record(20, []),
            record(41, "hm"),
            record(83, []),
            record(777, "?"),
            *TEXT,
            END,
        ),
        Heard("I can help"),
    ),
    "an error as the first record": (lines(ERROR), Heard("", error=UpstreamUnavailable)),
    "an error after some text": (lines(*TEXT, ERROR, END), Heard("I can help", error=AnswerInterrupted)),
    "no credit, after some text": (
        lines(*TEXT, json.dumps({"code": 20022, "message": "Credit not enough"})),
        Heard("I can help", error=UpstreamRefused),
    ),
    "a conversation that is gone": (
        lines(json.dumps({"code": 40356, "message": "Conversation does not exist"})),
        Heard("", error=ConversationUnknown),
    ),
    "no End": (lines(INFO, *TEXT), Heard("I can help", error=AnswerInterrupted)),
    "no End, and only flow output": (lines(FLOW), Heard("Hello", error=AnswerInterrupted)),
    "no line end after End": ("\n".join([*TEXT, END]).encode(), Heard("I can help")),
    "an unreadable record": (lines(TEXT[0], '{"code":3,"data":}', TEXT[4], END), Heard("Ihelp", error=AnswerMalformed)),
    "a record broken off at the line end": (
        lines(TEXT[0], '{"code":3,"data":"x', TEXT[4], END),
        Heard("Ihelp", error=AnswerMalformed),
    ),
    "a record that never closes": (
        lines(TEXT[0], '{"code":3,"data":[', TEXT[4], END),
        Heard("Ihelp", error=AnswerMalformed),
    ),
    "no text at all": (lines(INFO, COST, END), Heard("", error=AnswerInterrupted)),
    "nothing": (b"", Heard("", error=AnswerInterrupted)),
    "a page of a proxy": (b"<html><body>504 Gateway Time-out</body></html>", Heard("", error=UpstreamUnavailable)),
    "a line of text": (b"Internal Server Error", Heard("", error=UpstreamUnavailable)),
    "the blocking answer where a stream was asked for": (
        json.dumps(
            {"message_id": "m", "text": "Hi", "flow_output": [{"content": "no"}], "conversation_id": "c"}, indent=2
        ).encode(),
        Heard("Hi"),
    ),
    "nothing after End": (lines(*TEXT, END, TEXT[0], ERROR), Heard("I can help")),
}


@pytest.mark.parametrize("name", CASES)
def test_streams_in_every_cut(name: str) -> None:
    stream, expected = CASES[name]
    assert same_in_every_cut(GptBotsReader, stream) == expected


@given(st.data())
def test_streams_in_any_cut(draw: st.DataObject) -> None:
    stream, expected = draw.draw(st.sampled_from(list(CASES.values())))
    assert heard(GptBotsReader, draw.draw(cut(stream))) == expected


def test_the_transcript_of_speech_is_its_text_and_the_sound_a_file() -> None:
    sound = b"RIFF" + bytes(range(256))
    encoded = base64.b64encode(sound).decode()
    whole = lines(
        record(39, {"audioAnswer": encoded[:50], "transcript": "Hel"}),
        record(39, {"audioAnswer": encoded[50:], "transcript": "lo"}),
        END,
    )
    expected = Heard("Hello", files=(File("answer.wav", "audio/wav", sound),))
    assert same_in_every_cut(GptBotsReader, whole) == expected
    padded = [base64.b64encode(sound[:50]).decode(), base64.b64encode(sound[50:]).decode()]
    pieces = lines(*(record(39, {"audioAnswer": piece, "transcript": ""}) for piece in padded), record(3, "Hello"), END)
    assert heard(GptBotsReader, [pieces]) == expected


def test_sound_that_cannot_be_unpacked_is_left_out() -> None:
    assert heard(GptBotsReader, [lines(record(39, {"audioAnswer": "?!", "transcript": "Hello"}), END)]) == Heard(
        "Hello"
    )


def test_the_end_is_seen_without_a_line_end_after_it() -> None:
    reader = GptBotsReader()
    assert reader.feed(f"{TEXT[0]}\n{END}".encode()) == [Text("I")]
    assert reader.ended


def test_a_burst_of_records_is_one_event() -> None:
    assert GptBotsReader().feed(lines(*(record(3, f"{at} ") for at in range(100)))) == [
        Text("".join(f"{at} " for at in range(100)))
    ]


def test_says_that_it_works_on_it() -> None:
    reader = GptBotsReader()
    assert reader.feed(lines(record(41, "hm"))) == [Status("Thinking")]
    assert reader.feed(lines(TEXT[0])) == [Status(""), Text("I")]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (40000, PromptRejected),
        (40127, UpstreamRefused),
        (40356, ConversationUnknown),
        (40358, ConversationUnknown),
        (40364, PromptRejected),
        (40378, UpstreamRefused),
        (20059, UpstreamRefused),
        (20055, UpstreamRefused),
        (20022, UpstreamRefused),
        (20040, PromptRejected),
        (50000, UpstreamUnavailable),
        (41234, UpstreamUnavailable),
    ],
)
@pytest.mark.parametrize("status", [None, 200])
def test_every_documented_code(code: int, expected: type[UpstreamError], status: int | None) -> None:
    error = error_for(Complaint(str(code), "vendor words"))
    assert type(error) is expected
    assert "vendor words" not in error.sentence
    with pytest.raises(expected):
        checked({"code": code, "message": "vendor words"})


def test_a_document_that_is_no_error_passes() -> None:
    assert checked({"code": 0, "data": {"conversation_id": "c"}})
    with pytest.raises(AnswerMalformed):
        checked([])


def test_the_blocking_answer_of_version_2() -> None:
    reader = GptBotsReader()
    reader.answer(
        {
            "output": [
                {"content": {"text": "One"}},
                {"content": {"text": "Two", "audio": [{"audio": "https://x.test/a.mp3", "transcript": "said"}]}},
            ],
            "usage": {"tokens": {"prompt_tokens": 1, "completion_tokens": 2}, "credits": {"total_credits": 0.5}},
            "citations": [],
        }
    )
    assert [event for event in reader.close() if not isinstance(event, File)] != []
    reader = GptBotsReader()
    reader.answer({"output": [{"content": {"text": "One"}}, {"content": {"text": "Two"}}]})
    assert heard(lambda: reader, []).text == "One\nTwo"
