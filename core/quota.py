"""How much may be used: limits of a person, a channel and a whole bridge, counted on the record itself.

A window slides: what counts is what was accepted within the last minute or day. So the moment at which there is room
again is known exactly, and is what the person is told.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, FromClause, Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.model import Message
from core.settings import Access, Limits
from core.statements import TURN, is_open
from core.tables import State

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)

Whose = Literal["person", "channel", "bridge"]


@dataclass(frozen=True, slots=True)
class Exceeded:
    """A message for which there is no room."""

    limit: str
    """Such as `person.turns_per_day`."""
    whose: Whose
    within: timedelta
    """How long it is enough to have said so once."""
    note: str


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose message it is, where, and when."""

    bridge: str
    message: Message
    at: datetime

    def of(self, whose: Whose, turns: FromClause = TURN) -> list[ColumnElement[bool]]:
        """The turns that count for the same person, channel or bridge."""
        mine: list[ColumnElement[bool]] = [turns.c.counts, turns.c.bridge == self.bridge]
        match whose:
            case "person":
                mine.append(turns.c.author == self.message.author)
            case "channel":
                mine.append(turns.c.channel == self.message.channel)
            case "bridge":
                pass
        return mine


def scopes(access: Access, asked: Asked) -> Iterator[tuple[Whose, str, Limits]]:
    """Whose limits a message is counted against, with the name under which nobody else may count meanwhile. Always in
    the same order, the narrowest first."""
    yield "person", f"person {asked.bridge} {asked.message.author}", access
    if access.channel != Limits():
        yield "channel", f"channel {asked.bridge} {asked.message.channel}", access.channel
    if access.bridge != Limits():
        yield "bridge", f"bridge {asked.bridge}", access.bridge


async def exceeded(connection: AsyncConnection, access: Access, asked: Asked) -> Exceeded | None:
    """The first limit that has no room for this message. For the holder of the names of `scopes`."""
    if access.characters and len(asked.message.text) > access.characters:
        note = f"This message is too long: I take at most {access.characters:,} characters. Please shorten it."
        return Exceeded("person.characters", "person", MINUTE, note)
    for whose, _, limits in scopes(access, asked):
        for period, within, most in (("minute", MINUTE, limits.turns_per_minute), ("day", DAY, limits.turns_per_day)):
            if most and (full := (await connection.execute(_turns(asked, whose, most, within))).scalar()):
                used = f"I answer at most {_messages(most)} a {period} {_FROM[whose]}."
                return Exceeded(f"{whose}.turns_per_{period}", whose, within, _note(used, full + within - asked.at))
        for name, spendable, cost in (
            ("tokens_per_day", limits.tokens_per_day, _TOKENS),
            ("credits_per_day", limits.credits_per_day, TURN.c.credits),
        ):
            if spendable and (full := (await connection.execute(_spent(asked, whose, spendable, cost))).scalar()):
                return Exceeded(f"{whose}.{name}", whose, DAY, _note(_USED_UP[whose], full + DAY - asked.at))
        most = limits.waiting_turns
        if most and (await connection.execute(_waiting(asked, whose, most))).scalar_one() >= most:
            return Exceeded(f"{whose}.waiting_turns", whose, MINUTE, _WAITING[whose])
    return None


# --- counting -----------------------------------------------------------------------------------------------------

_TOKENS = func.coalesce(TURN.c.prompt_tokens, 0) + func.coalesce(TURN.c.reply_tokens, 0)


def _turns(asked: Asked, whose: Whose, most: int, within: timedelta) -> Select[datetime]:
    """When the turn was accepted that has to leave the window before there is room; none if there is.

    Only turns count that were also said within the same time before this message: what was missed during an outage
    comes all at once, and nobody said it all at once."""
    return (
        select(TURN.c.accepted_at)
        .where(
            *asked.of(whose),
            TURN.c.accepted_at > asked.at - within,
            TURN.c.sent_at > asked.message.sent_at - within,
        )
        .order_by(TURN.c.accepted_at.desc())
        .offset(most - 1)
        .limit(1)
    )


def _spent(asked: Asked, whose: Whose, most: float, cost: ColumnElement[Any]) -> Select[datetime]:
    """The same for what turns cost: the newest turn that reaches the limit together with all after it."""
    newest_first = (TURN.c.accepted_at.desc(), TURN.c.id.desc())
    sums = (
        select(TURN.c.accepted_at, func.sum(cost).over(order_by=newest_first).label("spent"))
        .where(*asked.of(whose), TURN.c.accepted_at > asked.at - DAY)
        .subquery()
    )
    return select(sums.c.accepted_at).where(sums.c.spent >= most).order_by(sums.c.accepted_at.desc()).limit(1)


# looked for among the open turns alone: by person, channel or bridge a database would read all that there ever were
_OPEN = (
    select(TURN.c.bridge, TURN.c.author, TURN.c.channel, TURN.c.counts, TURN.c.state, TURN.c.merged_into)
    .where(is_open())
    .cte("open_turns")
    .prefix_with("MATERIALIZED")
)


def _waiting(asked: Asked, whose: Whose, most: int) -> Select[int]:
    waiting = (
        select(_OPEN.c.state)
        .where(*asked.of(whose, _OPEN), _OPEN.c.state == State.WAITING, _OPEN.c.merged_into.is_(None))
        .limit(most)
        .subquery()
    )
    return select(func.count()).select_from(waiting)


# --- words --------------------------------------------------------------------------------------------------------

_FROM = {"person": "from one person", "channel": "in one channel", "bridge": "altogether"}
_USED_UP = {
    "person": "What one person may use in a day is used up.",
    "channel": "What may be used in one channel in a day is used up.",
    "bridge": "What I may use in a day is used up.",
}
_WAITING = {
    "person": "Too many of your messages are waiting for their answers. Please ask again when you have those.",
    "channel": "Too many messages are waiting for answers here. Please ask again when they have been given.",
    "bridge": "Too many messages are waiting for answers just now. Please ask again in a few minutes.",
}


def _note(reason: str, left: timedelta) -> str:
    return f"{reason} Please ask again in {duration(left)}."


def _messages(most: int) -> str:
    return "one message" if most == 1 else f"{most:,} messages"


def duration(left: timedelta) -> str:
    """Never less than what is left: whoever waits so long is let in."""
    seconds = max(1, math.ceil(left.total_seconds()))
    for size, name in ((3600, "hours"), (60, "minutes"), (1, "seconds")):
        if seconds > size * 1.5 or size == 1:
            amount = math.ceil(seconds / size)
            return f"{amount} {name if amount > 1 else name.removesuffix('s')}"
    raise AssertionError
