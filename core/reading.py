"""What is on record, for the operator: queries that change nothing, each of which reads a bounded part of the record.

Lists are paged, the newest first. What looks through texts, or adds up, sees the newest `NEWEST_TURNS` turns.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from core.database import transaction
from core.statements import CONVERSATION, PART, TURN, is_open
from core.tables import Conversation, Part, Turn
from core.text import clean

T = TypeVar("T", covariant=True)

LARGEST_PAGE = 100
NEWEST_TURNS = 50_000
OPENING = 200
"""Characters of its first question by which a conversation is known."""


@dataclass(frozen=True, slots=True)
class Paging:
    page: int = 1
    limit: int = 20

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.limit


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    items: Sequence[T]
    total: int
    paging: Paging

    @property
    def more(self) -> bool:
        return self.paging.offset + len(self.items) < self.total


@dataclass(frozen=True, slots=True)
class Sought:
    """Which conversations. What is empty does not narrow."""

    text: str = ""
    """Part of what was said or of a name, or the whole of an id: person, channel, thread, upstream conversation."""
    bridge: str = ""
    since: datetime | None = None
    """Those in which something was said after that moment."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A conversation in a list."""

    conversation: Conversation
    turns: int = 0
    first: Turn | None = None
    last: Turn | None = None

    @property
    def opening(self) -> str:
        return self.first.prompt[:OPENING] if self.first is not None else ""


@dataclass(frozen=True, slots=True)
class Detail:
    """A turn and all that belongs to it."""

    turn: Turn
    conversation: Conversation | None
    parts: Sequence[Part] = field(default_factory=tuple)


def newest() -> ColumnElement[bool]:
    oldest = select(func.coalesce(func.max(TURN.c.id), 0) - NEWEST_TURNS).scalar_subquery()
    return TURN.c.id > oldest


