"""What is on record of the files of a reply, so that no runner posts again what another has posted."""

from __future__ import annotations

import secrets

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from core.database import patient, transaction
from core.model import MessageId
from core.statements import ENCLOSURE, inserting, write
from core.tables import Enclosure, State, Turn


class Enclosures:
    """Rows that it returns are detached copies."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._intend = inserting(engine.dialect.name)(ENCLOSURE).on_conflict_do_nothing(
            index_elements=["turn_id", "position"]
        )

    @patient
    async def intend(self, turn: Turn, position: int) -> Enclosure:
        """Records that a file is about to be posted, or gives what an earlier runner recorded of it. Raises
        `LeaseLost`."""
        intended = {"turn_id": turn.id, "position": position, "key": secrets.token_hex(10)}
        of_turn = select(ENCLOSURE).where(ENCLOSURE.c.turn_id == turn.id, ENCLOSURE.c.position == position)
        async with transaction(self._engine) as connection:
            await write(connection, turn, state=State.RUNNING)
            await connection.execute(self._intend, intended)
            return Enclosure(**(await connection.execute(of_turn)).one()._mapping)

    @patient
    async def posted(self, turn: Turn, enclosure: Enclosure, message: MessageId) -> None:
        """Records the platform's id of its message. Raises `LeaseLost`."""
        async with transaction(self._engine) as connection:
            await write(connection, turn, state=State.RUNNING)
            await connection.execute(update(ENCLOSURE).where(ENCLOSURE.c.id == enclosure.id).values(message=message))
        enclosure.message = message
