"""How long what people say stays on record: a sweep takes away what has been there for long enough, in small
transactions, so that nobody waits for it."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from sqlalchemy import ColumnElement, Delete, Update, delete, literal_column, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from core.database import transaction
from core.errors import DatabaseError
from core.observing import Ended, Happening
from core.settings import RetentionSection
from core.statements import REFUSAL, TURN, now

log = logging.getLogger(__name__)

SOME = 200
"""Rows of one transaction."""
EVERY = 60.0
"""Seconds between two sweeps."""
REFUSALS = timedelta(days=30)
"""How long it is remembered that a message was refused: no platform delivers one again after so long."""
_NOTHING: dict[str, object] = {
    "prompt": "",
    "reply": None,
    "author_name": "",
    "attachments": [],
    "offered": None,
    "erased": True,
}


class Retention:
    """Sweeps in one process; several do no harm."""

    def __init__(self, engine: AsyncEngine, settings: RetentionSection) -> None:
        self._engine = engine
        self._kept = settings.kept
        self._due = asyncio.Event()

    def observe(self, happening: Happening) -> None:
        """Where nothing is kept, a turn that ended is swept at once."""
        if isinstance(happening, Ended) and self._kept == timedelta():
            self._due.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`."""
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                self._due.clear()
                await self.attempt()
                due = asyncio.create_task(self._due.wait())
                await asyncio.wait({due, stopping}, timeout=EVERY, return_when=asyncio.FIRST_COMPLETED)
                due.cancel()
        finally:
            stopping.cancel()

    async def attempt(self) -> None:
        """Sweeps once; a database that cannot be used is asked again the next time."""
        try:
            await self.sweep()
        except DatabaseError as error:
            log.warning("What is kept no longer could not be taken away; tried again soon. (%s)", error.detail)

    async def sweep(self) -> None:
        """Takes away all that is due. Raises `DatabaseError`."""
        old = select(REFUSAL.c.id).where(REFUSAL.c.at < now() - REFUSALS).order_by(REFUSAL.c.id).limit(SOME)
        await self._in_small_steps(delete(REFUSAL).where(REFUSAL.c.id.in_(old)))
        if self._kept is not None:
            # written as the index has it, so that both databases see that it holds all that is asked for
            sqlite = self._engine.dialect.name == "sqlite"
            kept: ColumnElement[bool] = literal_column("erased = 0" if sqlite else "NOT erased")
            due = select(TURN.c.id).where(kept, TURN.c.ended_at <= now() - self._kept).order_by(TURN.c.ended_at)
            erasing = update(TURN).where(TURN.c.id.in_(due.limit(SOME)))
            await self._in_small_steps(erasing.values(**_NOTHING))

    async def _in_small_steps(self, statement: Delete | Update) -> None:
        while True:
            async with transaction(self._engine) as connection:
                changed = (await connection.execute(statement)).rowcount
            if changed < SOME:
                return
