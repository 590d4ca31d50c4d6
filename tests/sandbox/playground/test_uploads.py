from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.playground.errors import Refused
from sandbox.playground.uploads import KEPT, LARGEST, Uploads


def test_a_file_waits_until_it_was_sent() -> None:
    uploads = Uploads()
    id = uploads.add("tides.txt", "text/plain", b"high")
    assert (uploads.get(id).name, uploads.get(id).media_type, uploads.get(id).content) == (
        "tides.txt",
        "text/plain",
        b"high",
    )
    uploads.drop(id)
    with pytest.raises(Refused, match="choose it again"):
        uploads.get(id)


def test_only_the_last_few_wait() -> None:
    uploads = Uploads()
    ids = [uploads.add("tides.txt", "text/plain", b"high") for _ in range(KEPT + 1)]
    with pytest.raises(Refused):
        uploads.get(ids[0])
    assert all(uploads.get(id) for id in ids[1:])


@pytest.mark.parametrize(("size", "sentence"), [(0, "tides.txt is empty"), (LARGEST + 1, "5 MB")])
def test_a_file_without_a_size_that_can_be_sent_is_refused(size: int, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        Uploads().add("tides.txt", "text/plain", bytes(size))
    Uploads().add("tides.txt", "text/plain", bytes(LARGEST))


@pytest.mark.parametrize(
    ("name", "stated", "taken"),
    [
        ("chart.png", "", "image/png"),
        ("chart.png", "nonsense", "image/png"),
        ("chart.png", "image/jpeg", "image/jpeg"),
        ("chart", "", "application/octet-stream"),
        ("chart.png", "text/html\r\nX: y", "image/png"),
    ],
)
def test_a_media_type_is_believed_if_it_is_one(name: str, stated: str, taken: str) -> None:
    uploads = Uploads()
    assert uploads.get(uploads.add(name, stated, b"1")).media_type == taken


@given(st.text())
def test_a_name_is_the_last_part_of_a_path_and_can_be_shown(name: str) -> None:
    uploads = Uploads()
    kept = uploads.get(uploads.add(f"C:\\x/{name}", "", b"1")).name
    assert kept.isprintable()
    assert kept.strip(".")
    assert "/" not in kept
    assert "\\" not in kept
    assert 0 < len(kept) <= 120
