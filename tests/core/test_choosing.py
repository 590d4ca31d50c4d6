"""Several assistants in one place: a person chooses one for a thread, and it is told what was said before."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import URL

from core.answering import Assistant
from core.database import opened
from core.model import Done, Exchange, Message, Opened, Text, ThreadId
from core.relay import Relay, Route
from core.settings import Relaying
from core.store import Store
from tests.fakes import FakeBridge, FakeUpstream
from tests.messages import message

OTHER = ThreadId("fake:elsewhere")


class Run:
    def __init__(self, store: Store) -> None:
        self.store, self.bridge = store, FakeBridge(limit=2_000)
        self.upstreams = {name: self._upstream(name) for name in ("Main", "Second", "Sea")}
        chains = {name: (Assistant(one, 20, 48_000),) for name, one in self.upstreams.items()}
        route = Route(self.bridge, chains["Main"], choices=chains)
        self.relay = Relay(store, {"fake": route}, Relaying())

    def _upstream(self, name: str) -> FakeUpstream:
        return FakeUpstream([Opened(f"c-{name}"), Text(f"from {name}"), Done()], name=name)

    async def say(self, text: str, **changed: object) -> str:
        one: Message = message(text, **changed)
        await self.store.record("fake", one)
        await self.relay.drain(one.thread)
        return self.bridge.texts(one.thread)[-1]


@pytest.fixture
async def run(url: URL) -> AsyncIterator[Run]:
    @asynccontextmanager
    async def begun() -> AsyncIterator[Run]:
        async with opened(url) as engine:
            yield Run(Store(engine))

    async with begun() as found:
        yield found


async def test_what_is_chosen_answers_from_then_on_in_that_thread_alone(run: Run) -> None:
    assert await run.say("one") == "from Main"
    assert "**Second** answers here" in await run.say("second", command="use")
    assert await run.say("two") == "from Second"
    assert run.upstreams["Second"].prompts[0].history == (Exchange("one", "from Main"),)
    assert await run.say("elsewhere", thread=OTHER) == "from Main"
    await run.say("MAIN", command="use")
    assert await run.say("three") == "from Main"
    back = run.upstreams["Main"].prompts[-1]
    assert (back.conversation_id, back.history) == ("c-Main", (Exchange("two", "from Second"),))


@pytest.mark.parametrize("name", ["", "s", "nobody"])
async def test_a_name_that_tells_nobody_apart_changes_nothing(run: Run, name: str) -> None:
    said = await run.say(name, command="use")
    assert all(one in said for one in ("**Main** (now)", "**Second**", "**Sea**"))
    assert await run.say("one") == "from Main"


async def test_the_beginning_of_a_name_is_enough(run: Run) -> None:
    await run.say("sec", command="use")
    assert await run.say("one") == "from Second"


async def test_status_says_who_is_asked_and_how_full_it_is(run: Run) -> None:
    await run.say("one")
    said = await run.say("", command="status")
    assert "**Main**" in said
    assert "It holds one answer." in said
    assert "**Second**" in said
