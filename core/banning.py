"""People who are not answered any more. The record is asked with every message, so that a ban works at once in every
process; what a banned person says is recorded as refused, and nothing is said to them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from core.database import transaction
from core.statements import BANNED, TURN, inserting, is_open, now
from core.tables import Banned

_IS_BANNED = select(BANNED.c.at).where(BANNED.c.bridge == bindparam("of"), BANNED.c.author == bindparam("whom"))


async def is_banned(connection: AsyncConnection, bridge: str, author: str) -> bool:
    return (await connection.execute(_IS_BANNED, {"of": bridge, "whom": author})).first() is not None


class Bans:
    """Who is banned. Every method is one transaction; all raise `DatabaseError`. Each may be done twice."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def ban(self, bridge: str, author: str) -> Sequence[int]:
        """Gives the open turns of this person, which are marked as not wanted any more."""
        name = select(TURN.c.author_name).where(TURN.c.bridge == bridge, TURN.c.author == author)
        theirs = update(TURN).where(TURN.c.bridge == bridge, TURN.c.author == author, is_open())
        async with transaction(self._engine) as connection:
            known = (await connection.execute(name.order_by(TURN.c.id.desc()).limit(1))).scalar()
            row = Banned(bridge=bridge, author=author, author_name=known or "", at=now())
            insert = inserting(connection.dialect.name)(BANNED).on_conflict_do_nothing()
            await connection.execute(insert, row.model_dump())
            stopped = await connection.execute(theirs.values(stop_requested=True).returning(TURN.c.id))
            return list(stopped.scalars())

    async def lift(self, bridge: str, author: str) -> bool:
        """Was this person banned?"""
        lifted = delete(BANNED).where(BANNED.c.bridge == bridge, BANNED.c.author == author)
        async with transaction(self._engine) as connection:
            return (await connection.execute(lifted)).rowcount == 1

    async def banned(self) -> Sequence[Banned]:
        people = select(BANNED).order_by(BANNED.c.at.desc())
        async with transaction(self._engine) as connection:
            return [Banned(**row._mapping) for row in await connection.execute(people)]
