"""The relay with a platform and an upstream in memory, on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import URL, select, text
from sqlmodel import SQLModel

from core.database import opened
from core.enclosing import Sender
from core.model import Message
from core.observing import Observe, unobserved
from core.settings import Access, Overlapping, Relaying
from core.store import Store
from core.tables import OPEN, Turn
from core.upstream import Upstream
from tests.fakes import FakeBridge
from tests.local import LocalRelay
from tests.messages import message


@dataclass
class Harness:
    """One run of the relay."""

    relay: LocalRelay
    store: Store
    bridge: FakeBridge
    upstream: Any
    """As it was given."""

    async def say(self, text: str = "Hello", **changed: Any) -> Message:
        one = message(text, **changed)
        await self.relay.accept(one)
        return one

    async def settled(self) -> list[Turn]:
        """Waits until no turn is open, and gives all turns."""
        await self.relay.idle()
        turns = await turns_of(self.store)
        assert not [turn for turn in turns if turn.state in OPEN]
        return turns


async def turns_of(store: Store) -> list[Turn]:
    async with store._transaction() as connection:
        rows = await connection.execute(select(SQLModel.metadata.tables["turn"]).order_by(text("id")))
        return [Turn(**row._mapping) for row in rows]


Start = Callable[..., Any]


@pytest.fixture
def start(url: URL) -> Start:
    """Starts a relay on the test's database; leaving the block stops it."""

    @asynccontextmanager
    async def begin(
        upstream: Upstream,
        bridge: FakeBridge | None = None,
        *,
        access: Access | None = None,
        overlapping: Overlapping | None = None,
        backups: tuple[Upstream, ...] = (),
        announce_backup: bool = False,
        sender: Sender | None = None,
        drain_within: float = 20.0,
        recover_within: float = 900.0,
        observe: Observe = unobserved,
    ) -> AsyncIterator[Harness]:
        bridge = bridge or FakeBridge()
        async with opened(url) as engine:
            store = Store(engine)
            settings = Relaying(drain_within=drain_within, recover_within=recover_within)
            relay = LocalRelay(
                store,
                bridge,
                upstream,
                *backups,
                access=access,
                settings=settings,
                overlapping=overlapping,
                announce_backup=announce_backup,
                sender=sender,
                observe=observe,
            )
            await relay.recover()
            try:
                yield Harness(relay, store, bridge, upstream)
            finally:
                await relay.stop(drain_within)

    return begin
