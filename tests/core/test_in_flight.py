"""In a conversation of an upstream, one request is in flight at a time, whoever asks, and until it is closed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from core.model import Done, Event, Opened, Prompt, Text, ThreadId
from tests.core.conftest import Harness, Start
from tests.fakes import FakeBridge, FakeUpstream
from tests.messages import THREAD

OTHER, THIRD = ThreadId("fake:harbour:2"), ThreadId("fake:harbour:3")


class Shared(FakeUpstream):
    """Has one conversation for everybody but those who say "apart"; "long" is answered when told, and takes its time
    to be closed."""

    def __init__(self) -> None:
        super().__init__(())
        self.go_on, self.closed = asyncio.Event(), asyncio.Event()

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Event, None]:
        self.prompts.append(prompt)
        yield Opened("c-apart" if prompt.text == "apart" else "c-1")
        try:
            yield Text(f"to {prompt.text}")
            if prompt.text == "long":
                await self.go_on.wait()
            yield Done()
        finally:
            if prompt.text == "long":
                await self.closed.wait()

    @property
    def asked_for(self) -> list[str]:
        return [prompt.text for prompt in self.prompts]


async def answered_meanwhile(run: Harness) -> None:
    """Somebody who came later, with a conversation of their own, is answered: nobody else waited for that long but by
    intention."""
    await run.say("apart", thread=THIRD)
    await run.bridge.until(lambda: "to apart" in run.bridge.texts(THIRD) and run.relay.busy == 2)


async def test_two_threads_of_one_conversation_take_turns(start: Start) -> None:
    upstream = Shared()
    async with start(upstream) as run:
        for thread in (THREAD, OTHER):
            await run.say("hello", thread=thread)
            await run.settled()
        await run.say("long", thread=THREAD)
        await run.bridge.until(lambda: "to long" in run.bridge.texts())
        await run.say("after", thread=OTHER)
        await answered_meanwhile(run)
        assert upstream.asked_for == ["hello", "hello", "long", "apart"]
        upstream.go_on.set()
        upstream.closed.set()
        await run.settled()
    assert upstream.asked_for[4:] == ["after"]


async def test_a_conversation_that_is_just_being_opened_counts_too(start: Start) -> None:
    upstream = Shared()
    async with start(upstream) as run:
        await run.say("hello", thread=OTHER)
        await run.settled()
        await run.say("long", thread=THREAD)
        await run.bridge.until(lambda: "to long" in run.bridge.texts())
        await run.say("after", thread=OTHER)
        await answered_meanwhile(run)
        assert "after" not in upstream.asked_for
        upstream.go_on.set()
        upstream.closed.set()
        await run.settled()


@pytest.mark.parametrize("thread", [THREAD, OTHER])
async def test_after_a_stop_the_next_is_asked_when_the_one_before_is_closed(start: Start, thread: ThreadId) -> None:
    upstream, bridge = Shared(), FakeBridge()
    async with start(upstream, bridge) as run:
        for one in (THREAD, OTHER):
            await run.say("hello", thread=one)
            await run.settled()
        await run.say("long", thread=THREAD)
        await bridge.until(lambda: "to long" in bridge.texts())
        await run.say("after", thread=thread)
        await run.say("", command="stop", thread=THREAD)
        await run.say("apart", thread=THIRD)
        await bridge.until(lambda: "to apart" in bridge.texts(THIRD))
        assert "after" not in upstream.asked_for
        upstream.closed.set()
        await run.settled()
    assert "to after" in bridge.texts(thread)
