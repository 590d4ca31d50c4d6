"""What is no longer on record is not kept here either: when a turn was forgotten, or its time on record is over
(`core.retention`, `core.forgetting`), what was said and answered in it goes from the conversation too."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from sqlalchemy import delete, exists, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncEngine

from bridges.web.room import MESSAGE, THREAD
from core.database import transaction
from core.errors import DatabaseError
from core.statements import REFUSAL, TURN, now

log = logging.getLogger(__name__)

EVERY = 900.0
"""Seconds between two sweeps."""
FRESH = timedelta(hours=1)
"""What is younger may not be on record yet."""
SOME = 500
"""Messages that are looked at in one transaction, so that nobody waits for it."""

_ASKED = MESSAGE.alias()


async def keep_sweeping(engine: AsyncEngine) -> None:
    """Until cancelled. Several do no harm."""
    while True:
        try:
            await sweep(engine)
        except DatabaseError as error:
            log.warning("What is kept no longer could not be taken away; tried again later. (%s)", error.detail)
        await asyncio.sleep(EVERY)


async def sweep(engine: AsyncEngine) -> None:
    """Goes once through all conversations. Raises `DatabaseError`."""
    after = ("", "")
    while True:
        place = tuple_(MESSAGE.c.thread, MESSAGE.c.id)
        some = (
            select(MESSAGE.c.thread, MESSAGE.c.id)
            .where(place > after, MESSAGE.c.role == "user", MESSAGE.c.created_at < now() - FRESH)
            .order_by(MESSAGE.c.thread, MESSAGE.c.id)
            .limit(SOME)
        )
        async with transaction(engine) as connection:
            rows = (await connection.execute(some)).all()
            if rows:
                found = some.subquery()
                its = (TURN.c.thread == found.c.thread, TURN.c.message == found.c.id, ~TURN.c.erased)
                refused = (REFUSAL.c.thread == found.c.thread, REFUSAL.c.message == found.c.id)
                gone = select(found.c.thread, found.c.id).where(
                    ~exists().where(*its).correlate(found), ~exists().where(*refused).correlate(found)
                )
                for thread, message in (await connection.execute(gone)).all():
                    said = or_(MESSAGE.c.id == message, MESSAGE.c.reply_to == message)
                    await connection.execute(delete(MESSAGE).where(MESSAGE.c.thread == thread, said))
                    left = exists().where(_ASKED.c.thread == THREAD.c.thread)
                    await connection.execute(delete(THREAD).where(THREAD.c.thread == thread, ~left))
        if len(rows) < SOME:
            return
        after = (rows[-1].thread, rows[-1].id)
