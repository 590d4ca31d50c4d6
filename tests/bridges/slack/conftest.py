"""A workspace on loopback, and the bridge to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from pydantic import SecretStr

from bridges.endpoints import Endpoints
from bridges.settings import SlackSettings
from bridges.slack import SlackBridge
from core.model import Message
from sandbox.slack import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, SlackServer


@pytest.fixture
async def slack() -> AsyncIterator[SlackServer]:
    async with SlackServer() as server:
        server.courier.retry_delays = (0.0, 0.05, 0.05)
        yield server


def settings(slack: SlackServer, **changes: object) -> SlackSettings:
    values: dict[str, object] = {
        "bot_token": SecretStr(BOT_TOKEN),
        "app_token": SecretStr(APP_TOKEN),
        "signing_secret": SecretStr(SIGNING_SECRET),
        "api_url": slack.api_url,
    }
    return SlackSettings.model_validate(values | changes)


@pytest.fixture
async def bridge(slack: SlackServer) -> AsyncIterator[SlackBridge]:
    """Answers grow by edits."""
    async with SlackBridge(settings(slack, streaming="off")) as one:
        yield one


@pytest.fixture
async def streaming(slack: SlackServer) -> AsyncIterator[SlackBridge]:
    """Answers grow as streams."""
    async with SlackBridge(settings(slack)) as one:
        yield one


@dataclass
class Heard:
    """What a bridge handed over; `accept` may be told to fail."""

    slack: SlackServer
    messages: list[Message] = field(default_factory=list)
    before: Callable[[Message], Awaitable[None]] | None = None

    async def accept(self, message: Message) -> None:
        if self.before is not None:
            await self.before(message)
        self.messages.append(message)

    async def all(self, events: int, given_up: int = 0) -> list[Message]:
        """Everything, once so many events have been acknowledged or given up."""

        def done() -> bool:
            kinds = [one.kind for one in self.slack.feed.past]
            return kinds.count("delivered") >= events and kinds.count("given_up") >= given_up

        await self.slack.feed.until(done)
        return self.messages


@asynccontextmanager
async def listening(bridge: SlackBridge, heard: Heard) -> AsyncIterator[asyncio.Task[None]]:
    """Ready when Slack has somewhere to deliver to."""
    task = asyncio.create_task(bridge.listen(heard.accept))
    try:
        await heard.slack.feed.until(lambda: task.done() or heard.slack.courier.sockets or heard.slack.events_url)
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def heard(slack: SlackServer, bridge: SlackBridge) -> AsyncIterator[Heard]:
    """The bridge listens over Socket Mode."""
    one = Heard(slack)
    async with listening(bridge, one):
        yield one


@pytest.fixture
def endpoints() -> Endpoints:
    return Endpoints()