class Reading:
    """All methods raise `DatabaseError`. Rows are detached copies."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def conversations(self, sought: Sought, paging: Paging) -> Page[Listed]:
        """The ones begun last first."""
        wanted = sought_by(sought)
        rows = select(CONVERSATION).where(*wanted).order_by(CONVERSATION.c.id.desc())
        async with transaction(self._engine) as connection:
            total = await _count(connection, select(CONVERSATION.c.id).where(*wanted))
            page = await connection.execute(rows.limit(paging.limit).offset(paging.offset))
            found = [Conversation(**row._mapping) for row in page]
            listed = await _listed(connection, found)
        return Page(listed, total, paging)

    async def conversation(self, conversation: int) -> Listed | None:
        wanted = select(CONVERSATION).where(CONVERSATION.c.id == conversation)
        async with transaction(self._engine) as connection:
            found = (await connection.execute(wanted)).first()
            if found is None:
                return None
            [listed] = await _listed(connection, [Conversation(**found._mapping)])
        return listed

    async def history(self, conversation: int, paging: Paging, since: datetime | None = None) -> Page[Turn]:
        """What was said in a conversation, the oldest first; `since`: what was accepted after that moment."""
        wanted = [TURN.c.conversation_id == conversation, *([TURN.c.accepted_at > since] if since else [])]
        return await self._turns(wanted, TURN.c.id, paging)

    async def failures(self, paging: Paging, since: datetime | None = None) -> Page[Turn]:
        """Turns that ended without an answer although nobody had stopped them, the newest first."""
        wanted = [TURN.c.state.in_(("failed", "expired")), *([TURN.c.accepted_at > since] if since else [])]
        return await self._turns(wanted, TURN.c.id.desc(), paging)

    async def open_turns(self) -> Sequence[Turn]:
        """Those that are being answered or wait, the oldest first; not all of them where there are very many."""
        async with transaction(self._engine) as connection:
            rows = await connection.execute(select(TURN).where(is_open()).order_by(TURN.c.id).limit(LARGEST_PAGE))
            return [Turn(**row._mapping) for row in rows]

    async def turn(self, turn: int) -> Detail | None:
        async with transaction(self._engine) as connection:
            found = (await connection.execute(select(TURN).where(TURN.c.id == turn))).first()
            if found is None:
                return None
            parts = await connection.execute(select(PART).where(PART.c.turn_id == turn).order_by(PART.c.position))
            its = select(CONVERSATION).where(CONVERSATION.c.id == found.conversation_id)
            conversation = (await connection.execute(its)).first()
            return Detail(
                Turn(**found._mapping),
                Conversation(**conversation._mapping) if conversation is not None else None,
                [Part(**part._mapping) for part in parts],
            )

    async def everything(self, *, author: str | None, thread: str | None) -> AsyncIterator[Detail]:
        """All turns of a person, or of a thread, or all there are, the oldest first."""
        wanted = [TURN.c.author == author] if author is not None else []
        wanted += [TURN.c.thread == thread] if thread is not None else []
        after = 0
        while True:
            some = select(TURN.c.id).where(*wanted, TURN.c.id > after).order_by(TURN.c.id).limit(LARGEST_PAGE)
            async with transaction(self._engine) as connection:
                turns = list((await connection.execute(some)).scalars())
            for one in turns:
                detail = await self.turn(one)
                if detail is not None:
                    yield detail
            if not turns:
                return
            after = turns[-1]

    async def _turns(self, wanted: list[ColumnElement[bool]], order: ColumnElement[Any], paging: Paging) -> Page[Turn]:
        rows = select(TURN).where(*wanted).order_by(order).limit(paging.limit).offset(paging.offset)
        async with transaction(self._engine) as connection:
            total = await _count(connection, select(TURN.c.id).where(*wanted))
            found = [Turn(**row._mapping) for row in await connection.execute(rows)]
        return Page(found, total, paging)


def sought_by(sought: Sought) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if sought.bridge:
        wanted.append(CONVERSATION.c.thread.startswith(f"{clean(sought.bridge)}:", autoescape=True))
    if text := clean(sought.text).strip():
        texts = (TURN.c.prompt, TURN.c.reply, TURN.c.author_name)
        ids = (TURN.c.author, TURN.c.channel)
        said = or_(*(one.icontains(text, autoescape=True) for one in texts), *(one == text for one in ids))
        found = select(TURN.c.conversation_id).where(newest(), TURN.c.conversation_id.is_not(None), said)
        itself = or_(CONVERSATION.c.thread == text, CONVERSATION.c.upstream_id == text)
        wanted.append(or_(CONVERSATION.c.id.in_(found), itself))
    if sought.since is not None:
        later = select(TURN.c.conversation_id).where(
            newest(), TURN.c.conversation_id.is_not(None), TURN.c.accepted_at > sought.since
        )
        wanted.append(CONVERSATION.c.id.in_(later))
    return wanted


async def _count(connection: AsyncConnection, ids: Select[int]) -> int:
    total: int = (await connection.execute(select(func.count()).select_from(ids.subquery()))).scalar_one()
    return total


async def _listed(connection: AsyncConnection, conversations: Sequence[Conversation]) -> list[Listed]:
    ids = [one.id for one in conversations]
    bounds = (
        select(TURN.c.conversation_id, func.count(), func.min(TURN.c.id), func.max(TURN.c.id))
        .where(TURN.c.conversation_id.in_(ids))
        .group_by(TURN.c.conversation_id)
    )
    counted = {id: (count, first, last) for id, count, first, last in await connection.execute(bounds)}
    ends = {turn for _, first, last in counted.values() for turn in (first, last)}
    rows = await connection.execute(select(TURN).where(TURN.c.id.in_(ends)))
    turns = {row.id: Turn(**row._mapping) for row in rows}
    listed = []
    for one in conversations:
        count, first, last = counted.get(one.id, (0, None, None))
        listed.append(Listed(one, count, turns.get(first), turns.get(last)))
    return listed
