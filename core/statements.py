"""The statements that more than one transaction of the store is made of. Each runs within its caller's transaction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    ScalarSelect,
    Table,
    bindparam,
    case,
    func,
    insert,
    literal,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import SQLModel

from core.errors import LeaseLost
from core.model import ThreadId
from core.tables import OPEN, Conversation, State, Turn

# Statements are written against the tables and not through a session: that costs half the time, and nothing here has a
# use for a unit of work.
TURN, CONVERSATION, PART, ENCLOSURE, LEFT_SIGN, REFUSAL, PAIRING, PAIRED, BANNED = (
    SQLModel.metadata.tables[name]
    for name in ("turn", "conversation", "part", "enclosure", "left_sign", "refusal", "pairing", "paired", "banned")
)

REFUSED = "refused"
"""The command of a turn that only tells a person why there is no answer, with the words in `reply`."""


def now() -> datetime:
    return datetime.now(UTC)


def is_open(state: ColumnElement[str] = TURN.c.state) -> ColumnElement[bool]:
    """Waiting or running. Written into the statement as it is: databases use an index of such rows alone only where
    they can see that it holds all that is asked for."""
    return state.in_([literal_column(f"'{one}'") for one in OPEN])


def is_question() -> ColumnElement[bool]:
    """To the assistant, and not a command to the program. Written as in its index, as `is_open` is."""
    return TURN.c.command == literal_column("''")


def inserting(dialect: str) -> Callable[[Table], Any]:
    """`INSERT` as this database has it, with `on_conflict_do_nothing` and `on_conflict_do_update`."""
    return insert_sqlite if dialect == "sqlite" else insert_postgresql


async def hold(connection: AsyncConnection, name: str) -> None:
    """From here to the transaction's end nobody else holds this name. SQLite has one writer at a time anyway."""
    if connection.dialect.name != "sqlite":
        await connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})


# What every turn needs is put together once: that takes longer than a database takes for it.
HELD = update(TURN).where(
    TURN.c.id == bindparam("turn"), TURN.c.attempt == bindparam("held"), TURN.c.state == literal_column("'running'")
)
"""Changes a running turn that is still its runner's: takes `held`, and what is to be changed."""
_OLDEST = (
    select(TURN.c.id)
    # without a word about the id, SQLite reads the whole thread by an index that is no better to it than that of the
    # open turns
    .where(TURN.c.thread == bindparam("of_thread"), TURN.c.id > 0, is_open())
    .order_by(TURN.c.id)
    .limit(1)
).scalar_subquery()
_CLAIM = (
    update(TURN)
    .where(TURN.c.id == _OLDEST)
    .values(
        state=State.RUNNING,
        attempt=TURN.c.attempt + 1,
        crashes=TURN.c.crashes + case((TURN.c.state == State.RUNNING, 1), else_=0),
        started_at=func.coalesce(TURN.c.started_at, bindparam("at", type_=TURN.c.started_at.type)),
    )
    .returning(TURN)
)
_BEGIN = insert(CONVERSATION).returning(CONVERSATION.c.id)


async def write(connection: AsyncConnection, turn: Turn, **values: object) -> None:
    """Writes to a running turn, if this runner still has it; else raises `LeaseLost`."""
    if (await connection.execute(HELD, {**held(turn), **values})).rowcount != 1:
        raise lost(turn)


def held(turn: Turn) -> dict[str, object]:
    return {"turn": turn.id, "held": turn.attempt}


def lost(turn: Turn) -> LeaseLost:
    return LeaseLost(detail=f"turn {turn.id}, attempt {turn.attempt}")


async def claim(connection: AsyncConnection, thread: ThreadId) -> Turn | None:
    """The oldest open turn of the thread, taken from whoever has it: if somebody has, that one ended without a word."""
    row: Row[Any] | None = (await connection.execute(_CLAIM, {"of_thread": thread, "at": now()})).first()
    return Turn(**row._mapping) if row is not None else None


async def request_stop(connection: AsyncConnection, thread: ThreadId, *, before: int) -> int | None:
    """Marks the question that is being answered in the thread, else the next one. Gives its id; None: there is none."""
    question = (
        select(func.min(TURN.c.id))
        .where(
            TURN.c.thread == thread,
            TURN.c.id < before,
            is_open(),
            TURN.c.command.in_(("", "retry")),
        )
        .scalar_subquery()
    )
    requested = update(TURN).where(TURN.c.id == question).values(stop_requested=True).returning(TURN.c.id)
    found: int | None = (await connection.execute(requested)).scalar_one_or_none()
    return found


async def begin(connection: AsyncConnection, turn: Turn, upstream: str, *, fresh: bool) -> Conversation:
    conversation = Conversation(thread=turn.thread, upstream=upstream, fresh=fresh, started_at=now())
    begun = await connection.execute(_BEGIN, conversation.model_dump(exclude={"id"}))
    conversation.id = begun.scalar_one()
    await write(connection, turn, upstream=upstream, conversation_id=conversation.id)
    return conversation


def epoch(thread: str | ColumnElement[str]) -> ScalarSelect[int]:
    """The id of the thread's newest fresh conversation, else 0; what is older does not belong to it any more."""
    newest = func.max(CONVERSATION.c.id)
    return (
        select(func.coalesce(newest, literal(0)))
        .where(CONVERSATION.c.thread == thread, CONVERSATION.c.fresh)
        .scalar_subquery()
    )
