"""A stand-in for Discord and a bridge that is connected to it, with what it hears."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Any, Literal, Protocol

import pytest

from bridges.discord import DiscordBridge, shards
from bridges.settings import DiscordSettings
from core.bridge import Recent
from core.errors import DatabaseError
from core.model import Message
from sandbox.discord import TOKEN, DiscordServer
from sandbox.feed import Feed


def settings(server: DiscordServer, **changes: Any) -> DiscordSettings:
    values = {"token": TOKEN, "api_url": server.api_url, "gateway_url": server.gateway_url, **changes}
    return DiscordSettings(**values)


class Ear:
    """Takes what a bridge hands over, and records it once, as the relay does. `failing`: how many of the next messages
    cannot be recorded."""

    def __init__(self, bridge: DiscordBridge, server: DiscordServer, record: Sequence[Message] = ()) -> None:
        """`record`: what was recorded in an earlier run."""
        self.bridge = bridge
        self.server = server
        self.came: list[Message] = []
        """All that was handed over, also again."""
        self.record = list(record)
        self.heard: list[Message] = []
        """What was recorded in this run."""
        self.within = timedelta(minutes=15)
        self.failing = 0
        self.forgetful = 0
        """How often the database cannot be asked for what is recorded."""
        self.gate: asyncio.Event | None = None
        """While it is set and unset inside, nothing gets recorded."""
        self._feed = Feed("bridge")

    async def accept(self, message: Message) -> None:
        if self.gate is not None:
            self._feed.publish("waiting", id=message.id)
            await self.gate.wait()
        if self.failing:
            self.failing -= 1
            self._feed.publish("failed", id=message.id)
            raise DatabaseError("The database is locked.")
        self.came.append(message)
        if not any((one.thread, one.id) == (message.thread, message.id) for one in self.record):
            self.record.append(message)
            self.heard.append(message)
        self._feed.publish("heard", id=message.id)

    async def recollect(self) -> Recent:
        if self.forgetful:
            self.forgetful -= 1
            raise DatabaseError("The database is locked.")
        threads = dict.fromkeys(one.thread for one in reversed(self.record))
        return Recent(self.within, tuple(threads), frozenset(one.id for one in self.record))

    async def until(self, kind: str, message: str) -> None:
        """Until this message was `heard`, `failed` or is `waiting`."""
        await self._feed.until(lambda: any(h.kind == kind and h.data["id"] == message for h in self._feed.past))

    async def hears(self, message: str) -> Message:
        await self.until("heard", message)
        return next(one for one in self.heard if one.id == message)

    @property
    def ids(self) -> list[str]:
        return [one.id for one in self.heard]


class Connect(Protocol):
    def __call__(
        self,
        record: Sequence[Message] = (),
        *,
        answer_in: Literal["channel", "thread"] = "channel",
        roles: bool = False,
        **changes: Any,
    ) -> AbstractAsyncContextManager[Ear]: ...


@pytest.fixture(autouse=True)
def _sessions_begin_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "IDENTIFY_SECONDS", 0.0)


@pytest.fixture
async def server() -> AsyncIterator[DiscordServer]:
    async with DiscordServer() as server:
        yield server


@pytest.fixture
async def bridge(server: DiscordServer) -> AsyncIterator[DiscordBridge]:
    """Logged in, and not listening."""
    async with DiscordBridge(settings(server)) as bridge:
        yield bridge


@pytest.fixture
def connect(server: DiscordServer) -> Connect:
    """A bridge that listens as long as the block runs. `changes` are to attributes of its `Ear`."""

    @asynccontextmanager
    async def connect(
        record: Sequence[Message] = (),
        *,
        answer_in: Literal["channel", "thread"] = "channel",
        roles: bool = False,
        **changes: Any,
    ) -> AsyncIterator[Ear]:
        chosen = settings(server, answer_in=answer_in)
        async with DiscordBridge(chosen, roles=roles, recording_delays=(0.01, 0.01)) as bridge:
            ear = Ear(bridge, server, record)
            for name, value in changes.items():
                setattr(ear, name, value)
            listening = asyncio.create_task(bridge.listen(ear.accept, ear.recollect))
            before = server.gateway.connected
            await server.feed.until(lambda: server.gateway.connected > before or listening.done())
            try:
                yield ear
            finally:
                listening.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await listening

    return connect


@pytest.fixture
async def ear(connect: Connect) -> AsyncIterator[Ear]:
    async with connect() as ear:
        yield ear
