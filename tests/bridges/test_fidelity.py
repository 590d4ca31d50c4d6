"""The text at the end is the text that the upstream wrote (L6): whole replies, split and rendered, as readers see them.

`THREADBRIDGE_REPLIES` says how many replies are tried on each platform.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.markdown import Splitter
from tests.bridges.readers import READERS, essence
from tests.replies import reply

REPLIES = int(os.environ.get("THREADBRIDGE_REPLIES", "40"))

thorough = settings(max_examples=REPLIES, deadline=None, suppress_health_check=list(HealthCheck))
numbers = st.integers(0, 2**32 - 1)
sizes = st.sampled_from([1, 2, 3, 5, 8, 20])


@pytest.mark.timeout(600 + REPLIES)
@pytest.mark.parametrize("platform", READERS)
@thorough
@given(data=st.data())
def test_readers_see_what_was_written(platform: str, data: st.DataObject) -> None:
    """Every character in its order, every number of a list, every address; each part is taken by the platform."""
    size = data.draw(sizes)
    _seen_whole(platform, data.draw(st.lists(numbers, min_size=size, max_size=size)))


@pytest.mark.parametrize("platform", READERS)
@pytest.mark.parametrize("blocks", [[1345, 1345, 3328]])
def test_what_was_once_shown_wrong_is_seen_as_it_was_written(platform: str, blocks: list[int]) -> None:
    _seen_whole(platform, blocks)


def _seen_whole(platform: str, blocks: list[int]) -> None:
    written = reply(blocks)
    reader = READERS[platform]
    splitter = Splitter(reader.fits)
    splitter.append(written.markdown)
    seen = [reader.read(part) for part in splitter.parts]
    text = "\n".join(message.text for message in seen)
    assert essence(text, written) == essence(written.visible, written)
    known = frozenset().union(*(message.addresses for message in seen))
    assert not [address for address in written.addresses if address not in known and address not in text]
