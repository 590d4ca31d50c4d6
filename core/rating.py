"""What people think of answers, passed on to the upstreams that take it.

A press is recorded by whoever listens, and told by a process that has the upstreams: beside the turns, a little later,
and again if it failed. Several processes may tell the same, which does no harm.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, literal_column, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from core.database import transaction
from core.errors import DatabaseError, UpstreamBusy, UpstreamError, UpstreamUnavailable
from core.statements import TURN, is_open, now
from core.upstream import TakesRatings, Upstream

log = logging.getLogger(__name__)

EVERY = 10.0
"""Seconds between two looks."""
SOME = 50
"""Ratings of one look."""
WITHIN = timedelta(days=1)
"""Since the answer's end; a rating that could not be told until then never is."""


@dataclass(frozen=True, slots=True)
class Rated:
    turn: int
    upstream: str | None
    answer_id: str | None
    rating: int
    late: bool


class Ratings:
    def __init__(self, engine: AsyncEngine, upstreams: Mapping[str, Upstream]) -> None:
        self._engine = engine
        self._upstreams = upstreams

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`."""
        while not stop.is_set():
            try:
                await self.tell()
            except DatabaseError as error:
                log.warning("Ratings could not be passed on; tried again soon. (%s)", error.detail)
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY):
                    await stop.wait()

    async def tell(self) -> None:
        """Tells what is due, once. Raises `DatabaseError`."""
        for one in await self._due():
            if await self._told(one):
                # unless it was changed meanwhile: then that is due
                done = update(TURN).where(TURN.c.id == one.turn, TURN.c.rating == one.rating).values(rating_due=False)
                async with transaction(self._engine) as connection:
                    await connection.execute(done)

    async def _due(self) -> list[Rated]:
        # written as the index has it, so that both databases see that it holds all that is asked for
        due: ColumnElement[bool] = literal_column(
            "rating_due = 1" if self._engine.dialect.name == "sqlite" else "rating_due"
        )
        found = (
            select(TURN.c.id, TURN.c.upstream, TURN.c.answer_id, TURN.c.rating, TURN.c.ended_at < now() - WITHIN)
            .where(due, ~is_open())
            .order_by(TURN.c.id)
            .limit(SOME)
        )
        async with transaction(self._engine) as connection:
            return [Rated(*row) for row in await connection.execute(found)]

    async def _told(self, one: Rated) -> bool:
        """True also for what is not to be tried again."""
        upstream = self._upstreams.get(one.upstream or "")
        if not isinstance(upstream, TakesRatings) or not one.answer_id:
            return True
        try:
            await upstream.rate(one.answer_id, one.rating)
        except (UpstreamUnavailable, UpstreamBusy) as error:
            log.info("%s was not told of a rating: %s", one.upstream, error.detail)
            return one.late
        except UpstreamError as error:
            log.warning("%s does not take a rating: %s", one.upstream, error.detail)
        except Exception:  # a fault of its adapter must not end the program
            log.exception("the adapter of %s failed", one.upstream)
        return True
