from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import AnswerMalformed
from core.upstream.sse import ServerSentEvent, SseDecoder
from tests.core.upstream.reading import cut, pieces_of, until_refused


def decoded(pieces: list[bytes], decoder: SseDecoder | None = None) -> list[ServerSentEvent]:
    decoder = decoder or SseDecoder()
    return [event for piece in pieces for event in decoder.feed(piece)]


def data(*values: bytes) -> list[ServerSentEvent]:
    return [ServerSentEvent("message", value) for value in values]


def event(name: str, value: bytes, id: str = "") -> ServerSentEvent:
    return ServerSentEvent(name, value, id)


CASES: dict[str, tuple[bytes, list[ServerSentEvent]]] = {
    # what the conformance tests of the web platform check, in our words
    "bom": (b"\xef\xbb\xbfdata:1\n\n\xef\xbb\xbfdata:2\n\ndata:3\n\n", data(b"1", b"3")),
    "two boms": (b"\xef\xbb\xbf\xef\xbb\xbfdata:1\n\ndata:2\n\ndata:3\n\n", data(b"2", b"3")),
    "comments": (
        b"data:1\r:\0\n:\r\ndata:2\n:" + b"x" * 2048 + b"\rdata:3\n:data:fail\r:x\ndata:4\n\n",
        data(b"1\n2\n3\n4"),
    ),
    "no last blank line": (b"retry:1000\ndata:test1\n\nid:test\ndata:test2", data(b"test1")),
    "empty data": (b"data:\n\ndata\ndata\n\ndata:test\n\n", data(b"", b"\n", b"test")),
    "event names": (
        b"event:test\ndata:x\n\ndata:x\n\nevent: other \ndata:y\n\n",
        [event("test", b"x"), event("message", b"x"), event("other ", b"y")],
    ),
    "empty event name": (b"event: \ndata:data\n\n", data(b"data")),
    "ids": (
        b"id: 1\ndata:a\n\ndata:b\n\nid\ndata:c\n\n",
        [event("message", b"a", "1"), event("message", b"b", "1"), event("message", b"c")],
    ),
    "id with NUL": (b"id: 1\nid: 2\0\ndata:a\n\n", [event("message", b"a", "1")]),
    "odd fields": (
        b"data:\0\ndata:  2\rData:1\ndata\0:2\ndata:1\r\0data:4\n"
        b"da-ta:3\rdata_5\ndata:3\rdata:\r\n data:32\ndata:4\n\n",
        data(b"\0\n 2\n1\n3\n\n4"),
    ),
    "unknown fields": (
        b"data:test\n data\ndata\nfoobar:xxx\njustsometext\n:thisisacomment\ndata:test\n\n",
        data(b"test\n\ntest"),
    ),
    "leading space": (b"data:\ttest\rdata: \ndata:test\n\n", data(b"\ttest\n\ntest")),
    "all line ends": (b"data:test\r\ndata\ndata:test\r\n\r", data(b"test\n\ntest")),
    "utf-8 as it is": ("data:ok…é\n\n".encode(), data("ok…é".encode())),
    # what other decoders were found to do wrong
    "an event without data": (b"event: ping\n\ndata:x\n\n", data(b"x")),
    "an id alone, then blank lines": (b"id: 7\n\n\n\ndata:x\n\n", [event("message", b"x", "7")]),
    "line separators of Unicode are data": (
        'data:{"a":"\u2028\u2029\x85\v\f"}\n\n'.encode(),
        data('{"a":"\u2028\u2029\x85\v\f"}'.encode()),
    ),
    "carriage returns only": (b"data:1\rdata:2\r\rdata:3\r\r", data(b"1\n2", b"3")),
    "nothing": (b"", []),
}


@pytest.mark.parametrize("name", CASES)
def test_conformance_whole_bytewise_and_split_anywhere(name: str) -> None:
    body, expected = CASES[name]
    assert decoded([body]) == expected
    assert decoded([body[at : at + 1] for at in range(len(body))]) == expected
    for at in range(len(body)):
        assert decoded([body[:at], body[at:]]) == expected, at


LINES = st.lists(
    st.sampled_from(
        [
            b"data: x",
            b"data:",
            b"data",
            b"",
            b":c",
            b"event: e",
            b"id: 1",
            b"retry: 5",
            b"\xef\xbb\xbf",
            "data: é☃".encode(),
        ]
    )
)


@given(LINES, st.lists(st.sampled_from([b"\n", b"\r", b"\r\n"]), min_size=1), st.data())
def test_any_cut_gives_the_same(lines: list[bytes], ends: list[bytes], draw: st.DataObject) -> None:
    body = b"".join(line + ends[at % len(ends)] for at, line in enumerate(lines))
    whole, parts = SseDecoder(), SseDecoder()
    assert decoded([body], whole) == decoded(draw.draw(cut(body)), parts)
    assert (whole.retry, whole.close()) == (parts.retry, parts.close())


@pytest.mark.parametrize(
    ("line", "milliseconds"), [(b"3000", 3000), (b"-5", None), (b"1_0", None), (b"1x", None), (b"", None)]
)
def test_retry_only_of_digits(line: bytes, milliseconds: int | None) -> None:
    decoder = SseDecoder()
    decoder.feed(b"retry:" + line + b"\n\n")
    assert decoder.retry == milliseconds


@pytest.mark.parametrize("end", [b"", b"\n", b"\r", b"\r\n"])
def test_an_event_that_the_end_cut_off_is_offered_separately(end: bytes) -> None:
    decoder = SseDecoder()
    assert decoder.feed(b"data: 1\n\nevent: e\ndata: 2" + end) == data(b"1")
    assert decoder.close() == event("e", b"2")
    assert SseDecoder().close() is None


def test_a_line_of_spaces_ends_an_event_only_if_wanted() -> None:
    body = b"data: 1\n \ndata: 2\n\n"
    assert decoded([body]) == data(b"1\n2")
    assert decoded([body], SseDecoder(spaces_end_event=True)) == data(b"1", b"2")


@pytest.mark.parametrize(
    "big", [b"data: " + b"x" * 200, b"data: xxxxxxxxxx\n" * 10, b": " + b"x" * 200], ids=["line", "lines", "comment"]
)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_an_event_over_the_limit_is_refused_after_those_before_it(big: bytes, size: int) -> None:
    body = b"data: before\n\n" + big + b"\n\n"
    decoder = SseDecoder(limit=100)
    pieces = [*pieces_of(body, range(size, len(body), size)), b"more\n"]
    assert until_refused(decoder.feed, pieces) == data(b"before")
    with pytest.raises(AnswerMalformed):
        decoder.close()


def test_the_limit_is_per_event() -> None:
    assert len(decoded([b"data: " + b"x" * 80 + b"\n\n"] * 10, SseDecoder(limit=100))) == 10


def test_time_is_linear_in_the_bytes_whatever_the_cut() -> None:
    """Ten times the bytes in small pieces take about ten times as long, not a hundred times."""

    def seconds(size: int) -> float:
        body = b"data: " + b"x" * size + b"\n\n"
        pieces = pieces_of(body, range(16, len(body), 16))
        began = time.process_time()
        assert len(decoded(pieces)) == 1
        return time.process_time() - began

    small = min(seconds(100_000) for _ in range(3))
    assert min(seconds(1_000_000) for _ in range(3)) < 40 * small


def test_an_event_that_is_only_a_name_counts_only_if_wanted() -> None:
    body = b"event: end\n\nid: 1\n\n: x\n\n"
    assert decoded([body]) == []
    assert decoded([body], SseDecoder(bare_events=True)) == [event("end", b"")]
