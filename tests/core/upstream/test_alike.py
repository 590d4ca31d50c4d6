"""Records that differ in their text alone: the short way to it gives what JSON gives, or nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.upstream.alike import Alike


def record(content: Any, *, compact: bool = False, ascii: bool = False, **more: Any) -> bytes:
    chunk = {"id": "x", "choices": [{"index": 0, "delta": {"content": content}, "finish_reason": None}], **more}
    separators = (",", ":") if compact else None
    return json.dumps(chunk, separators=separators, ensure_ascii=ascii).encode("utf-8", "surrogatepass")


def alike(data: bytes) -> Alike | None:
    return Alike.to(data, json.loads(data))


@settings(deadline=None)
@given(st.text(min_size=1, alphabet=st.characters(exclude_categories=["Cs"])), st.booleans(), st.booleans())
def test_another_text_is_read_as_json_reads_it(text: str, compact: bool, ascii: bool) -> None:
    first = alike(record("word", compact=compact, ascii=ascii))
    assert first is not None
    assert first.content(record(text, compact=compact, ascii=ascii)) == text


@settings(deadline=None)
@given(st.binary(max_size=12))
def test_bytes_that_json_reads_in_another_way_are_not_read(inside: bytes) -> None:
    """What is put in place of the text may close the string, and begin another field: then it is no text."""
    first = record("word")
    found = alike(first)
    assert found is not None
    data = first.replace(b"word", inside)
    text = found.content(data)
    try:
        read = json.loads(data.decode("utf-8", "replace"), strict=False)["choices"][0]["delta"]["content"]
    except ValueError:
        assert text is None
    else:
        assert text in (read, None)


@pytest.mark.parametrize(
    "inside", [b'x","content":"y', b'x"},"finish_reason":"stop","d":{"e":"', b"x\\", b'x"', b'x\\"y"', b""]
)
def test_a_text_that_would_be_more_than_a_text_is_not_read(inside: bytes) -> None:
    first = record("word", compact=True)
    found = alike(first)
    assert found is not None
    assert found.content(first.replace(b"word", inside)) is None


@pytest.mark.parametrize(
    "chunk",
    [
        {"choices": []},
        {"choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}]},
        {"choices": [{"delta": {"content": "a", "tool_calls": [1]}}]},
        {"choices": [{"delta": {"content": "a"}}], "error": {"message": "no"}},
        {"choices": [{"delta": {"content": 'a "quote"'}}]},
        {"choices": [{"delta": {"content": "a"}}, {"delta": {"content": "b"}}]},
        {"choices": [{"delta": {"content": ""}}]},
        {"choices": [{"index": 1, "delta": {"content": "a"}}]},
    ],
)
def test_a_record_that_says_more_than_its_text_is_no_model_for_others(chunk: dict[str, Any]) -> None:
    assert alike(json.dumps(chunk).encode()) is None


def event(record: bytes) -> bytes:
    return b"data: " + record + b"\n\n"


@settings(deadline=None)
@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters='"')), min_size=1))
def test_several_events_are_read_at_once(texts: list[str]) -> None:
    first = alike(record("word"))
    assert first is not None
    assert first.row(b"".join(event(record(text)) for text in texts)) == "".join(texts)


@settings(deadline=None)
@given(st.lists(st.binary(max_size=6) | st.sampled_from([b"\\", b'x","y', b'"', b"\xc3", b"\xa4"]), max_size=4))
def test_what_is_read_at_once_is_what_is_read_one_by_one(insides: list[bytes]) -> None:
    """Or it is not read."""
    first = record("word")
    found = alike(first)
    assert found is not None
    records = [first.replace(b"word", inside) for inside in insides]
    text = found.row(b"".join(map(event, records)))
    assert text is None or text == "".join(found.content(each) or "" for each in records)


@pytest.mark.parametrize("rest", [b"data: [DONE]\n\n", b"data: {", b": alive\n\n", b"event: error\n"])
def test_events_of_which_one_is_different_are_not_read_at_once(rest: bytes) -> None:
    found = alike(record("word"))
    assert found is not None
    several = event(record("a")) + event(record("b"))
    assert found.row(several) == "ab"
    assert found.row(several + rest) is None
    assert found.row(rest + several) is None
    assert found.row(several[:-1]) is None
    assert found.row(b"") is None
