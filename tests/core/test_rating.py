"""What people think of answers reaches the upstream that takes it, once it can be reached."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import SecretStr
from sqlalchemy import URL, update

from core.database import opened, transaction
from core.errors import PromptRejected, UpstreamBusy, UpstreamError, UpstreamUnavailable
from core.model import Done, Text
from core.rating import Ratings
from core.settings import GptBots
from core.statements import TURN, now
from core.upstream.build import build
from sandbox.faults import Fault
from sandbox.upstream import UpstreamServer
from tests.core.conftest import Start
from tests.core.test_buttons import press
from tests.fakes import FakeUpstream

ANSWER = (Text("Hello Ann."), Done(answer_id="a-1"))


class Rated(FakeUpstream):
    """Takes ratings. `failures` are raised by the first calls."""

    def __init__(self, *failures: UpstreamError, answer: tuple[Text, Done] = ANSWER) -> None:
        super().__init__(answer)
        self.failures = list(failures)
        self.told: list[tuple[str, int]] = []

    async def rate(self, answer_id: str, rating: int) -> None:
        self.told.append((answer_id, rating))
        if self.failures:
            raise self.failures.pop(0)


async def told(start: Start, url: URL, upstream: FakeUpstream, *presses: str, looks: int = 2) -> None:
    """An answer is rated, and then there are so many looks at what is due."""
    async with start(upstream) as run:
        await run.say()
        await run.settled()
        for one in presses:
            await run.relay.accept(press(one, 1))
        async with opened(url) as engine:
            for _ in range(looks):
                await Ratings(engine, {upstream.name: upstream}).tell()


async def test_a_rating_is_told_once(start: Start, url: URL) -> None:
    upstream = Rated()
    await told(start, url, upstream, "good", looks=3)
    assert upstream.told == [("a-1", 1)]


async def test_who_thinks_otherwise_later_is_told_too(start: Start, url: URL) -> None:
    upstream = Rated()
    await told(start, url, upstream, "good", looks=1)
    async with start(upstream) as run:
        await run.relay.accept(press("bad", 1))
    async with opened(url) as engine:
        await Ratings(engine, {"main": upstream}).tell()
    assert upstream.told == [("a-1", 1), ("a-1", -1)]


@pytest.mark.parametrize("failure", [UpstreamUnavailable(), UpstreamBusy()])
async def test_what_could_not_be_told_is_told_later(start: Start, url: URL, failure: UpstreamError) -> None:
    upstream = Rated(failure)
    await told(start, url, upstream, "bad", looks=3)
    assert upstream.told == [("a-1", -1)] * 2


async def test_but_not_for_ever(start: Start, url: URL) -> None:
    upstream = Rated(*[UpstreamUnavailable()] * 9)
    await told(start, url, upstream, "bad", looks=1)
    async with opened(url) as engine:
        async with transaction(engine) as connection:
            await connection.execute(update(TURN).values(ended_at=now() - timedelta(days=2)))
        for _ in range(3):
            await Ratings(engine, {"main": upstream}).tell()
    assert len(upstream.told) == 2


async def test_what_is_refused_is_not_told_again(start: Start, url: URL) -> None:
    upstream = Rated(PromptRejected())
    await told(start, url, upstream, "good", looks=3)
    assert len(upstream.told) == 1


async def test_a_fault_of_an_adapter_ends_nothing(start: Start, url: URL, caplog: pytest.LogCaptureFixture) -> None:
    upstream = Rated(KeyError("inside"))  # type: ignore[arg-type]  # no error of ours
    await told(start, url, upstream, "good", looks=3)
    assert len(upstream.told) == 1
    assert "the adapter of main failed" in caplog.text


async def test_an_answer_without_a_name_is_not_spoken_of(start: Start, url: URL) -> None:
    upstream = Rated(answer=(Text("Hello Ann."), Done()))
    await told(start, url, upstream, "good")
    assert upstream.told == []


async def test_an_upstream_that_takes_none_is_left_alone(start: Start, url: URL) -> None:
    await told(start, url, FakeUpstream(ANSWER), "good")


@pytest.mark.parametrize("mode", ["streaming", "blocking"])
async def test_gptbots_is_told_over_its_own_api(start: Start, url: URL, mode: str) -> None:
    async with UpstreamServer() as server:
        server.speed = 0
        section = GptBots.model_validate(
            {
                "kind": "gptbots",
                "base_url": server.base_url("gptbots"),
                "api_key": SecretStr("sandbox-key"),
                "response_mode": mode,
                "retries": 0,
            }
        )
        server.faults.add(Fault("gptbots.feedback", "status", status=503))
        async with build("main", section) as upstream:
            await told(start, url, upstream, "good", looks=2)  # type: ignore[arg-type]  # the real one
        [conversation] = server.conversations
        assert server.gptbots.feedback == {conversation.messages[-1].id: "POSITIVE"}
