"""What was said, kept in the database: a chat platform of our own, of which any process may be the one that writes.

Each change of a message counts up its conversation's `changes` in the same transaction, so that whoever has seen the
changes up to one has missed none. All methods raise `DatabaseError`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Row, Select, bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlmodel import SQLModel

import bridges.web.tables  # noqa: F401  # fills the metadata
from bridges.web.watching import Watching
from core.database import transaction
from core.model import MessageId, ThreadId
from core.statements import TURN, inserting, is_open, now

THREAD, MESSAGE = (SQLModel.metadata.tables[name] for name in ("web_thread", "web_message"))

State = Literal["growing", "final", "removed"]
PREVIEW = 120
"""Characters."""
MOST_MISSED = 1_000


@dataclass(frozen=True, slots=True)
class Said:
    """A message as it is now."""

    thread: ThreadId
    id: MessageId
    role: str
    author: str
    text: str
    command: str
    state: str
    reply_to: MessageId | None
    place: int
    change: int
    created_at: datetime
    changed_at: datetime

    @property
    def asked(self) -> tuple[str, str, str]:
        """What a client said with it, and may not say otherwise under the same id."""
        return self.author, self.command, self.text


@dataclass(frozen=True, slots=True)
class Listed:
    """A conversation in a list."""

    thread: ThreadId
    preview: str
    messages: int
    started_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class News:
    """What is new in a conversation."""

    messages: Sequence[Said]
    """Those that changed, in the order of their changes."""
    answering: bool
    """Is somebody's message still open? When it is not any more, `messages` has all that was answered."""


