"""What waits, counted in the database itself: it is the same whichever process is asked.

Whoever asks is never held up by a database that is slow: what is known is a few seconds old, and an answer that does
not come in time is left to the next who asks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from core.database import transaction
from core.errors import DatabaseError
from core.statements import TURN, is_open, now
from core.tables import State

FRESH = 3.0
"""Seconds for which an answer is good."""
PATIENCE = 2.0
"""Seconds that one who asks waits for it."""


def _when(condition: ColumnElement[bool], value: ColumnElement[datetime]) -> ColumnElement[datetime]:
    return case((condition, value))


_WAITING = TURN.c.state == State.WAITING
_THREADS = (
    select(
        TURN.c.bridge,
        func.count(case((_WAITING, 1))).label("waiting"),
        func.count(case((TURN.c.state == State.RUNNING, 1))).label("running"),
        func.min(_when(_WAITING, TURN.c.accepted_at)).label("oldest"),
    )
    .where(is_open())
    .group_by(TURN.c.bridge, TURN.c.thread)
    .subquery()
)
_BACKLOG = select(
    _THREADS.c.bridge,
    func.sum(_THREADS.c.waiting),
    func.sum(_THREADS.c.running),
    func.min(_THREADS.c.oldest),
    func.min(_when(_THREADS.c.running == 0, _THREADS.c.oldest)),
).group_by(_THREADS.c.bridge)


@dataclass(frozen=True, slots=True)
class Open:
    """The open turns of one platform."""

    waiting: int = 0
    running: int = 0
    oldest: float = 0.0
    """Seconds that the oldest waiting one has waited; 0: none waits."""
    unattended: float = 0.0
    """The same of those whose thread nobody is at: none of it is being answered."""


NOTHING = Open()


class Backlog:
    """Asks at most every `FRESH` seconds, however often it is asked."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._known: Mapping[str, Open] = {}
        self._known_at = float("-inf")
        self._asking: asyncio.Task[None] | None = None

    async def open_turns(self) -> Mapping[str, Open]:
        """By platform; those that have none are left out. Raises `DatabaseError`, also when the answer takes too
        long."""
        if monotonic() - self._known_at > FRESH:
            if self._asking is None or self._asking.done():
                self._asking = asyncio.create_task(self._ask())
                # of one that nobody waits for any more, nobody wants to hear
                self._asking.add_done_callback(lambda task: task.cancelled() or task.exception())
            asking = self._asking
            await asyncio.wait({asking}, timeout=PATIENCE)
            if not asking.done():
                raise DatabaseError(f"The database has not answered within {PATIENCE:.0f} s.")
            asking.result()
        return self._known

    async def aclose(self) -> None:
        """Asks no more."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    async def _ask(self) -> None:
        moment = now()
        async with transaction(self._engine) as connection:
            rows = (await connection.execute(_BACKLOG)).all()

        def age(since: datetime | None) -> float:
            return max(0.0, (moment - since).total_seconds()) if since is not None else 0.0

        self._known = {
            platform: Open(int(waiting), int(running), age(oldest), age(unattended))
            for platform, waiting, running, oldest, unattended in rows
        }
        self._known_at = monotonic()
