from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridges.discord.thread import Where, read
from core.model import ThreadId

snowflakes = st.integers(0, 2**63)
places = st.one_of(
    st.builds(Where, st.none(), snowflakes), st.builds(Where, snowflakes, snowflakes, st.none() | snowflakes)
)


@given(places)
@settings(deadline=None)
def test_a_thread_id_says_where_it_is(where: Where) -> None:
    """What was made is read again as the same place, and names the bridge."""
    assert read(where.id()) == where
    assert where.id().startswith("discord:")
    assert len(where.id()) <= 200


@given(places, places)
@settings(deadline=None)
def test_two_places_have_two_ids(one: Where, other: Where) -> None:
    assert (one.id() == other.id()) == (one == other)


def test_messages_go_into_the_thread_or_else_into_the_channel() -> None:
    assert read(ThreadId("discord:1:2:3")).target == 3
    assert read(ThreadId("discord:1:2")).target == 2
    assert read(ThreadId("discord:@me:2")).target == 2


@pytest.mark.parametrize(
    "foreign",
    ["", "slack:T:C:1", "discord:", "discord:1", "discord:@me:1:2", "discord:1:2:3:4", "discord:1:²", "discord:1:2\n"],
)
def test_other_ids_are_refused(foreign: str) -> None:
    with pytest.raises(ValueError, match="not a thread of Discord"):
        read(ThreadId(foreign))
