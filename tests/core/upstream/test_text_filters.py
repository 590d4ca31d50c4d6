"""The two filters that take something out of a text, and the decoder of deltas."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.upstream.citations import WithoutCitations
from core.upstream.delta_encoding import DeltaDocuments
from core.upstream.fields import Unreadable
from core.upstream.image_size import image_size
from core.upstream.thinking import WithoutThinking


def passed(make: type[WithoutCitations | WithoutThinking], pieces: list[str]) -> str:
    one = make()
    return "".join([*map(one.feed, pieces), one.close()])


CITATIONS = [
    ("plain", "plain"),
    ("a【11†source】b", "ab"),
    ("a【4:0†notes.pdf】.", "a."),
    ("見よ【重要】と【12】", "見よ【重要】と【12】"),
    ("a【11†sour", "a【11†sour"),
    ("a【", "a【"),
    ("a\ue200cite\ue202turn0search1\ue201b", "ab"),
    ("a\ue200cite\ue202turn", "acite\ue202turn"),
    ("a【1†x】【2†y】\ue200z\ue201b", "ab"),
    ("a【11†two\nlines】", "a【11†two\nlines】"),
]


@pytest.mark.parametrize(("text", "shown"), CITATIONS)
def test_citation_marks_are_taken_out_however_they_are_cut(text: str, shown: str) -> None:
    assert passed(WithoutCitations, [text]) == shown
    assert passed(WithoutCitations, list(text)) == shown
    for at in range(len(text)):
        assert passed(WithoutCitations, [text[:at], text[at:]]) == shown


@given(
    st.lists(st.sampled_from(["a", "【", "1", "†", "】", "\ue200", "\ue201", ":", "\n"])),
    st.lists(st.integers(1, 3), min_size=1),
)
def test_citations_any_text_any_cut(parts: list[str], sizes: list[int]) -> None:
    text = "".join(parts)
    pieces, at = [], 0
    for turn in range(len(text)):
        size = sizes[turn % len(sizes)]
        pieces.append(text[at : at + size])
        at += size
    assert passed(WithoutCitations, pieces) == passed(WithoutCitations, [text])


def test_nothing_is_held_back_without_a_reason() -> None:
    one = WithoutCitations()
    assert one.feed("all of it") == "all of it"
    assert one.feed("x【重") == "x【重"
    assert one.feed("x【1") == "x"
    assert one.feed("0】") == "【10】"


THOUGHTS = [
    ("answer", "answer"),
    ("<think>hm</think>answer", "answer"),
    ("\n <THINK>\nhm\n</THINK>\n\nanswer", "answer"),
    ("<thinking>hm</thinking>answer", "answer"),
    ("<think>a</think><think>b</think>c", "c"),
    ("<think></think>", ""),
    ("<think>never ends", ""),
    ("<thin", "<thin"),
    ("<thinly> sliced", "<thinly> sliced"),
    ("see <think>this</think>", "see <think>this</think>"),
    ("<think>a < b </thin </think> c", "c"),
    ("", ""),
]


@pytest.mark.parametrize(("text", "shown"), THOUGHTS)
def test_thoughts_before_the_answer_are_hidden_however_they_are_cut(text: str, shown: str) -> None:
    assert passed(WithoutThinking, [text]) == shown
    assert passed(WithoutThinking, list(text)) == shown
    for at in range(len(text)):
        assert passed(WithoutThinking, [text[:at], text[at:]]) == shown


def test_deltas_inherit_path_operation_and_channel() -> None:
    documents = DeltaDocuments()
    assert documents.apply({"p": "", "o": "add", "v": {"a": {"b": ["x"]}, "c/d~": 1}}) is None
    assert documents.apply({"p": "/a/b/0", "o": "append", "v": "y"}) is None
    assert documents.apply({"v": "z"}) == "z"
    assert documents.document() == {"a": {"b": ["xyz"]}, "c/d~": 1}
    assert documents.apply({"v": "!"}) == "!"
    documents.apply({"p": "/c~1d~0", "o": "replace", "v": 2})
    assert documents.document() == {"a": {"b": ["xyz!"]}, "c/d~": 2}
    documents.apply({"p": "", "o": "add", "c": 1, "v": {"other": True}})
    assert documents.document() == {"other": True}
    documents.apply({"c": 0, "p": "/a/b", "o": "remove"})
    assert documents.document() == {"a": {}, "c/d~": 2}


@pytest.mark.parametrize(
    ("before", "delta", "after"),
    [
        ({"a": [1]}, {"p": "/a", "o": "append", "v": [2]}, {"a": [1, 2]}),
        ({"a": [1]}, {"p": "/a/-", "o": "add", "v": 2}, {"a": [1, 2]}),
        ({"a": [1, 3]}, {"p": "/a/1", "o": "add", "v": 2}, {"a": [1, 2, 3]}),
        ({"a": [1, 2]}, {"p": "/a/0", "o": "remove"}, {"a": [2]}),
        ({"a": [1, 2]}, {"p": "/a/0", "o": "replace", "v": 3}, {"a": [3, 2]}),
        ({"a": "abc"}, {"p": "/a", "o": "truncate", "v": 1}, {"a": "a"}),
        ({"a": {"b": 1}}, {"p": "/a", "o": "append", "v": {"c": 2}}, {"a": {"b": 1, "c": 2}}),
        ({}, {"p": "/new", "o": "append", "v": "x"}, {"new": "x"}),
        (
            {"s": "x", "t": ["a"]},
            {
                "p": "",
                "o": "patch",
                "v": [{"p": "/s", "o": "replace", "v": "y"}, {"p": "/t/0", "o": "append", "v": "b"}],
            },
            {"s": "y", "t": ["ab"]},
        ),
    ],
)
def test_operations_of_the_delta_encoding(
    before: dict[str, object], delta: dict[str, object], after: dict[str, object]
) -> None:
    documents = DeltaDocuments()
    documents.apply({"p": "", "o": "add", "v": before})
    documents.apply(delta)
    assert documents.document() == after


@pytest.mark.parametrize(
    "delta",
    [
        {"p": "/x/y", "o": "replace", "v": 1},
        {"p": "/a/9/b", "o": "replace", "v": 1},
        {"p": "/a/q", "o": "add", "v": 1},
        {"p": "/a", "o": "truncate", "v": "x"},
        {"p": "/a", "o": "conjure", "v": 1},
        {"p": "/n/m", "o": "append", "v": 1},
        {"p": "", "o": "patch", "v": 3},
    ],
)
def test_operations_that_do_not_fit_are_refused(delta: dict[str, object]) -> None:
    documents = DeltaDocuments()
    documents.apply({"p": "", "o": "add", "v": {"a": [1], "n": 5}})
    with pytest.raises(Unreadable):
        documents.apply(delta)


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\0\0\0\0\x80", (256, 128)),
        (b"GIF89a\x20\0\x10\0", (32, 16)),
        (b"\xff\xd8\xff\xe0\0\x04ab\xff\xff\xc0\0\x11\x08\0\x10\0\x20\x03", (32, 16)),
        (b"RIFF....WEBPVP8X\0\0\0\0\0\0\0\0\x1f\0\0\x0f\0\0", (32, 16)),
        (b"RIFF....WEBPVP8L\0\0\0\0\x2f\x1f\xc0\x03\0" + b"\0" * 8, (32, 16)),
        (b"RIFF....WEBPVP8 " + b"\0" * 10 + b"\x20\0\x10\0", (32, 16)),
        (b"RIFF....WEBPWHAT" + b"\0" * 20, None),
        (b"\xff\xd8\xff\xe0\0\x04ab", None),
        (b"\xff\xd8" + b"\0" * 20, None),
        (b"plain", None),
        (b"", None),
    ],
)
def test_sizes_of_images(data: bytes, size: tuple[int, int] | None) -> None:
    assert image_size(data) == size
