from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridges.telegram.pace import BOT, PACE
from bridges.telegram.thread import Place, read
from core.model import ThreadId

chats = st.integers(-(10**15), 10**15).filter(bool)
topics = st.none() | st.integers(1, 2**31 - 1)


@given(chats, topics)
def test_a_thread_id_is_read_as_it_was_made(chat: int, topic: int | None) -> None:
    place = Place(chat, topic)
    assert read(place.thread) == place
    assert place.thread.startswith("telegram:")
    assert len(place.thread) <= 200


@given(chats, topics, chats, topics)
def test_two_places_never_share_a_thread(a: int, b: int | None, c: int, d: int | None) -> None:
    assert (Place(a, b).thread == Place(c, d).thread) == ((a, b) == (c, d))


@pytest.mark.parametrize(
    "wrong", ["", "telegram:", "telegram:0", "telegram:1:", "slack:1", "telegram:1:2:3", "telegram:1\n"]
)
def test_what_this_bridge_has_not_made_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="not a thread"):
        read(ThreadId(wrong))


def test_all_topics_of_a_chat_share_its_budget() -> None:
    one = list(PACE.budgets(Place(-1001, 2).thread, "edit"))
    other = list(PACE.budgets(Place(-1001).thread, "create"))
    assert one == other
    assert one[0] == BOT


def test_budgets_let_no_more_through_than_telegram_speaks_of() -> None:
    [_, group] = PACE.budgets(Place(-1001).thread, "edit")
    [_, private] = PACE.budgets(Place(501001).thread, "edit")
    assert (group.calls, group.seconds) < (20, 60.0)
    assert BOT.calls < 30 * BOT.seconds
    assert private.growth < 1
    assert group.growth < 20 / 60
