"""Recording what comes in: one message, in its caller's transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core import commands
from core.admission import ASKING, Admission, Admitted, Known, Refused, Verdict
from core.controls import RATINGS, Control, NotTaken
from core.model import Message, ThreadId
from core.overlap import interrupt, when
from core.settings import Overlapping
from core.statements import BANNED, REFUSAL, REFUSED, TURN, inserting, is_open, now, request_stop
from core.tables import Refusal, State, Turn

Enlist = Callable[[AsyncConnection, ThreadId], Awaitable[Turn | None]]
"""See `core.scheduler.Scheduler.enlist`."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A message that was not on record before."""

    turn: int | None
    """None: it was refused in silence, or needs no answer."""
    stops: int | None = None
    """The turn that it tells to stop."""
    begun: Turn | None = None
    """What `Enlist` gave."""
    waits: bool = False
    """It is let in, and an earlier turn of its thread is still open."""
    not_taken: NotTaken | None = None
    """It is a press that came to nothing."""


async def record(
    connection: AsyncConnection,
    bridge: str,
    message: Message,
    enlist: Enlist | None,
    admission: Admission | None,
    overlapping: Overlapping,
) -> Recorded | None:
    """Records a message as a waiting turn, or that it was refused. None: it was on record already, or its author is
    banned, and nothing changes. Without `admission` everybody else may say everything."""
    if message.about is not None and message.command in _AT_ONCE:
        barred = await admission.barred(connection, bridge, message) if admission is not None else None
        return Recorded(None, not_taken=barred) if barred else await _press(connection, message, message.about)
    verdict: Verdict = Admitted(counts=False)
    if admission is not None:
        await admission.hold(connection, bridge, message)
        verdict = await admission.judge(connection, bridge, message)
    match verdict:
        case Admitted(counts):
            new = await _insert(connection, _turn(bridge, message, overlapping) | {"counts": counts})
            if new is None and admission is not None:
                silence = await admission.silence(connection, bridge, message)
                if isinstance(silence, Refused):
                    await _refuse(connection, bridge, message, silence)
        case Known():
            return None
        case Refused():
            new = None
            if verdict.note is not None:
                told: dict[str, Any] = {
                    "command": REFUSED,
                    "reply": verdict.note,
                    "prompt": "",
                    "attachments": [],
                    "not_before": None,
                }
                new = await _insert(connection, _turn(bridge, message, Overlapping()) | told)
            await _refuse(connection, bridge, message, verdict)
            if new is None:
                return Recorded(None)
    if new is None:
        return None
    turn, waits = new
    stops = None
    if isinstance(verdict, Admitted):
        if message.command == "stop":
            stops = await request_stop(connection, message.thread, before=turn)
        elif overlapping.overlap == "interrupt" and message.command in ASKING:
            stops = await interrupt(connection, message, before=turn)
    begun = await enlist(connection, message.thread) if enlist is not None else None
    return Recorded(turn, stops, begun, waits and isinstance(verdict, Admitted))


_AT_ONCE = frozenset({"stop", *RATINGS})
"""Buttons that need no answer. What they do is done once, however often it is done."""


async def _press(connection: AsyncConnection, message: Message, about: int) -> Recorded:
    """Does what a button says to the turn that it belongs to."""
    pressed = update(TURN).where(TURN.c.id == about, TURN.c.thread == message.thread).returning(TURN.c.id)
    stop = message.command == "stop"
    if stop:
        pressed = pressed.where(is_open()).values(stop_requested=True)
    else:  # it may be pressed before the end of the turn is on record
        pressed = pressed.values(rating=RATINGS[Control(message.command)], rating_due=True)
    found: int | None = (await connection.execute(pressed)).scalar_one_or_none()
    if found is None:
        return Recorded(None, not_taken=NotTaken(commands.ENDED if stop else commands.UNKNOWN_ANSWER))
    return Recorded(None, found if stop else None)


def _turn(bridge: str, message: Message, overlapping: Overlapping) -> dict[str, Any]:
    at = now()
    return {
        "bridge": bridge,
        "thread": message.thread,
        "message": message.id,
        "author": message.author,
        "author_name": message.author_name,
        "channel": message.channel,
        "prompt": message.text,
        "attachments": [asdict(attachment) for attachment in message.attachments],
        "command": message.command,
        "state": State.WAITING,
        "attempt": 0,
        "album": message.album,
        "sent_at": message.sent_at,
        "accepted_at": at,
        **when(message, overlapping, at),
    }


@cache
def _inserting(dialect: str, names: tuple[str, ...]) -> Any:
    values = select(*(bindparam(name, type_=TURN.c[name].type) for name in names))
    refused = select(REFUSAL.c.id).where(
        REFUSAL.c.thread == bindparam("thread", type_=TURN.c.thread.type),
        REFUSAL.c.message == bindparam("message", type_=TURN.c.message.type),
    )
    banned = select(BANNED.c.at).where(
        BANNED.c.bridge == bindparam("bridge", type_=TURN.c.bridge.type),
        BANNED.c.author == bindparam("author", type_=TURN.c.author.type),
    )
    other = TURN.alias()
    earlier = select(other.c.id).where(
        other.c.thread == bindparam("thread", type_=TURN.c.thread.type),
        other.c.message != bindparam("message", type_=TURN.c.message.type),
        other.c.id > 0,  # or SQLite reads the whole thread, by an index that is no better to it than that of open turns
        is_open(other.c.state),
    )
    return (
        inserting(dialect)(TURN)
        .from_select(names, values.where(~refused.exists(), ~banned.exists()))
        .on_conflict_do_nothing(index_elements=["thread", "message"])
        .returning(TURN.c.id, earlier.exists())
    )


async def _insert(connection: AsyncConnection, values: dict[str, Any]) -> tuple[int, bool] | None:
    """The new turn, and whether another of its thread is open. None: the message was on record already, answered or
    refused; or its author is banned."""
    inserted = _inserting(connection.dialect.name, tuple(values))
    row = (await connection.execute(inserted, values)).first()
    return (row[0], bool(row[1])) if row is not None else None


async def _refuse(connection: AsyncConnection, bridge: str, message: Message, refused: Refused) -> None:
    row = Refusal(
        bridge=bridge,
        thread=message.thread,
        message=message.id,
        author=message.author,
        reason=refused.reason,
        subject=refused.subject,
        noted=refused.noted,
        at=now(),
    )
    await connection.execute(insert(REFUSAL).values(row.model_dump(exclude={"id"})))
