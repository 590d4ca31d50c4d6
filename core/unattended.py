"""Threads that have open turns and no job: what a crash left between two steps, and what a worker that is gone had."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import bindparam, func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from core.database import transaction
from core.model import ThreadId
from core.queue import JobQueue
from core.statements import TURN, is_open

MOST_AT_ONCE = 500
"""Threads that get a job in one round."""

_NO_JOB = text("NOT EXISTS (SELECT 1 FROM procrastinate_jobs WHERE lock = turn.thread AND status IN ('todo', 'doing'))")
_UNATTENDED = (
    select(TURN.c.thread)
    .where(is_open(), TURN.c.bridge.in_(bindparam("bridges", expanding=True)), _NO_JOB)
    .group_by(TURN.c.thread)
    .order_by(func.min(TURN.c.id))
    .limit(MOST_AT_ONCE)
)


async def enlist_unattended(engine: AsyncEngine, queue: JobQueue, bridges: Collection[str]) -> None:
    """Gives each thread of these bridges its job, those that wait longest first. Raises `DatabaseError`."""
    async with transaction(engine) as connection:
        threads = list((await connection.execute(_UNATTENDED, {"bridges": list(bridges)})).scalars())
    for thread in threads:
        async with transaction(engine) as connection:
            await queue.enlist(connection, ThreadId(thread))
