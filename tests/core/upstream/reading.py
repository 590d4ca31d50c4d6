"""What the tests of all readers share: feeding a stream in many cuts, and telling what a person would see of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from hypothesis import strategies as st

from core.errors import AnswerMalformed, UpstreamError
from core.model import Done, Event, File, Opened, Replace, Text, Usage
from core.upstream.reader import AnswerReader

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer as it reached the other end, however it was cut."""

    text: str
    opened: tuple[str, ...] = ()
    files: tuple[File, ...] = ()
    usage: Usage | None = None
    error: type[UpstreamError] | None = None
    """None: it ended with `Done`."""


def seen(events: Iterable[Event], error: UpstreamError | None = None) -> Heard:
    text, opened, files, usage, done = "", [], [], None, False
    for event in events:
        assert not done, "nothing follows Done"
        match event:
            case Text(delta):
                assert delta
                text += delta
            case Replace(whole):
                text = whole
            case Opened(conversation_id):
                opened.append(conversation_id)
            case File():
                files.append(event)
            case Done(used):
                done, usage = True, used
            case _:
                pass
    assert done is (error is None)
    text.encode()  # no half surrogates
    return Heard(text, tuple(opened), tuple(files), usage, type(error) if error else None)


def heard(make: Callable[[], AnswerReader], pieces: Iterable[bytes]) -> Heard:
    reader = make()
    events: list[Event] = []
    for piece in pieces:
        events += reader.feed(piece)
        if reader.ended:
            break
    events += reader.flush()
    try:
        events += reader.close()
    except UpstreamError as error:
        return seen(events, error)
    return seen(events)


def cuts(body: bytes) -> Iterator[list[bytes]]:
    """The body byte by byte, in two at up to 60 places, and in random pieces."""
    yield [body[at : at + 1] for at in range(len(body))]
    for at in range(1, len(body), max(1, len(body) // 60)):
        yield [body[:at], body[at:]]
    chance = random.Random(len(body))
    for _ in range(10):
        yield pieces_of(body, sorted(chance.sample(range(len(body) + 1), min(len(body), 12))))


def pieces_of(body: bytes, places: Iterable[int]) -> list[bytes]:
    pieces, last = [], 0
    for place in places:
        pieces.append(body[last:place])
        last = place
    return [*pieces, body[last:]]


def cut(body: bytes) -> st.SearchStrategy[list[bytes]]:
    """Any way to cut a body, empty pieces included."""
    return st.lists(st.integers(0, len(body)), max_size=30).map(sorted).map(lambda places: pieces_of(body, places))


def same_in_every_cut(make: Callable[[], AnswerReader], body: bytes) -> Heard:
    """What is heard of the body, after checking that it does not depend on the cut."""
    whole = heard(make, [body])
    for pieces in cuts(body):
        assert heard(make, pieces) == whole, pieces
    return whole


def until_refused(feed: Callable[[bytes], list[T]], pieces: Iterable[bytes]) -> list[T]:
    """What a decoder gave before it raised `AnswerMalformed`, which it has to."""
    found: list[T] = []
    try:
        for piece in pieces:
            found += feed(piece)
    except AnswerMalformed:
        return found
    raise AssertionError("it was not refused")
