"""Taking buttons away from replies that are not the newest of their thread any more.

Which reply has buttons is on record, with the text below which they are. So what a crash left is taken away after the
thread's next turn, and nothing piles up.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from core.bridge import Bridge, Offering
from core.controls import NONE
from core.database import transaction
from core.errors import DatabaseError, MessageMissing, PlatformError, PlatformRefused
from core.model import MessageId, ThreadId
from core.pace import Pacer
from core.statements import PART, TURN
from core.tables import Turn

log = logging.getLogger(__name__)

MOST = 3
"""Replies at a time. There is one, unless a crash or a change of the configuration left more."""


@dataclass(frozen=True, slots=True)
class Offered:
    """A finished reply with buttons."""

    turn: int
    key: str
    message: MessageId
    text: str


class Offers(Protocol):
    """What is on record of buttons. Raises `DatabaseError`."""

    async def before(self, turn: Turn) -> list[Offered]: ...

    async def withdrawn(self, turn: int) -> None: ...


class RecordedOffers:
    """Implements `Offers`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def before(self, turn: Turn) -> list[Offered]:
        """Those of the thread's earlier turns, the newest first."""
        every = PART.alias()
        last = select(func.max(every.c.position)).where(every.c.turn_id == TURN.c.id).scalar_subquery()
        offered = (
            select(TURN.c.id, TURN.c.offered, PART.c.key, PART.c.message)
            .select_from(TURN)
            .join(PART, (PART.c.turn_id == TURN.c.id) & (PART.c.position == last))
            .where(
                TURN.c.thread == turn.thread,
                TURN.c.offered.is_not(None),
                TURN.c.id < turn.id,
                PART.c.message.is_not(None),
            )
            .order_by(TURN.c.id.desc())
            .limit(MOST)
        )
        async with transaction(self._engine) as connection:
            return [
                Offered(id, key, MessageId(message), text)
                for id, text, key, message in await connection.execute(offered)
            ]

    async def withdrawn(self, turn: int) -> None:
        async with transaction(self._engine) as connection:
            await connection.execute(update(TURN).where(TURN.c.id == turn).values(offered=None))


async def withdraw(offers: Offers, bridge: Bridge, pacer: Pacer, turn: Turn) -> None:
    """Takes the buttons of earlier replies away, in the time that growing replies leave. Raises nothing: buttons that
    stay are taken away another time."""
    thread = ThreadId(turn.thread)
    try:
        for one in await offers.before(turn):
            surface = bridge.open(thread, one.key, one.message)
            if isinstance(surface, Offering):
                surface.offer(NONE)
                await pacer.ask(thread, "edit", urgent=False).granted()
                with suppress(MessageMissing, PlatformRefused):  # it is gone, or will never be taken
                    await surface.show(one.text, final=True)
            await offers.withdrawn(one.turn)
    except (PlatformError, DatabaseError) as error:
        log.info("buttons of an earlier reply stay for now (%r)", error)
