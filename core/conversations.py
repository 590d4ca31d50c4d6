"""A thread's conversations, and what was said in them. The statements are put together once: that takes longer than a
database takes for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, bindparam, func, literal, literal_column, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from core.database import patient, transaction
from core.model import Exchange
from core.statements import CONVERSATION, HELD, TURN, begin, epoch, held, lost, write
from core.tables import Conversation, Turn

WHITE_SPACE = " \t\r\n"

_THREAD = bindparam("of_thread", type_=TURN.c.thread.type)

_CURRENT = (
    select(CONVERSATION.c.id)
    .where(
        CONVERSATION.c.thread == _THREAD,
        CONVERSATION.c.upstream == bindparam("upstream"),
        CONVERSATION.c.id >= epoch(_THREAD),
    )
    .order_by(CONVERSATION.c.id.desc())
    .limit(1)
    .scalar_subquery()
)


def _its(column: ColumnElement[Any]) -> ScalarSelect[Any]:
    return select(column).where(CONVERSATION.c.id == TURN.c.conversation_id).scalar_subquery()


_ENTER = (
    HELD.values(upstream=bindparam("upstream"), conversation_id=_CURRENT)
    # what is returned is read after the change, and only of the table that is changed
    .returning(*(_its(column).label(column.name) for column in CONVERSATION.c))
)
_EPOCH = select(epoch(_THREAD))


def _answered(*since: Select[int]) -> Select[str, str | None]:
    later = [TURN.c.id > one.scalar_subquery() for one in since]
    return (
        select(TURN.c.prompt, TURN.c.reply)
        .where(
            TURN.c.thread == _THREAD,
            TURN.c.id < bindparam("before"),
            TURN.c.state == literal_column("'answered'"),
            TURN.c.command == "",
            ~TURN.c.erased,
            TURN.c.conversation_id >= epoch(_THREAD),
            *later,
        )
        .order_by(TURN.c.id.desc())
        .limit(bindparam("most"))
    )


_OWN = TURN.alias()
_ANSWERED = _answered()
_ANSWERED_SINCE = _answered(
    select(func.coalesce(func.max(_OWN.c.id), literal(0))).where(
        _OWN.c.thread == _THREAD,
        _OWN.c.conversation_id == bindparam("unknown_to"),
        _OWN.c.state == literal_column("'answered'"),
    )
)


_CHOSEN = (
    select(TURN.c.upstream)
    .where(TURN.c.thread == _THREAD, TURN.c.command == literal_column("'use'"), TURN.c.upstream.is_not(None))
    .order_by(TURN.c.id.desc())
    .limit(1)
)
_SIZE = select(func.count(), func.max(TURN.c.prompt_tokens)).where(
    TURN.c.conversation_id == bindparam("conversation"),
    TURN.c.state == literal_column("'answered'"),
    TURN.c.command == "",
)
_OPENED = (
    update(CONVERSATION).where(CONVERSATION.c.id == bindparam("conversation")).values(upstream_id=bindparam("its"))
)


async def current(connection: AsyncConnection, turn: Turn, upstream: str) -> Conversation:
    """Within the caller's transaction: see `Conversations.of`."""
    entering = {**held(turn), "of_thread": turn.thread, "upstream": upstream}
    found = (await connection.execute(_ENTER, entering)).first()
    if found is None:
        raise lost(turn)
    if found.id is None:
        first = (await connection.execute(_EPOCH, {"of_thread": turn.thread})).scalar_one() == 0
        return await begin(connection, turn, upstream, fresh=first)
    return Conversation(**found._mapping)


@dataclass(frozen=True, slots=True)
class Needed:
    """What an upstream has to be told of what was said before."""

    exchanges: int
    characters: int
    remembers: bool = False
    """It has what was said in its own conversation itself."""
    alone: bool = True
    """Nobody else is ever asked in its place."""


