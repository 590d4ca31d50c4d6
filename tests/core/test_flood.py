"""One person floods, others ask: `FLOOD=10000` in the environment makes it a real one."""

from __future__ import annotations

import asyncio
import os
import tracemalloc
from functools import partial

import pytest
from sqlalchemy import URL

from core.database import opened
from core.model import Done, ThreadId
from core.model import Text as Said
from core.pace import Pacer
from core.settings import Access
from core.store import Store
from core.tables import State
from core.waiting import WaitingSigns
from tests.core.conftest import Start, turns_of
from tests.fakes import FakeBridge, FakeUpstream, SigningBridge
from tests.local import LocalRelay
from tests.messages import message

FLOOD = int(os.environ.get("FLOOD", "500"))
OTHERS = FLOOD // 50


@pytest.mark.timeout(60 + FLOOD / 10)
async def test_a_flood_of_one_person_stands_in_nobody_elses_way(start: Start) -> None:
    """Everything comes at the same moment. None of the others waits for more of the flood than they are themselves, the
    flood gets its ten answers and one note, and once it has passed, more of it leaves nothing in memory."""
    upstream = FakeUpstream((Said("Hello."), Done()))
    recorded: list[str] = []
    async with start(upstream, FakeBridge(), access=Access(policy="open", turns_per_minute=10)) as run:

        async def say(author: str) -> None:
            await run.relay.accept(message("Hi", author=author, thread=ThreadId(f"fake:{author}")))
            recorded.append(author)

        flood = [asyncio.create_task(say("flood")) for _ in range(FLOOD)]
        others = [asyncio.create_task(say(f"other {number}")) for number in range(OTHERS)]
        await asyncio.gather(*others)
        assert recorded.count("flood") <= 2 * OTHERS
        await asyncio.gather(*flood)
        tracemalloc.start()
        for _ in range(FLOOD // 10):
            await say("flood")
        grown, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        await run.settled()
        turns = await turns_of(run.store)
    assert grown < 500_000
    assert len(recorded) == FLOOD + FLOOD // 10 + OTHERS
    flooded = [turn.command for turn in turns if turn.author == "flood"]
    assert (flooded.count(""), flooded.count("refused")) == (10, 1)
    assert len(upstream.prompts) == 10 + OTHERS
    assert sum(text == "Hello." for text in run.bridge.texts()) == 10 + OTHERS
    assert len(run.bridge.texts()) == 11 + OTHERS


@pytest.mark.timeout(60 + FLOOD / 10)
async def test_what_waits_of_a_flood_is_in_nobodys_way_and_none_of_it_is_lost(url: URL) -> None:
    """Without any limit: all of it is accepted, and waits behind an answer that does not end. Others are answered
    meanwhile, and more that waits leaves nothing in memory. Then all of it is answered."""
    count, end = FLOOD // 10, asyncio.Event()
    upstream = FakeUpstream((Said("Hello."), end, Done()), (Said("Hello."), Done()))
    bridge = SigningBridge()
    async with opened(url) as engine:
        signs = WaitingSigns(engine, {"fake": bridge}, {"fake": Pacer(bridge.pace)}, ("fake",))
        relay = LocalRelay(Store(engine), bridge, upstream, observe=signs.observe)

        async def flood(count: int) -> None:
            await asyncio.gather(*(relay.accept(message("Hi", author="flood")) for _ in range(count)))

        def answered(thread: ThreadId) -> bool:
            return "Hello." in bridge.texts(thread)

        async with signs.showing():
            await flood(1)
            await bridge.until(lambda: upstream.prompts)
            await flood(count)
            for number in range(5):
                other = ThreadId(f"fake:other {number}")
                await relay.accept(message("Hi", author=other, thread=other))
                await bridge.until(partial(answered, other))
            tracemalloc.start()
            await flood(count)
            grown, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            end.set()
            await relay.idle()
        await relay.stop()
        turns = await turns_of(Store(engine))
    assert grown < 500_000
    assert [turn.state for turn in turns] == [State.ANSWERED] * (1 + 2 * count + 5)
