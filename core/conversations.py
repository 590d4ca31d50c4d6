"""The statements about a thread's conversations, and what was said in them. Each runs within its caller's transaction,
and is put together once: that takes longer than a database takes for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, bindparam, func, literal, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.model import Exchange
from core.statements import CONVERSATION, HELD, TURN, begin, epoch, held, lost
from core.tables import Conversation, Turn

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


async def chosen(connection: AsyncConnection, thread: str) -> str | None:
    """The upstream that somebody chose for a thread last."""
    name: str | None = (await connection.execute(_CHOSEN, {"of_thread": thread})).scalar_one_or_none()
    return name


async def size(connection: AsyncConnection, conversation: Conversation) -> tuple[int, int | None]:
    """How many answers a conversation holds, and the most tokens that a prompt in it had, as far as was told."""
    answers, tokens = (await connection.execute(_SIZE, {"conversation": conversation.id})).one()
    return answers, tokens


async def current(connection: AsyncConnection, turn: Turn, upstream: str) -> Conversation:
    """The thread's current conversation at this upstream, begun if there is none; the turn belongs to it. Raises
    `LeaseLost`."""
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
    """The newest answered turns of the thread before this one, oldest first, within both bounds: all that were, where
    the upstream remembers nothing or the conversation begins; else those that others answered since it was last
    asked."""
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