async def history(
    connection: AsyncConnection, turn: Turn, conversation: Conversation, needed: Needed
) -> tuple[Exchange, ...]:
    """Within the caller's transaction: the newest answered turns of the thread before this one, oldest first, within
    both bounds: all that were, where the upstream remembers nothing or the conversation begins; else those that others
    answered since it was last asked."""
    knows = needed.remembers and conversation.upstream_id is not None
    if not needed.exchanges or (knows and needed.alone):
        return ()
    asked = {"of_thread": turn.thread, "before": turn.id, "most": needed.exchanges}
    if knows:
        answered = await connection.execute(_ANSWERED_SINCE, {**asked, "unknown_to": conversation.id})
    else:
        answered = await connection.execute(_ANSWERED, asked)
    found: list[Exchange] = []
    left = needed.characters
    for prompt, reply in answered:
        left -= len(prompt) + len(reply or "")
        if left < 0:
            break
        found.append(Exchange(prompt, reply or ""))
    return tuple(reversed(found))


class Conversations:
    """Which conversation of which upstream a thread is in. Rows that it returns are detached copies."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @patient
    async def of(self, turn: Turn, upstream: str) -> Conversation:
        """The thread's current conversation at this upstream, begun if there is none; the turn belongs to it. Raises
        `LeaseLost`."""
        async with transaction(self._engine) as connection:
            return await current(connection, turn, upstream)

    @patient
    async def approach(
        self, turn: Turn, upstream: str, needed: Needed, *, anew: bool = False
    ) -> tuple[Conversation, tuple[Exchange, ...]]:
        """The thread's current conversation at this upstream, or another (`anew`), and what the upstream has to be told
        of what was said before. Raises `LeaseLost`."""
        async with transaction(self._engine) as connection:
            if anew:
                conversation = await begin(connection, turn, upstream, fresh=False)
            else:
                conversation = await current(connection, turn, upstream)
            return conversation, await history(connection, turn, conversation, needed)

    @patient
    async def begin(self, turn: Turn, upstream: str) -> Conversation:
        """Another conversation from now on; the old one stays in the record, and what was said before is not the new
        one's history. Raises `LeaseLost`."""
        async with transaction(self._engine) as connection:
            return await begin(connection, turn, upstream, fresh=True)

    @patient
    async def opened(self, turn: Turn, conversation: Conversation, upstream_id: str) -> None:
        """Keeps the upstream's own ID the moment it is seen (I3). Raises `LeaseLost`."""
        async with transaction(self._engine) as connection:
            await write(connection, turn, conversation_id=conversation.id)
            await connection.execute(_OPENED, {"conversation": conversation.id, "its": upstream_id})
        conversation.upstream_id = upstream_id

    async def size(self, conversation: Conversation) -> tuple[int, int | None]:
        """How many answers a conversation holds, and the most tokens that a prompt in it had, as far as was told."""
        async with transaction(self._engine) as connection:
            answers, tokens = (await connection.execute(_SIZE, {"conversation": conversation.id})).one()
        return answers, tokens

    async def chosen(self, turn: Turn) -> str | None:
        """The upstream that somebody chose for the turn's thread last."""
        async with transaction(self._engine) as connection:
            name: str | None = (await connection.execute(_CHOSEN, {"of_thread": turn.thread})).scalar_one_or_none()
        return name

    @patient
    async def choose(self, turn: Turn, upstream: str) -> None:
        """From now on this upstream is asked in the turn's thread. Raises `LeaseLost`."""
        async with transaction(self._engine) as connection:
            await write(connection, turn, upstream=upstream)

    async def known_since(self, moment: datetime, upstream: str) -> frozenset[str]:
        """The upstream's own IDs of all conversations begun since that moment."""
        known = select(CONVERSATION.c.upstream_id).where(
            CONVERSATION.c.upstream == upstream,
            CONVERSATION.c.started_at >= moment,
            CONVERSATION.c.upstream_id.is_not(None),
        )
        async with transaction(self._engine) as connection:
            return frozenset((await connection.execute(known)).scalars())

    async def times_sent(self, turn: Turn) -> int:
        """How often at most the text of a turn was sent before it, in what an upstream may remember of the thread."""
        sent = select(func.coalesce(func.sum(TURN.c.attempt), literal(0))).where(
            TURN.c.thread == turn.thread,
            TURN.c.id < turn.id,
            TURN.c.command == "",
            TURN.c.conversation_id >= epoch(turn.thread),
            func.trim(TURN.c.prompt, WHITE_SPACE) == turn.prompt.strip(WHITE_SPACE),
        )
        async with transaction(self._engine) as connection:
            return int((await connection.execute(sent)).scalar_one())
