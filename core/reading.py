"""What is on record, for the operator: queries that change nothing, each of which reads a bounded part of the record.

Lists are paged, the newest first. What looks through texts sees `SEARCHED_TURNS` turns at a time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, func, literal_column, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from core.database import transaction
from core.statements import CONVERSATION, PART, TURN, is_open, is_question
from core.tables import Conversation, Part, Turn
from core.text import clean

T = TypeVar("T", covariant=True)

LARGEST_PAGE = 100
SEARCHED_TURNS = 10_000
OPENING = 200
"""Characters of its first question by which a conversation is known."""


@dataclass(frozen=True, slots=True)
class Paging:
    page: int = 1
    limit: int = 20

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.limit

    def pages(self, total: int) -> int:
        """How many there are for so many items; one that is empty where there are none."""
        return max(1, -(-total // self.limit))


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    items: Sequence[T]
    total: int
    paging: Paging
    looked_back_to: datetime | None = None
    """Of a search: what was said before that moment was not looked through. None: all was."""

    @property
    def more(self) -> bool:
        return self.paging.offset + len(self.items) < self.total

    @property
    def pages(self) -> int:
        return self.paging.pages(self.total)


@dataclass(frozen=True, slots=True)
class Sought:
    """Which conversations. What is empty does not narrow."""

    text: str = ""
    """Part of what was said or of a name, or the whole of an id: person, channel, thread, upstream conversation."""
    bridge: str = ""
    since: datetime | None = None
    """Those in which something was said after that moment."""
    until: datetime | None = None
    """Search is for what was said before that moment."""

    @property
    def words(self) -> str:
        return clean(self.text).strip()


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


class Reading:
    """All methods raise `DatabaseError`. Rows are detached copies."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def conversations(self, sought: Sought, paging: Paging) -> Page[Listed]:
        """The ones begun last first."""
        async with transaction(self._engine) as connection:
            window = await _window(connection, sought.until) if sought.words else None
            wanted = narrowed(sought, window, self._engine.dialect.name)
            if wanted:  # what is looked for is looked for once
                some = select(CONVERSATION.c.id).where(*wanted).order_by(CONVERSATION.c.id.desc())
                ids = list((await connection.execute(some)).scalars())
                total, of_page = len(ids), ids[paging.offset : paging.offset + paging.limit]
                rows = select(CONVERSATION).where(CONVERSATION.c.id.in_(of_page)).order_by(CONVERSATION.c.id.desc())
            else:
                total = await _count(connection, select(CONVERSATION.c.id))
                rows = select(CONVERSATION).order_by(CONVERSATION.c.id.desc())
                rows = rows.limit(paging.limit).offset(paging.offset)
            found = [Conversation(**row._mapping) for row in await connection.execute(rows)]
            listed = await _listed(connection, found)
        return Page(listed, total, paging, window.begins if window is not None else None)

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
        return await self._turns(wanted, paging)

    async def failures(self, paging: Paging, since: datetime | None = None) -> Page[Turn]:
        """Turns that ended without an answer although nobody had stopped them, the newest first."""
        wanted = [_FAILED, *([TURN.c.accepted_at > since] if since else [])]
        return await self._turns(wanted, paging, newest_first=True)

    async def open_turns(self) -> Sequence[Turn]:
        """Those that are being answered or wait, the oldest first; not all of them where there are very many."""
        async with transaction(self._engine) as connection:
            rows = await connection.execute(_OPEN)
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

    async def _turns(
        self, wanted: list[ColumnElement[bool]], paging: Paging, *, newest_first: bool = False
    ) -> Page[Turn]:
        async with transaction(self._engine) as connection:
            total = await _count(connection, select(TURN.c.id).where(*wanted))
            skipped, limit = paging.offset, min(paging.limit, total - paging.offset)
            if limit <= 0:
                return Page([], total, paging)
            backwards = skipped > total / 2  # what is skipped is read: from the nearer end
            if backwards:
                skipped = total - skipped - limit
            order = TURN.c.id.desc() if newest_first != backwards else TURN.c.id
            rows = select(TURN).where(*wanted).order_by(order).limit(limit).offset(skipped)
            found = [Turn(**row._mapping) for row in await connection.execute(rows)]
        return Page(found[::-1] if backwards else found, total, paging)


_FAILED = TURN.c.state.in_([literal_column(f"'{one}'") for one in ("failed", "expired")])
"""Written as in its index, as `is_open` is."""
# Sorted by what is no column, so that SQLite does not read the whole record in its order to find the few.
_OPEN = select(TURN).where(is_open()).order_by(TURN.c.id + 0).limit(LARGEST_PAGE)


@dataclass(frozen=True, slots=True)
class Window:
    """The turns that are looked through: those with ids after `after`, up to `up_to`."""

    after: int
    up_to: int
    begins: datetime | None
    """When the first of them was accepted; None: there are none before it."""


async def _window(connection: AsyncConnection, until: datetime | None) -> Window:
    last = select(func.coalesce(func.max(TURN.c.id), 0))
    if until is not None:
        before = select(TURN.c.id).where(is_question(), TURN.c.accepted_at < until)
        last = before.order_by(TURN.c.accepted_at.desc()).limit(1)
    up_to = (await connection.execute(last)).scalar() or 0
    after = max(0, up_to - SEARCHED_TURNS)
    older = select(TURN.c.id).where(TURN.c.id <= after).limit(1)
    begins: datetime | None = None
    if (await connection.execute(older)).first() is not None:
        first = select(TURN.c.accepted_at).where(TURN.c.id > after).order_by(TURN.c.id).limit(1)
        begins = (await connection.execute(first)).scalar()
    return Window(after, up_to, begins)


def _holds(text: ColumnElement[Any], words: str, dialect: str) -> ColumnElement[bool]:
    """Is this part of it, whatever the case of the letters a to z? Those alone, for both databases are quick at it."""
    if dialect == "sqlite":
        return text.contains(words, autoescape=True)
    plain = "".join(sign.lower() if sign.isascii() else sign for sign in words)
    return func.lower(text.collate("C")).contains(plain, autoescape=True)


def narrowed(sought: Sought, window: Window | None, dialect: str) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if sought.bridge:
        wanted.append(CONVERSATION.c.thread.startswith(f"{clean(sought.bridge)}:", autoescape=True))
    if window is not None:
        text = sought.words
        texts = (TURN.c.author_name, TURN.c.prompt, TURN.c.reply)
        ids = (TURN.c.author, TURN.c.channel)
        said = or_(*(one == text for one in ids), *(_holds(one, text, dialect) for one in texts))
        seen = (TURN.c.id > window.after, TURN.c.id <= window.up_to)
        found = select(TURN.c.conversation_id).where(*seen, TURN.c.conversation_id.is_not(None), said)
        itself = or_(CONVERSATION.c.thread == text, CONVERSATION.c.upstream_id == text)
        wanted.append(or_(CONVERSATION.c.id.in_(found), itself))
    if sought.since is not None:
        its = TURN.c.conversation_id == CONVERSATION.c.id
        last = select(TURN.c.accepted_at).where(its).order_by(TURN.c.id.desc()).limit(1).scalar_subquery()
        wanted.append(last > sought.since)
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
