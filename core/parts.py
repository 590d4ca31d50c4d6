"""What is on record of the platform messages that a reply takes: intended before the platform is called, posted
afterwards (I4)."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from core.database import patient, transaction
from core.model import MessageId
from core.statements import PART, inserting, write
from core.tables import Part, State, Turn

_CHANGE = update(PART).where(PART.c.id == bindparam("part"))
_PARTS = select(PART).where(PART.c.turn_id == bindparam("turn")).order_by(PART.c.position)


class Parts:
    """Rows that it returns are detached copies."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        intending = inserting(engine.dialect.name)(PART)
        self._intend = intending.on_conflict_do_update(
            index_elements=["turn_id", "position"], set_={"key": intending.excluded.key}
        ).returning(PART.c.id)

    @patient
    async def of(self, turn: Turn) -> Sequence[Part]:
        """The platform messages of a turn's reply, in order."""
        async with transaction(self._engine) as connection:
            return [Part(**row._mapping) for row in await connection.execute(_PARTS, {"turn": turn.id})]

    @patient
    async def intend(self, turn: Turn, position: int) -> Part:
        """Records that a platform message is about to be created, under a new key. Raises `LeaseLost`."""
        part = Part(turn_id=turn.id or 0, position=position, key=secrets.token_hex(10))
        intended = {"turn_id": part.turn_id, "position": position, "key": part.key}
        async with transaction(self._engine) as connection:
            await write(connection, turn, state=State.RUNNING)
            part.id = (await connection.execute(self._intend, intended)).scalar_one()
        return part

    async def posted(self, turn: Turn, part: Part, message: MessageId) -> None:
        """Records the platform's id of a part. Raises `LeaseLost`."""
        await self._change(turn, part, message=message)

    async def renew(self, turn: Turn, part: Part) -> None:
        """A part whose message is gone gets a new key, to be posted again. Raises `LeaseLost`."""
        await self._change(turn, part, message=None, key=secrets.token_hex(10))

    @patient
    async def _change(self, turn: Turn, part: Part, **values: str | None) -> None:
        async with transaction(self._engine) as connection:
            await write(connection, turn, state=State.RUNNING)
            await connection.execute(_CHANGE, {"part": part.id, **values})
        for name, value in values.items():
            setattr(part, name, value)
