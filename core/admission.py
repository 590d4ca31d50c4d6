"""What becomes of a message: a turn, a turn that only tells why not, or silence.

Everything is decided in the transaction that records the message, by what is on record, so that it is right with any
number of listeners. A refusal is recorded too: a redelivery of a refused message is silence, however late it comes.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import BindParameter, bindparam, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core import banning, pairing
from core.access import Entry, entry
from core.controls import NotTaken
from core.model import Message
from core.overlap import of_album
from core.quota import DAY, Asked, exceeded, scopes
from core.settings import Access
from core.statements import REFUSAL, TURN, hold, now

log = logging.getLogger(__name__)

ASKING = frozenset({"", "retry"})
"""What asks the assistant. Other commands are answered by the program itself, and no limit is in their way."""


@dataclass(frozen=True, slots=True)
class Admitted:
    counts: bool
    """Do limits count it?"""


@dataclass(frozen=True, slots=True)
class Refused:
    reason: str
    subject: str
    noted: bool
    """The first of its reason and subject for a while."""
    note: str | None
    """What the person is told; None: nothing."""


@dataclass(frozen=True, slots=True)
class Known:
    """It would be refused, and is on record already. (Of what is let in, recording finds that out by itself.)"""


Verdict = Admitted | Refused | Known


class Admission:
    """`access` is keyed by the name of the bridge."""

    def __init__(self, access: Mapping[str, Access]) -> None:
        self._access = access

    async def hold(self, connection: AsyncConnection, bridge: str, message: Message) -> None:
        """Lets nobody else decide about the same person, or within the same limits, until the transaction's end."""
        for _, name, _ in scopes(self._access[bridge], Asked(bridge, message, now())):
            await hold(connection, name)

    async def barred(self, connection: AsyncConnection, bridge: str, message: Message) -> NotTaken | None:
        """Why this person may press nothing in this place, if that is so. Counts nothing."""
        if await banning.is_banned(connection, bridge, message.author):
            return NotTaken("")
        if await self._enters(connection, bridge, message):
            return None
        access = self._access[bridge]
        if access.denied == "silence":
            return NotTaken("")
        reason = "place" if entry(access, message) is Entry.PLACE else pairing.STRANGER
        return NotTaken(f"This was not taken. {_DENIED[reason]}")

    async def _enters(self, connection: AsyncConnection, bridge: str, message: Message) -> bool:
        access = self._access[bridge]
        match entry(access, message):
            case Entry.OPERATOR | Entry.LET_IN:
                return True
            case Entry.PLACE:
                return False
            case Entry.STRANGER:
                return access.policy == "pairing" and await pairing.is_paired(connection, bridge, message.author)

    async def judge(self, connection: AsyncConnection, bridge: str, message: Message) -> Verdict:
        """After `hold`."""
        access = self._access[bridge]
        match entry(access, message):
            case Entry.OPERATOR:
                return Admitted(counts=False)
            case Entry.PLACE:
                return await self._denied(connection, bridge, message, "place")
            case Entry.STRANGER:
                if not await self._enters(connection, bridge, message):
                    return await self._denied(connection, bridge, message, pairing.STRANGER)
            case Entry.LET_IN:
                pass
        if message.command not in ASKING or await _continues(connection, message):
            return Admitted(counts=False)
        asked = Asked(bridge, message, now())
        found = await exceeded(connection, access, asked)
        if found is None:
            return Admitted(counts=True)
        if (silence := await self.silence(connection, bridge, message)) is not None:
            return silence
        # where a limit is not the person's own, whoever meets it, the place is told once
        subject = message.author if found.whose == "person" else message.channel
        noted = not await _noted(connection, bridge, subject, found.limit, found.within)
        return Refused(found.limit, subject, noted, found.note if noted else None)

    async def silence(self, connection: AsyncConnection, bridge: str, message: Message) -> Refused | Known | None:
        """Why a message is passed over in silence: it is on record already, or its author is banned."""
        if await _known(connection, message):
            return Known()
        if await banning.is_banned(connection, bridge, message.author):
            return Refused("banned", message.author, noted=False, note=None)
        return None

    async def _denied(self, connection: AsyncConnection, bridge: str, message: Message, reason: str) -> Refused | Known:
        if (silence := await self.silence(connection, bridge, message)) is not None:
            return silence
        access = self._access[bridge]
        pairable = reason == pairing.STRANGER and access.policy == "pairing"
        within = pairing.LIFETIME if pairable and access.denied == "note" else DAY
        if not message.addressed or await _noted(connection, bridge, message.author, reason, within):
            return Refused(reason, message.author, noted=False, note=None)
        _tell_operator(bridge, message, reason)
        note = None
        if access.denied == "note":
            code = None
            if pairable:
                code = await pairing.offer(connection, bridge, message.author, message.author_name)
            note = _with_code(pairing.written(code)) if code else _DENIED[reason]
        return Refused(reason, message.author, noted=True, note=note)


_THREAD: BindParameter[str] = bindparam("of_thread")
_MESSAGE: BindParameter[str] = bindparam("of_message")
_KNOWN = select(
    or_(
        select(TURN.c.id).where(TURN.c.thread == _THREAD, TURN.c.message == _MESSAGE).exists(),
        select(REFUSAL.c.id).where(REFUSAL.c.thread == _THREAD, REFUSAL.c.message == _MESSAGE).exists(),
    )
)


async def _known(connection: AsyncConnection, message: Message) -> bool:
    asked = {"of_thread": message.thread, "of_message": message.id}
    known: bool = (await connection.execute(_KNOWN, asked)).scalar_one()
    return known


async def _continues(connection: AsyncConnection, message: Message) -> bool:
    """Does it belong to an album of which a part was let in already?"""
    if message.album is None:
        return False
    return (await connection.execute(of_album(message).limit(1))).first() is not None


async def _noted(connection: AsyncConnection, bridge: str, subject: str, reason: str, within: timedelta) -> bool:
    told = select(REFUSAL.c.id).where(
        REFUSAL.c.bridge == bridge,
        REFUSAL.c.subject == subject,
        REFUSAL.c.reason == reason,
        REFUSAL.c.noted,
        REFUSAL.c.at > now() - within,
    )
    return (await connection.execute(told.limit(1))).first() is not None


# --- words --------------------------------------------------------------------------------------------------------

_DENIED = {
    "place": "I do not answer here.",
    pairing.STRANGER: "I only answer people whom my operator has let in.",
}


def _with_code(code: str) -> str:
    return (
        f"I only answer people whom my operator has let in. To be let in, give my operator this code within an hour: "
        f"`{code}`. It is confirmed with `threadbridge pair {code}`."
    )


def _tell_operator(bridge: str, message: Message, reason: str) -> None:
    if reason == "place":
        log.info("%s is not answered on %s in channel %s", message.author_name, bridge, message.channel)
    else:
        log.warning(
            "%s is not let in on %s. To let this person in, add %s to access.%s.users.",
            message.author_name,
            bridge,
            message.author,
            bridge,
        )
