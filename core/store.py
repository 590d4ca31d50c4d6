"""The record: turns and what belongs to them, and the rules under which they may be written.

Every method is one transaction. A write that belongs to a running turn is fenced by the turn's attempt number: a
runner that was thought dead gets `LeaseLost` and can write nothing (I2). All raise `DatabaseError` when the database
cannot be used; where a server went away, those of a running turn are tried again first, and so do no harm when they are
done twice: a turn that was closed already is somebody else's then.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from core.admission import Admission
from core.bridge import Recent
from core.conversations import Conversations
from core.database import patient, transaction
from core.enclosures import Enclosures
from core.model import Attachment, Message, MessageId, ThreadId, Usage
from core.overlap import absorb, close_merged, may_gather, of_album
from core.parts import Parts
from core.recording import Enlist, Recorded, record
from core.settings import Overlapping
from core.statements import REFUSED, TURN, claim, is_open, now, write
from core.tables import State, Turn
from core.withdrawing import RecordedOffers

OF_LATE = timedelta(days=14)
MOST_THREADS = 1_000
NEWEST_TURNS = 50_000
"""What `Store.recent` looks through at most: the newest by their primary key, for no index is kept by time."""
Then = Callable[[AsyncConnection, Turn], Awaitable[None]]


def attachments_of(turn: Turn) -> tuple[Attachment, ...]:
    return tuple(Attachment(**stored) for stored in turn.attachments)


class Store:
    """What the relay remembers. Rows that it returns are detached copies."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self.conversations = Conversations(engine)
        self.parts = Parts(engine)
        self.offers = RecordedOffers(engine)
        self.enclosures = Enclosures(engine)

    def _transaction(self) -> AbstractAsyncContextManager[AsyncConnection]:
        return transaction(self._engine)

    # --- messages in --------------------------------------------------------------------------------------------

    @patient
    async def record(
        self,
        bridge: str,
        message: Message,
        enlist: Enlist | None = None,
        admission: Admission | None = None,
        overlapping: Overlapping | None = None,
    ) -> Recorded | None:
        """Records a message (I1). None: it was there already, and nothing changes."""
        async with self._transaction() as connection:
            return await record(connection, bridge, message, enlist, admission, overlapping or Overlapping())

    @patient
    async def takes_part(self, message: Message) -> bool:
        """Does a message that does not address the bot belong to what was said to it? The rest of an album does, and
        what is said in a thread in which somebody whom it answers had spoken to it at that moment, by the platform's
        clock."""
        if message.album is not None:
            earlier = of_album(message)
        else:
            earlier = select(TURN.c.id).where(
                TURN.c.thread == message.thread, TURN.c.sent_at <= message.sent_at, TURN.c.command != REFUSED
            )
        async with self._transaction() as connection:
            return (await connection.execute(earlier.limit(1))).first() is not None

    async def recent(self, bridge: str, within: timedelta) -> Recent:
        """What is on record of a bridge, for a platform that has to be asked for what was missed."""
        oldest = select(func.coalesce(func.max(TURN.c.id), 0) - NEWEST_TURNS).scalar_subquery()
        newest = (TURN.c.id > oldest, TURN.c.bridge == bridge)
        threads = (
            select(TURN.c.thread)
            .where(*newest, TURN.c.accepted_at >= now() - OF_LATE)
            .group_by(TURN.c.thread)
            .order_by(func.max(TURN.c.id).desc())
            .limit(MOST_THREADS)
        )
        messages = select(TURN.c.message).where(*newest, TURN.c.sent_at >= now() - within)
        async with self._transaction() as connection:
            return Recent(
                within,
                tuple(ThreadId(thread) for (thread,) in await connection.execute(threads)),
                frozenset(MessageId(message) for (message,) in await connection.execute(messages)),
            )

    # --- turns --------------------------------------------------------------------------------------------------

    async def busy(self, bridges: Collection[str]) -> list[ThreadId]:
        """The threads of these bridges that have open turns, those that wait longest first."""
        threads = (
            select(TURN.c.thread)
            .where(is_open(), TURN.c.bridge.in_(bridges))
            .group_by(TURN.c.thread)
            .order_by(func.min(TURN.c.id))
        )
        async with self._transaction() as connection:
            return [ThreadId(thread) for (thread,) in await connection.execute(threads)]

    @patient
    async def claim(self, thread: ThreadId, then: Then | None = None) -> Turn | None:
        """Takes the oldest open turn of a thread, one that an earlier runner left included. `then` goes on with it in
        the same transaction."""
        async with self._transaction() as connection:
            return await self.claim_within(connection, thread, then)

    async def claim_within(self, connection: AsyncConnection, thread: ThreadId, then: Then | None) -> Turn | None:
        turn = await claim(connection, thread)
        if turn is not None and then is not None:
            await then(connection, turn)
        return turn

    @patient
    async def close(
        self,
        turn: Turn,
        state: State,
        *,
        reply: str | None = None,
        error: str | None = None,
        offered: str | None = None,
        claim_next: bool = True,
        then: Then | None = None,
    ) -> Turn | None:
        """Ends a turn and, unless told not to, claims the next of its thread in the same transaction. `offered`: the
        last message of its reply has buttons, below this text. Raises `LeaseLost`."""
        async with self._transaction() as connection:
            await write(connection, turn, state=state, reply=reply, error=error, ended_at=now(), offered=offered)
            if may_gather(turn):
                await close_merged(connection, turn, state)
            return await self.claim_within(connection, ThreadId(turn.thread), then) if claim_next else None

    @patient
    async def release(self, turn: Turn) -> None:
        """Leaves a turn to the next runner, which takes it up where it is. Raises `LeaseLost`."""
        async with self._transaction() as connection:
            await write(connection, turn, state=State.WAITING)

    @patient
    async def repeat(self, turn: Turn) -> None:
        """Makes the turn ask what the last one of its thread asked that was not a command; if there is none, nothing
        changes. Raises `LeaseLost`."""
        earlier = (
            select(TURN.c.prompt, TURN.c.attachments)
            .where(
                TURN.c.thread == turn.thread,
                TURN.c.id < turn.id,
                TURN.c.command == "",
                ~TURN.c.erased,
                TURN.c.merged_into.is_(None),
            )
            .order_by(TURN.c.id.desc())
            .limit(1)
        )
        async with self._transaction() as connection:
            found = (await connection.execute(earlier)).first()
            if found is None:
                return
            asked = {"prompt": found.prompt, "attachments": found.attachments, "command": ""}
            await write(connection, turn, **asked)
        for name, value in asked.items():
            setattr(turn, name, value)

    @patient
    async def gather(self, turn: Turn) -> None:
        """Takes the messages that wait behind a turn, and belong to it, into its prompt (`core.overlap`). Raises
        `LeaseLost`."""
        async with self._transaction() as connection:
            changed = await absorb(connection, turn)
        for name, value in changed.items():
            setattr(turn, name, value)

    @patient
    async def used(self, turn: Turn, usage: Usage, answer_id: str = "") -> None:
        """Keeps what an answer cost, as far as the upstream told, and its name for it. Raises `LeaseLost`."""
        costs = {name: value for name, value in asdict(usage).items() if value is not None}
        if answer_id:
            costs["answer_id"] = answer_id
        if costs:
            async with self._transaction() as connection:
                await write(connection, turn, **costs)

    async def expire_overtaken(self, *, before: datetime) -> int:
        """Ends waiting turns from before that moment of which the same thread has a newer one as old: where many
        messages were left unanswered, one note is enough (I8). Returns how many."""
        newer = TURN.alias()
        overtaken = (
            select(newer.c.id)
            .where(
                newer.c.thread == TURN.c.thread,
                newer.c.id > TURN.c.id,
                is_open(newer.c.state),
                newer.c.accepted_at < before,
            )
            .exists()
        )
        expired = (
            update(TURN)
            # one that was begun may have something on the platform already, which only its own end makes right
            .where(
                TURN.c.state == State.WAITING,
                TURN.c.attempt == 0,
                TURN.c.merged_into.is_(None),
                TURN.c.accepted_at < before,
                overtaken,
            )
            .values(state=State.EXPIRED, ended_at=now())
        )
        async with self._transaction() as connection:
            return (await connection.execute(expired)).rowcount
