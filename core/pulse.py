"""What a worker asks of the database at regular intervals, on a connection of its own."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import bindparam, func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from core.database import transaction
from core.model import ThreadId
from core.queue import JobQueue
from core.statements import TURN
from core.tables import OPEN, State

MOST_AT_ONCE = 500
"""Threads that get a job in one round."""

_BEAT = text("UPDATE procrastinate_workers SET last_heartbeat = clock_timestamp() WHERE id = :worker")
_WORKERS = text(
    "SELECT count(*) FROM procrastinate_workers "
    "WHERE last_heartbeat > clock_timestamp() - make_interval(secs => :stalled_after)"
)
_STOPPED = select(TURN.c.id).where(TURN.c.stop_requested, TURN.c.state == State.RUNNING)
_NO_JOB = text("NOT EXISTS (SELECT 1 FROM procrastinate_jobs WHERE lock = turn.thread AND status IN ('todo', 'doing'))")
_UNATTENDED = (
    select(TURN.c.thread)
    .where(TURN.c.state.in_(OPEN), TURN.c.bridge.in_(bindparam("bridges", expanding=True)), _NO_JOB)
    .group_by(TURN.c.thread)
    .order_by(func.min(TURN.c.id))
    .limit(MOST_AT_ONCE)
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a heartbeat learns."""

    known: bool
    """Is the worker still on the list? Whoever is not is taken for dead."""
    workers: int
    """How many are alive."""
    stopped: frozenset[int]
    """The turns, of whatever worker, that a person does not want any more."""


class Pulse:
    """Raises `DatabaseError` only."""

    def __init__(self, engine: AsyncEngine, queue: JobQueue) -> None:
        self._engine = engine
        self._queue = queue

    async def beat(self, worker: int, stalled_after: float) -> Seen:
        async with transaction(self._engine) as connection:
            known = (await connection.execute(_BEAT, {"worker": worker})).rowcount == 1
            workers = (await connection.execute(_WORKERS, {"stalled_after": stalled_after})).scalar_one()
            stopped = frozenset((await connection.execute(_STOPPED)).scalars())
        return Seen(known, workers, stopped)

    async def enlist_unattended(self, bridges: Collection[str]) -> None:
        """Gives a job to every thread of these bridges that has open turns and none: what a crash left between two
        steps, and what was left by a worker that is gone. Those that wait longest come first."""
        async with transaction(self._engine) as connection:
            threads = list((await connection.execute(_UNATTENDED, {"bridges": list(bridges)})).scalars())
        for thread in threads:
            async with transaction(self._engine) as connection:
                await self._queue.enlist(connection, ThreadId(thread))
