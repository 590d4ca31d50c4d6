"""Messages that come while an earlier one of their thread is still open: in turn, as one, or in its place.

Which turns are answered as one is decided when the first of them begins: until then each is a turn of its own on the
record, so that nothing depends on a process that waits. What is merged is in the prompt of the first from then on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import Select, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.model import Message
from core.settings import Overlapping
from core.statements import REFUSED, TURN, is_open, now, write
from core.tables import State, Turn

ALBUM = timedelta(seconds=1)
"""How long the parts of an album may follow each other."""
MOST = 100
"""Messages of one prompt; what waits behind them is the next."""
LONGEST = 60.0
"""Seconds that a turn waits for more at most, whatever the clocks of two machines say."""


def when(message: Message, overlapping: Overlapping, at: datetime) -> dict[str, Any]:
    """What a new turn says about being answered together with others."""
    if message.command:
        return {}
    gathers = timedelta(seconds=overlapping.gather_within)
    if message.album is not None:
        gathers = max(gathers, ALBUM)
    return {"merges": overlapping.overlap != "queue", "not_before": at + gathers if gathers else None}


def following(first: Turn, others: Iterable[Turn]) -> Iterator[Turn]:
    """Of the turns that wait behind `first`, in their order, those that are answered together with it: what the same
    person said next, as long as it belongs together. Pure."""
    until = first.not_before
    for other in others:
        mine = other.author == first.author and not other.command and not other.stop_requested and not other.attempt
        soon = other.not_before is not None and until is not None and other.accepted_at <= until
        same = other.album is not None and other.album == first.album
        if not (mine and (other.merges or soon or same)):
            return
        if other.not_before is not None:
            until = max(until or other.not_before, other.not_before)
        yield other


class Gathers(Protocol):
    """The part of the store that this needs."""

    def gather(self, turn: Turn, /) -> Awaitable[None]: ...


async def gathered(store: Gathers, turn: Turn) -> None:
    """Returns when all that belongs to a question has come, and is in its prompt. Raises `LeaseLost` and
    `DatabaseError`."""
    if turn.command or turn.conversation_id is not None or not may_gather(turn):
        return  # nothing belongs to it, or it has been asked already
    until: datetime | None = None
    while turn.not_before is not None and turn.not_before != until:
        until = turn.not_before
        await asyncio.sleep(min(LONGEST, max(0.0, (until - now()).total_seconds())))
        await store.gather(turn)
    if until is None:
        await store.gather(turn)


def may_gather(turn: Turn) -> bool:
    return turn.merges or turn.not_before is not None


# --- statements ---------------------------------------------------------------------------------------------------


def of_album(message: Message) -> Select[int]:
    """The turns that the same person began with a part of the same album."""
    return select(TURN.c.id).where(
        TURN.c.thread == message.thread,
        TURN.c.album == message.album,
        TURN.c.author == message.author,
        TURN.c.command != REFUSED,
    )


async def absorb(connection: AsyncConnection, turn: Turn) -> dict[str, Any]:
    """Takes what waits behind a running turn, and belongs to it, into its prompt. Gives what it changed in the turn;
    done twice it takes nothing twice. Raises `LeaseLost`."""
    row = (await connection.execute(select(TURN).where(TURN.c.id == turn.id))).one()
    first = Turn(**row._mapping)
    behind = (
        select(TURN)
        .where(
            TURN.c.thread == turn.thread,
            TURN.c.id > turn.id,
            is_open(),
            TURN.c.merged_into.is_(None),
        )
        .order_by(TURN.c.id)
        .limit(MOST)
    )
    others = list(following(first, [Turn(**row._mapping) for row in await connection.execute(behind)]))
    changed: dict[str, Any] = {
        "prompt": "\n\n".join(text for text in (first.prompt, *(one.prompt for one in others)) if text.strip()),
        "attachments": [file for one in (first, *others) for file in one.attachments],
        "not_before": max((one.not_before for one in (first, *others) if one.not_before is not None), default=None),
    }
    await write(connection, turn, **changed)
    if others:
        merged = update(TURN).where(TURN.c.id.in_([one.id for one in others]), TURN.c.state == State.WAITING)
        await connection.execute(merged.values(merged_into=turn.id))
    return changed


async def close_merged(connection: AsyncConnection, turn: Turn, state: State) -> None:
    """What was merged into a turn ends as that does."""
    merged = update(TURN).where(TURN.c.merged_into == turn.id, is_open())
    await connection.execute(merged.values(state=state, ended_at=now()))


async def interrupt(connection: AsyncConnection, message: Message, *, before: int) -> int | None:
    """Marks the turn of the same person that is running in the thread as not wanted any more, unless it still waits for
    more, to which this message belongs. Gives its id; None: there is none."""
    mine = (
        select(TURN.c.id, TURN.c.state, TURN.c.not_before, TURN.c.album)
        .where(
            TURN.c.thread == message.thread,
            TURN.c.author == message.author,
            TURN.c.id < before,
            is_open(),
            TURN.c.command.in_(("", "retry")),
        )
        # the one that runs is the oldest; if it ends just now, the next is
        .order_by(TURN.c.id)
        .limit(2)
        # a turn that begins just now is waited for: either it is seen as running here, or this message is seen there
        .with_for_update()
    )
    for turn in await connection.execute(mine):
        gathers = turn.not_before is not None and turn.not_before > now()
        same = turn.album is not None and turn.album == message.album
        if turn.state == State.RUNNING and not gathers and not same:
            await connection.execute(update(TURN).where(TURN.c.id == turn.id).values(stop_requested=True))
            return int(turn.id)
    return None