class Room:
    def __init__(self, engine: AsyncEngine, watching: Watching) -> None:
        self._engine = engine
        self._watching = watching

    # --- what people say ------------------------------------------------------------------------------------------

    async def say(
        self, client: str, thread: ThreadId, message: MessageId, *, author: str, command: str, text: str
    ) -> Said:
        """What is kept under this id: this, unless something was said under it before."""
        moment = now()
        values = {"role": "user", "author": author, "command": command, "text": text, "state": "final"}
        async with transaction(self._engine) as connection:
            found = await self._one(connection, thread, message)
            if found is not None:
                return found
            insert = inserting(self._engine.dialect.name)
            begun = insert(THREAD).values(
                thread=thread,
                client=client,
                preview=(text or command)[:PREVIEW],
                changes=1,
                started_at=moment,
                changed_at=moment,
            )
            counted = begun.on_conflict_do_update(
                index_elements=["thread"], set_={"changes": THREAD.c.changes + 1, "changed_at": moment}
            ).returning(THREAD.c.changes)
            change = (await connection.execute(counted)).scalar_one()
            await connection.execute(_new(insert, thread, message, change, moment, values).on_conflict_do_nothing())
            said = await self._one(connection, thread, message)
        assert said is not None
        self._watching.tell(thread)
        return said

    async def missed(self, within: timedelta) -> list[Said]:
        """What people said of late, in its order: somebody may have been stopped before it could be handed over."""
        said = (
            _messages()
            .where(MESSAGE.c.role == "user", MESSAGE.c.created_at >= now() - within)
            .order_by(MESSAGE.c.created_at.desc(), MESSAGE.c.place.desc())
            .limit(MOST_MISSED)
        )
        async with transaction(self._engine) as connection:
            return [_said(row) for row in await connection.execute(said)][::-1]

    # --- what the assistant says ------------------------------------------------------------------------------------

    async def post(self, thread: ThreadId, key: str, text: str, state: State, reply_to: MessageId | None) -> bool:
        """Makes the message of this key, or writes into it if it is there. False: there is no such conversation."""
        moment = now()
        values = {"role": "assistant", "author": "", "command": "", "text": text, "state": state, "reply_to": reply_to}
        async with transaction(self._engine) as connection:
            change = await _counted(connection, thread, moment)
            if change is None:
                return False
            if reply_to is None:
                # the rest of an answer: of one conversation there is never more than one being written
                values["reply_to"] = (await connection.execute(_NEWEST, {"of_thread": thread})).scalar_one_or_none()
            made = _new(inserting(self._engine.dialect.name), thread, MessageId(key), change, moment, values)
            changed = {"text": text, "state": state, "change": change, "changed_at": moment}
            await connection.execute(made.on_conflict_do_update(index_elements=["thread", "id"], set_=changed))
        self._watching.tell(thread)
        return True

    async def edit(self, thread: ThreadId, message: MessageId, text: str, state: State) -> bool:
        """False: there is no such message of the assistant."""
        moment = now()
        async with transaction(self._engine) as connection:
            change = await _counted(connection, thread, moment)
            edited = (
                update(MESSAGE)
                .where(MESSAGE.c.thread == thread, MESSAGE.c.id == message, MESSAGE.c.role == "assistant")
                .values(text=text, state=state, change=change, changed_at=moment)
            )
            done = change is not None and (await connection.execute(edited)).rowcount == 1
        self._watching.tell(thread)
        return done

    async def has(self, thread: ThreadId, message: MessageId) -> bool:
        async with transaction(self._engine) as connection:
            return await self._one(connection, thread, message) is not None

    # --- what readers ask -------------------------------------------------------------------------------------------

    async def changes(self, thread: ThreadId) -> int | None:
        """How many changes there were; None: no such conversation."""
        asked = select(THREAD.c.changes).where(THREAD.c.thread == thread)
        async with transaction(self._engine) as connection:
            found: int | None = (await connection.execute(asked)).scalar_one_or_none()
            return found

    async def news(self, thread: ThreadId, since: int) -> News:
        """What changed after the change of this number."""
        waiting = select(TURN.c.id).where(TURN.c.thread == thread, is_open()).limit(1)
        changed = _messages().where(MESSAGE.c.thread == thread, MESSAGE.c.change > since).order_by(MESSAGE.c.change)
        async with transaction(self._engine) as connection:
            # In this order: what was shown before a turn ended is there when it is seen to have ended.
            answering = (await connection.execute(waiting)).first() is not None
            return News([_said(row) for row in await connection.execute(changed)], answering)

    async def history(
        self, thread: ThreadId, *, page: int, limit: int, since: datetime | None
    ) -> tuple[list[Said], int]:
        """One page of the messages, the oldest first, and how many there are."""
        wanted = _messages().where(MESSAGE.c.thread == thread, MESSAGE.c.state != "removed")
        if since is not None:
            wanted = wanted.where(MESSAGE.c.created_at >= since)
        rows, total = await self._page(wanted.order_by(MESSAGE.c.place), page, limit)
        return [_said(row) for row in rows], total

    async def threads(self, client: str, *, page: int, limit: int, since: datetime | None) -> tuple[list[Listed], int]:
        """One page of a client's conversations, those that changed last first, and how many there are."""
        messages = (
            select(func.count())
            .where(MESSAGE.c.thread == THREAD.c.thread, MESSAGE.c.state != "removed")
            .scalar_subquery()
        )
        listed = (THREAD.c.thread, THREAD.c.preview, messages, THREAD.c.started_at, THREAD.c.changed_at)
        wanted = select(*listed).where(THREAD.c.client == client)
        if since is not None:
            wanted = wanted.where(THREAD.c.changed_at >= since)
        rows, total = await self._page(wanted.order_by(THREAD.c.changed_at.desc(), THREAD.c.thread), page, limit)
        return [Listed(*tuple(row)) for row in rows], total

    async def _page(self, wanted: Select[Any], page: int, limit: int) -> tuple[Sequence[Row[Any]], int]:
        counted = select(func.count()).select_from(wanted.order_by(None).subquery())
        async with transaction(self._engine) as connection:
            total: int = (await connection.execute(counted)).scalar_one()
            return (await connection.execute(wanted.limit(limit).offset((page - 1) * limit))).all(), total

    async def _one(self, connection: AsyncConnection, thread: ThreadId, message: MessageId) -> Said | None:
        asked = _messages().where(MESSAGE.c.thread == thread, MESSAGE.c.id == message)
        row = (await connection.execute(asked)).first()
        return _said(row) if row is not None else None


_NEWEST = (
    select(MESSAGE.c.reply_to)
    .where(MESSAGE.c.thread == bindparam("of_thread"), MESSAGE.c.role == "assistant")
    .order_by(MESSAGE.c.place.desc())
    .limit(1)
)


def _messages() -> Select[Any]:
    return select(*(MESSAGE.c[name] for name in Said.__dataclass_fields__))


def _said(row: Row[Any]) -> Said:
    return Said(*tuple(row))


async def _counted(connection: AsyncConnection, thread: ThreadId, moment: datetime) -> int | None:
    """The number of the change that this transaction makes; None: no such conversation."""
    counted = (
        update(THREAD)
        .where(THREAD.c.thread == thread)
        .values(changes=THREAD.c.changes + 1, changed_at=moment)
        .returning(THREAD.c.changes)
    )
    change: int | None = (await connection.execute(counted)).scalar_one_or_none()
    return change


def _new(insert: Any, thread: ThreadId, message: MessageId, change: int, moment: datetime, values: Any) -> Any:
    return insert(MESSAGE).values(
        thread=thread, id=message, place=change, change=change, created_at=moment, changed_at=moment, **values
    )
