"""What an operator does to a thread: the same marks and turns on the record as a person's commands, so that whichever
process has the thread carries them out."""

from __future__ import annotations

import secrets
from typing import Literal

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from core.database import transaction
from core.errors import ThreadbridgeError
from core.model import Message, MessageId, ThreadId
from core.recording import record
from core.scheduler import Scheduler
from core.settings import Overlapping
from core.statements import CONVERSATION, TURN, is_open, now
from core.tables import Conversation, Turn

_BY_OPERATOR = "operator:"


def by_operator(turn: Turn) -> bool:
    """Did an operator give this command? Then there is no message of a person that it answers."""
    return turn.message.startswith(_BY_OPERATOR)


class Operating:
    """Every method is one transaction. All raise `DatabaseError`, and `ThreadbridgeError` if there is nothing to do."""

    def __init__(self, engine: AsyncEngine, scheduler: Scheduler) -> None:
        self._engine = engine
        self._scheduler = scheduler

    async def stop(self, turn: int) -> None:
        """Ends a turn that is open; those that wait behind it go on."""
        wanted = update(TURN).where(TURN.c.id == turn, is_open()).values(stop_requested=True)
        async with transaction(self._engine) as connection:
            if (await connection.execute(wanted)).rowcount != 1:
                raise ThreadbridgeError("This turn has ended already: there is nothing to stop.")
        self.stopped(turn)

    def stopped(self, turn: int) -> None:
        """A turn was marked as not wanted any more."""
        self._scheduler.stop_turn(turn)

    async def command(self, conversation: int, command: Literal["retry", "new"]) -> int:
        """Records a command in the conversation's thread, in the name of whoever spoke there last. Gives its turn."""
        thread = select(CONVERSATION.c.thread).where(CONVERSATION.c.id == conversation).scalar_subquery()
        last = select(TURN).where(TURN.c.thread == thread).order_by(TURN.c.id.desc()).limit(1)
        async with transaction(self._engine) as connection:
            found = (await connection.execute(last)).first()
            if found is None:
                raise ThreadbridgeError("Nothing was said in this thread yet.")
            message = Message(
                id=MessageId(f"{_BY_OPERATOR}{secrets.token_hex(12)}"),
                thread=ThreadId(found.thread),
                author=found.author,
                author_name=found.author_name,
                text="",
                sent_at=now(),
                channel=found.channel or "",
                addressed=True,
                command=command,
            )
            recorded = await record(
                connection, found.bridge, message, self._scheduler.enlist, admission=None, overlapping=Overlapping()
            )
        assert recorded is not None
        assert recorded.turn is not None
        self._scheduler.wake(message.thread, recorded.begun)
        return recorded.turn

    async def rebind(self, conversation: int, upstream: str, upstream_id: str) -> int:
        """From the next turn on, the conversation's thread goes on in another conversation of an upstream, of which
        nothing that was said before is a part. Gives the new one."""
        thread = select(CONVERSATION.c.thread).where(CONVERSATION.c.id == conversation)
        async with transaction(self._engine) as connection:
            found = (await connection.execute(thread)).scalar_one_or_none()
            if found is None:
                raise ThreadbridgeError("There is no such conversation.")
            row = Conversation(thread=found, upstream=upstream, upstream_id=upstream_id, fresh=True, started_at=now())
            begun = insert(CONVERSATION).values(row.model_dump(exclude={"id"})).returning(CONVERSATION.c.id)
            new: int = (await connection.execute(begun)).scalar_one()
            return new
