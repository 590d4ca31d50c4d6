"""Taking a person, or a thread, off the record, wherever they stand in it."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Table, bindparam, delete, insert, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from core.database import transaction
from core.statements import BANNED, CONVERSATION, ENCLOSURE, LEFT_SIGN, PAIRED, PAIRING, PART, REFUSAL, TURN, now
from core.tables import State

_JOBS = text(
    "DELETE FROM procrastinate_jobs WHERE lock = :thread AND status = 'todo' "
    "AND NOT EXISTS (SELECT 1 FROM turn WHERE thread = :thread)"
)
_UNUSED = ~select(TURN.c.id).where(TURN.c.conversation_id == CONVERSATION.c.id).exists()
_SIGNED = select(TURN.c.bridge, TURN.c.thread, TURN.c.message, bindparam("at", type_=LEFT_SIGN.c.at.type)).where(
    TURN.c.waiting_sign.is_not(None)
)
SOME = 500
"""Turns of one statement."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    rows: dict[str, int] = field(default_factory=dict)
    """How many rows of each table are gone."""
    running: int = 0
    """Turns that were being answered: they are told to stop, and are still there."""


async def forget_person(engine: AsyncEngine, author: str, bridge: str | None = None) -> Forgotten:
    """Whoever has this id on a bridge, or on any. Raises `DatabaseError`."""

    def of(table: Table) -> list[ColumnElement[bool]]:
        return [table.c.author == author, *([table.c.bridge == bridge] if bridge is not None else [])]

    async with transaction(engine) as connection:
        forgotten = await _turns(connection, of(TURN))
        for table in (PAIRING, PAIRED, BANNED):
            await _delete(connection, forgotten, table, *of(table))
        refused = or_(REFUSAL.c.author == author, REFUSAL.c.subject == author)
        its = [REFUSAL.c.bridge == bridge] if bridge is not None else []
        await _delete(connection, forgotten, REFUSAL, refused, *its)
    return forgotten


async def forget_thread(engine: AsyncEngine, thread: str) -> Forgotten:
    """All that was said in a thread, by whomever. Raises `DatabaseError`."""
    async with transaction(engine) as connection:
        forgotten = await _turns(connection, [TURN.c.thread == thread])
        await _delete(connection, forgotten, REFUSAL, REFUSAL.c.thread == thread)
        await _delete(connection, forgotten, CONVERSATION, CONVERSATION.c.thread == thread, _UNUSED)
    return forgotten


async def _turns(connection: AsyncConnection, wanted: list[ColumnElement[bool]]) -> Forgotten:
    """Turns with their parts, conversations of which nothing is left, and jobs for which nothing is left to do."""
    running = update(TURN).where(*wanted, TURN.c.state == State.RUNNING).values(stop_requested=True)
    forgotten = Forgotten(running=(await connection.execute(running)).rowcount)
    found = select(TURN.c.id, TURN.c.thread, TURN.c.conversation_id).where(*wanted, TURN.c.state != State.RUNNING)
    rows = (await connection.execute(found.with_for_update())).all()
    for start in range(0, len(rows), SOME):
        ids = [row.id for row in rows[start : start + SOME]]
        # whoever runs the bridge takes the signs away that these messages wait (`core.waiting`)
        left = insert(LEFT_SIGN).from_select(["bridge", "thread", "message", "at"], _SIGNED.where(TURN.c.id.in_(ids)))
        await connection.execute(left, {"at": now()})
        for of_turn in (PART, ENCLOSURE):
            await _delete(connection, forgotten, of_turn, of_turn.c.turn_id.in_(ids))
        await _delete(connection, forgotten, TURN, TURN.c.id.in_(ids))
    for conversation in {row.conversation_id for row in rows} - {None}:
        await _delete(connection, forgotten, CONVERSATION, CONVERSATION.c.id == conversation, _UNUSED)
    if connection.dialect.name != "sqlite":
        for thread in {row.thread for row in rows}:
            await connection.execute(_JOBS, {"thread": thread})
    return forgotten


async def _delete(
    connection: AsyncConnection,
    forgotten: Forgotten,
    table: Table,
    *wanted: ColumnElement[bool],
) -> None:
    gone = (await connection.execute(delete(table).where(*wanted))).rowcount
    forgotten.rows[table.name] = forgotten.rows.get(table.name, 0) + gone
