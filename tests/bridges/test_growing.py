"""A reply while it grows, and replies that are longer or stranger than any assistant writes, on every platform."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from core.markdown import close, split
from tests.bridges.readers import READERS, essence
from tests.replies import THOROUGH, long_reply, reply
from tests.steps import steps

LONG = 200_000 if THOROUGH else 40_000
"""Characters."""

few = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
numbers = st.integers(0, 2**32 - 1)

on_every_platform = pytest.mark.parametrize("platform", READERS)


@pytest.mark.timeout(300)
@on_every_platform
@few
@given(numbers, st.integers(0, 100))
def test_what_is_shown_while_it_grows_is_a_beginning_of_what_is_shown_at_last(
    platform: str, number: int, percent: int
) -> None:
    """No marker is ever seen that goes away again: not of emphasis, links, fences, code, formulas or tables."""
    written, reader = reply([number]), READERS[platform]
    assume(len(written.markdown) < 2_000 and reader.fits(written.markdown))
    growing = close(written.markdown[: len(written.markdown) * percent // 100])
    if growing:
        shown = essence(reader.read(growing).text, written)
        assert essence(reader.read(written.markdown).text, written).startswith(shown)


@pytest.mark.timeout(900)
@on_every_platform
def test_a_very_long_reply_arrives_whole(platform: str) -> None:
    """In as many messages as it takes, each of which the platform takes."""
    written, reader = long_reply(LONG), READERS[platform]
    seen = [reader.read(part) for part in split(written.markdown, reader.fits)]
    assert len(seen) > LONG // 6_000
    assert essence("\n".join(message.text for message in seen), written) == essence(written.visible, written)


HOSTILE = ("*", "_", "`", "~", "[", "![", "<", ">", "> ", "- ", "|", "|-", "$", "\\", "(", "&", "*_", "<a ", "**a ")


@pytest.mark.timeout(300)
@on_every_platform
@pytest.mark.parametrize("mark", HOSTILE)
def test_a_text_of_nothing_but_marks_is_little_work(platform: str, mark: str) -> None:
    """So many calls for each character at most: what is quadratic needs many times as many for so long a text."""
    fits = READERS[platform].fits

    text = (mark * 16_000)[:16_000]
    assert steps(lambda: close(split(text, fits)[-1])) < 400 * len(text)
