"""What the record has forgotten is not kept by the web bridge either."""

from __future__ import annotations

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from bridges.web import sweeping
from bridges.web.room import MESSAGE
from core.forgetting import forget_person, forget_thread
from core.model import MessageId, ThreadId
from core.retention import Retention
from core.settings import RetentionSection
from core.statements import now
from core.store import Store
from core.tables import State
from tests.bridges.web.conftest import Web


@pytest.fixture(autouse=True)
def _few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "SOME", 2)


@pytest.fixture
async def answered(web: Web, store: Store, engine: AsyncEngine) -> Web:
    """Two conversations: in one Ann and Bea have said something, in the other Ann; all of it was answered, in two
    messages each, and some hours ago."""
    for number, (thread, user) in enumerate((("tides", "ann"), ("tides", "bea"), ("reefs", "ann"))):
        await web.say(thread, id=f"q{number}", text=f"question {number}", user=user)
        message = web.heard[-1]
        await store.record("web", message)
        turn = await store.claim(message.thread)
        assert turn is not None
        for part, reply_to in enumerate((MessageId(f"q{number}"), None)):
            surface = web.bridge.open(ThreadId(message.thread), f"k{number}{part}", reply_to=reply_to)
            await surface.show(f"answer {number}", final=True)
        await store.close(turn, State.ANSWERED, reply="answer")
    await web.say("reefs", id="q9", text="not on record yet")
    async with engine.begin() as connection:
        old = now() - 2 * sweeping.FRESH
        await connection.execute(update(MESSAGE).where(MESSAGE.c.id != "q9").values(created_at=old))
    return web


async def kept(web: Web) -> dict[str, list[str]]:
    _, listed = await web.get("threads")
    found: dict[str, list[str]] = {}
    for thread in sorted(one["id"] for one in listed["threads"]):
        _, history = await web.get(f"threads/{thread}/messages")
        found[thread] = [one["id"] for one in history["messages"]]
    return found


ALL = {"reefs": ["q2", "k20", "k21", "q9"], "tides": ["q0", "k00", "k01", "q1", "k10", "k11"]}


async def test_what_is_on_record_stays(answered: Web, engine: AsyncEngine) -> None:
    await sweeping.sweep(engine)
    assert await kept(answered) == ALL


async def test_a_person_who_is_forgotten_is_forgotten_here_too(answered: Web, engine: AsyncEngine) -> None:
    await forget_person(engine, "ann/ann")
    await sweeping.sweep(engine)
    assert await kept(answered) == {"reefs": ["q9"], "tides": ["q1", "k10", "k11"]}


async def test_so_is_a_conversation(answered: Web, engine: AsyncEngine) -> None:
    await forget_thread(engine, "web:ann:tides")
    await sweeping.sweep(engine)
    assert await kept(answered) == {"reefs": ALL["reefs"]}


async def test_what_is_kept_no_longer_goes(answered: Web, engine: AsyncEngine) -> None:
    await Retention(engine, RetentionSection(text="none")).sweep()
    await sweeping.sweep(engine)
    assert await kept(answered) == {"reefs": ["q9"]}
