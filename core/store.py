"""The record: turns, conversations and parts, and the rules under which they may be written.

Every method is one transaction. A write that belongs to a running turn is fenced by the turn's attempt number: a
runner that was thought dead gets `LeaseLost` and can write nothing (I2). All raise `DatabaseError` when the database
cannot be used.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, CursorResult, and_, func, update
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker
from sqlalchemy.orm import aliased
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from core.errors import DatabaseError, LeaseLost
from core.model import Attachment, Exchange, Message, MessageId, ThreadId
from core.tables import OPEN, Conversation, Part, State, Turn


def now() -> datetime:
    return datetime.now(UTC)


def attachments_of(turn: Turn) -> tuple[Attachment, ...]:
    return tuple(Attachment(**stored) for stored in turn.attachments)


class Store:
    """What the relay remembers. Rows that it returns are detached copies."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._sessions = async_sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)
        self._insert = insert_sqlite if engine.dialect.name == "sqlite" else insert_postgresql

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncSession]:
        try:
            async with self._sessions() as session, session.begin():
                yield session
        except SQLAlchemyError as error:
            raise DatabaseError(
                "The database cannot be used just now.", detail=f"{type(error).__name__}: {error}"
            ) from error

    # --- messages in --------------------------------------------------------------------------------------------

    async def record(self, bridge: str, message: Message, prompt: str) -> bool:
        """Records a message as a waiting turn (I1). False: it was there already, and nothing changes."""
        async with self._transaction() as session:
            result = await session.exec(
                self._insert(Turn)
                .values(
                    bridge=bridge,
                    thread=message.thread,
                    message=message.id,
                    author=message.author,
                    author_name=message.author_name,
                    prompt=prompt,
                    attachments=[asdict(attachment) for attachment in message.attachments],
                    command=message.command,
                    state=State.WAITING,
                    attempt=0,
                    sent_at=message.sent_at,
                    accepted_at=now(),
                )
                .on_conflict_do_nothing(index_elements=["thread", "message"])
                .returning(col(Turn.id))
            )
            return result.first() is not None

    async def takes_part(self, thread: ThreadId) -> bool:
        """Has the bot been spoken to in this thread?"""
        async with self._transaction() as session:
            found = await session.exec(select(col(Turn.id)).where(col(Turn.thread) == thread).limit(1))
            return found.first() is not None

    # --- turns --------------------------------------------------------------------------------------------------

    async def busy(self) -> list[ThreadId]:
        """The threads that have open turns, those that wait longest first."""
        async with self._transaction() as session:
            rows = await session.exec(
                select(col(Turn.thread))
                .where(col(Turn.state).in_(OPEN))
                .group_by(col(Turn.thread))
                .order_by(func.min(col(Turn.id)))
            )
            return [ThreadId(thread) for thread in rows.all()]

    async def claim(self, thread: ThreadId) -> Turn | None:
        """Takes the oldest open turn of a thread, one that an earlier runner left included."""
        async with self._transaction() as session:
            return await _claim(session, thread)

    async def close(
        self,
        turn: Turn,
        state: State,
        *,
        reply: str | None = None,
        error: str | None = None,
        claim_next: bool = True,
    ) -> Turn | None:
        """Ends a turn and, unless told not to, claims the next of its thread in the same transaction. Raises
        `LeaseLost`."""
        async with self._transaction() as session:
            await self._write(session, turn, state=state, reply=reply, error=error, ended_at=now())
            return await _claim(session, ThreadId(turn.thread)) if claim_next else None

    async def expire_overtaken(self, *, before: datetime) -> int:
        """Ends waiting turns from before that moment of which the same thread has a newer one as old: where many
        messages were left unanswered, one note is enough (I8). Returns how many."""
        newer = aliased(Turn)
        overtaken = (
            select(col(newer.id))
            .where(
                col(newer.thread) == col(Turn.thread),
                col(newer.id) > col(Turn.id),
                col(newer.state).in_(OPEN),
                col(newer.accepted_at) < before,
            )
            .exists()
        )
        async with self._transaction() as session:
            result = await session.exec(
                update(Turn)
                .where(col(Turn.state) == State.WAITING, col(Turn.accepted_at) < before, overtaken)
                .values(state=State.EXPIRED, ended_at=now())
                .execution_options(synchronize_session=False)
            )
            return _changed(result)

    async def _write(self, session: AsyncSession, turn: Turn, **values: object) -> None:
        result = await session.exec(update(Turn).where(_held(turn)).values(**values))
        if _changed(result) != 1:
            raise LeaseLost(detail=f"turn {turn.id}, attempt {turn.attempt}")

    # --- conversations ------------------------------------------------------------------------------------------

    async def conversation(self, turn: Turn, upstream: str) -> Conversation:
        """The thread's current conversation at this upstream, begun if there is none; the turn belongs to it."""
        async with self._transaction() as session:
            epoch = await _epoch(session, turn.thread)
            found = await session.exec(
                select(Conversation)
                .where(
                    col(Conversation.thread) == turn.thread,
                    col(Conversation.upstream) == upstream,
                    col(Conversation.id) >= epoch,
                )
                .order_by(col(Conversation.id).desc())
                .limit(1)
            )
            conversation = found.first()
            if conversation is None:
                return await self._begin(session, turn, upstream, fresh=epoch == 0)
            await self._write(session, turn, upstream=upstream, conversation_id=conversation.id)
            return conversation

    async def begin(self, turn: Turn, upstream: str, *, fresh: bool) -> Conversation:
        """Another conversation from now on; the old one stays in the record. `fresh`: what was said before in the
        thread is not its history."""
        async with self._transaction() as session:
            return await self._begin(session, turn, upstream, fresh=fresh)

    async def _begin(self, session: AsyncSession, turn: Turn, upstream: str, *, fresh: bool) -> Conversation:
        conversation = Conversation(thread=turn.thread, upstream=upstream, fresh=fresh, started_at=now())
        session.add(conversation)
        await session.flush()
        await self._write(session, turn, upstream=upstream, conversation_id=conversation.id)
        return conversation

    async def opened(self, turn: Turn, conversation: Conversation, upstream_id: str) -> None:
        """Keeps the upstream's own ID the moment it is seen (I3). Raises `LeaseLost`."""
        async with self._transaction() as session:
            await self._write(session, turn, conversation_id=conversation.id)
            await session.exec(
                update(Conversation).where(col(Conversation.id) == conversation.id).values(upstream_id=upstream_id)
            )
        conversation.upstream_id = upstream_id

    async def history(self, turn: Turn, *, exchanges: int, characters: int) -> tuple[Exchange, ...]:
        """The newest answered turns of the thread before this one, oldest first, within both bounds."""
        if not exchanges:
            return ()
        async with self._transaction() as session:
            epoch = await _epoch(session, turn.thread)
            rows = await session.exec(
                select(col(Turn.prompt), col(Turn.reply))
                .where(
                    col(Turn.thread) == turn.thread,
                    col(Turn.id) < (turn.id or 0),
                    col(Turn.state) == State.ANSWERED,
                    col(Turn.command) == "",
                    col(Turn.conversation_id) >= epoch,
                )
                .order_by(col(Turn.id).desc())
                .limit(exchanges)
            )
            found: list[Exchange] = []
            for prompt, reply in rows.all():
                characters -= len(prompt) + len(reply or "")
                if characters < 0:
                    break
                found.append(Exchange(prompt, reply or ""))
            return tuple(reversed(found))

    # --- parts --------------------------------------------------------------------------------------------------

    async def parts(self, turn: Turn) -> Sequence[Part]:
        """The platform messages of a turn's reply, in order."""
        async with self._transaction() as session:
            rows = await session.exec(select(Part).where(col(Part.turn_id) == turn.id).order_by(col(Part.position)))
            return rows.all()

    async def intend(self, turn: Turn, position: int) -> Part:
        """Records that a platform message is about to be created, under a new key (I4). Raises `LeaseLost`."""
        async with self._transaction() as session:
            await self._write(session, turn, state=State.RUNNING)
            part = Part(turn_id=turn.id or 0, position=position, key=secrets.token_hex(10))
            session.add(part)
        return part

    async def posted(self, turn: Turn, part: Part, message: MessageId) -> None:
        """Records the platform's id of a part. Raises `LeaseLost`."""
        async with self._transaction() as session:
            await self._write(session, turn, state=State.RUNNING)
            await session.exec(update(Part).where(col(Part.id) == part.id).values(message=message))
        part.message = message

    async def renew(self, turn: Turn, part: Part) -> None:
        """A part whose message is gone gets a new key, to be posted again. Raises `LeaseLost`."""
        key = secrets.token_hex(10)
        async with self._transaction() as session:
            await self._write(session, turn, state=State.RUNNING)
            await session.exec(update(Part).where(col(Part.id) == part.id).values(message=None, key=key))
        part.message, part.key = None, key


def _held(turn: Turn) -> ColumnElement[bool]:
    return and_(col(Turn.id) == turn.id, col(Turn.attempt) == turn.attempt, col(Turn.state) == State.RUNNING)


def _changed(result: object) -> int:
    assert isinstance(result, CursorResult)
    return int(result.rowcount)


async def _epoch(session: AsyncSession, thread: str) -> int:
    """The id of the thread's newest fresh conversation; what is older does not belong to it any more."""
    found = await session.exec(
        select(func.max(col(Conversation.id))).where(col(Conversation.thread) == thread, col(Conversation.fresh))
    )
    return found.one() or 0


async def _claim(session: AsyncSession, thread: ThreadId) -> Turn | None:
    oldest = (
        select(col(Turn.id))
        .where(col(Turn.thread) == thread, col(Turn.state).in_(OPEN))
        .order_by(col(Turn.id))
        .limit(1)
        .scalar_subquery()
    )
    claimed = await session.exec(
        update(Turn)
        .where(col(Turn.id) == oldest)
        .values(
            state=State.RUNNING, attempt=col(Turn.attempt) + 1, started_at=func.coalesce(col(Turn.started_at), now())
        )
        .returning(Turn)
    )
    return claimed.scalars().first()
