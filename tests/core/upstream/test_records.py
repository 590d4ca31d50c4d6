from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import AnswerMalformed
from core.upstream.records import JsonRecords
from tests.core.upstream.reading import cut, pieces_of, until_refused

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(['"', "\\", "{", "}", '\\"', "é☃😀"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(max_size=4), VALUES, max_size=3)
BETWEEN = st.sampled_from(
    [b"", b"\n", b"\r\n", b"\n\n", b"data: ", b"\ndata: ", b"\nevent: x\ndata:", b'\n: "no string', b" "]
)


def records(pieces: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    scanner = JsonRecords()
    return [record for piece in pieces for record in scanner.feed(piece)], scanner.close()


@given(st.lists(st.tuples(BETWEEN, OBJECTS, st.booleans(), st.sampled_from([None, 2]))), st.data())
def test_finds_every_object_in_any_cut_and_any_framing(
    parts: list[tuple[bytes, dict[str, object], bool, int | None]], draw: st.DataObject
) -> None:
    body = b"".join(
        between + json.dumps(value, ensure_ascii=ascii, indent=indent).encode()
        for between, value, ascii, indent in parts
    )
    found, left = records(draw.draw(cut(body)))
    assert [json.loads(record) for record in found] == [value for _, value, _, _ in parts]
    assert left == []


def test_a_line_end_inside_a_string_breaks_a_record_but_not_those_after_it() -> None:
    body = b'{"a": "broken\n{"b": 1}\n{"c": "x\\\n{"d": 2}'
    for at in range(len(body)):
        found, _ = records([body[:at], body[at:]])
        assert b'{"b": 1}' in found
        assert b'{"d": 2}' in found


def test_what_an_unclosed_record_swallowed_is_given_by_lines_at_the_end() -> None:
    found, left = records([b'{"a": 1, "b":\n{"c": 2}\n{"d": 3}\n'])
    assert found == []
    assert left == [b'{"a": 1, "b":', b'{"c": 2}', b'{"d": 3}']


@pytest.mark.parametrize("size", [1, 9, 1000])
def test_an_object_over_the_limit_is_refused_after_those_before_it(size: int) -> None:
    body = b'{"a":1}' + b'{"b":"' + b"x" * 200 + b'"}'
    scanner = JsonRecords(limit=100)
    assert until_refused(scanner.feed, [*pieces_of(body, range(size, len(body), size)), b"{}"]) == [b'{"a":1}']
    with pytest.raises(AnswerMalformed):
        scanner.close()


def test_keeps_the_beginning_of_what_is_no_object() -> None:
    scanner = JsonRecords()
    assert scanner.feed(b"Internal Server Error" + b"x" * 10_000) == []
    assert scanner.noise.startswith(b"Internal Server Errorxxx")
    assert len(scanner.noise) == 4096
