from __future__ import annotations

import pytest

from core.errors import (
    AnswerMalformed,
    ConversationUnknown,
    PromptRejected,
    UpstreamBusy,
    UpstreamError,
    UpstreamRefused,
    UpstreamUnavailable,
)
from core.upstream.failures import (
    NO_CREDIT,
    TOO_LONG,
    Complaint,
    complaint_in,
    complaint_of,
    complaint_within,
    error_for,
)


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (b'{"error":{"message":"m","code":"c","type":"t"}}', "c", "m"),
        (b'{"error":{"message":"m","code":null,"type":"t"}}', "t", "m"),
        (b'{"error":"m"}', "", "m"),
        (b'{"error":"unauthorized","message":"m"}', "unauthorized", "m"),
        (b'{"object":"error","message":"m","code":400}', "400", "m"),
        (b'{"type":"error","error":{"type":"overloaded_error","message":"m"}}', "overloaded_error", "m"),
        (b'{"event":"error","status":400,"code":"c","message":"m"}', "c", "m"),
        (b'{"event":"error","data":"m"}', "", "m"),
        (b'{"code":40127,"message":"m"}', "40127", "m"),
        (b'{"code":4000,"msg":"m"}', "4000", "m"),
        (b'{"success":false,"data":null,"error":{"code":"c","message":"m"}}', "c", "m"),
        (b'{"detail":"m"}', "", "m"),
        (b'{"detail":{"message":"m","code":"c"}}', "c", "m"),
        (b'{"message":"m"}', "", "m"),
        (b'"m"', "", "m"),
        (b"Internal Server Error", "", "Internal Server Error"),
        (b"<html><head><style>p{}</style></head><body><h1>502</h1> Bad\n Gateway</body></html>", "", "502 Bad Gateway"),
        (b"", "", ""),
        (b"[]", "", "[]"),
        (b"\xff" * 3, "", "\ufffd" * 3),
    ],
)
def test_what_a_refusal_says_in_any_shape(body: bytes, code: str, message: str) -> None:
    assert complaint_in(body) == Complaint(code, message)


def test_a_long_page_is_not_kept_whole() -> None:
    assert len(complaint_in(b"x" * 100_000).detail) <= 500


@pytest.mark.parametrize(
    "record",
    [
        {"choices": []},
        {"error": None, "message": {"id": "1"}},
        {"message": "Hel"},
        {"success": True},
        {"type": "chunk", "text": "a"},
    ],
)
def test_ordinary_records_are_no_complaints(record: dict[str, object]) -> None:
    assert complaint_within(record) is None


@pytest.mark.parametrize(
    "record", [{"error": "x"}, {"success": False}, {"object": "error"}, {"type": "error"}, {"event": "error"}]
)
def test_error_records_are_complaints(record: dict[str, object]) -> None:
    assert complaint_within(record) is not None


@pytest.mark.parametrize(
    ("status", "message", "expected"),
    [
        (400, "bad", PromptRejected),
        (401, "", UpstreamRefused),
        (402, "", UpstreamRefused),
        (403, "", UpstreamRefused),
        (404, "", UpstreamRefused),
        (404, "Conversation not found", ConversationUnknown),
        (400, "conversation 12 not found", ConversationUnknown),
        (400, "This conversation does not exist", ConversationUnknown),
        (408, "", UpstreamUnavailable),
        (409, "", UpstreamBusy),
        (413, "", PromptRejected),
        (422, "", PromptRejected),
        (429, "", UpstreamBusy),
        (429, "You exceeded your current quota (insufficient_quota)", UpstreamRefused),
        (400, "Only one message at a time, please", UpstreamBusy),
        (307, "", UpstreamRefused),
        (500, "context length", UpstreamUnavailable),
        (503, "", UpstreamUnavailable),
        (529, "", UpstreamBusy),
        (204, "", AnswerMalformed),
        (None, "boom", UpstreamUnavailable),
        (None, "flagged by moderation", PromptRejected),
    ],
)
def test_kinds_of_errors(status: int | None, message: str, expected: type[UpstreamError]) -> None:
    error = error_for(Complaint("", message), status)
    assert type(error) is expected
    assert message not in error.sentence or not message


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("429", UpstreamBusy),
        ("502", UpstreamUnavailable),
        ("401", UpstreamRefused),
        ("rate_limit_exceeded", UpstreamBusy),
        ("overloaded_error", UpstreamBusy),
        ("invalid_api_key", UpstreamRefused),
        ("model_not_found", UpstreamRefused),
        ("invalid_request_error", PromptRejected),
        ("server_error", UpstreamUnavailable),
    ],
)
def test_codes_inside_an_answer_of_status_200(code: str, expected: type[UpstreamError]) -> None:
    assert type(error_for(Complaint(code, "words"))) is expected


def test_sentences_tell_more_where_more_is_known() -> None:
    assert error_for(Complaint("context_length_exceeded", "…"), 400).sentence == TOO_LONG
    assert error_for(Complaint("", "credit not enough"), 400).sentence == NO_CREDIT


def test_a_value_that_says_nothing_is_no_complaint() -> None:
    assert complaint_of({}) is None
    assert complaint_of(7) is None
