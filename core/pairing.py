"""Letting strangers in: each is given a code, and the operator confirms it.

A code says nothing to whoever only sees it in a chat: it has to be entered where the program is run.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from core.database import transaction
from core.errors import ThreadbridgeError
from core.statements import PAIRED, PAIRING, REFUSAL, hold, now
from core.tables import Paired, Pairing

LIFETIME = timedelta(hours=1)
"""How long a code may be confirmed."""
MOST_PENDING = 20
"""Codes of one bridge that may wait for it at the same time."""
STRANGER = "stranger"
"""Why whoever is not let in is refused, on record."""
LENGTH = 6
ALPHABET = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
"""Without what is mistaken for something else when it is read out or copied by hand."""


def written(code: str) -> str:
    """As people read it: `ABC-DEF`."""
    return f"{code[: LENGTH // 2]}-{code[LENGTH // 2 :]}"


def read(text: str) -> str:
    """The code in what an operator typed, in whatever case, with dashes and spaces anywhere."""
    return "".join(sign for sign in text.upper() if sign.isalnum())


# --- within the transaction that refuses a stranger ---------------------------------------------------------------


async def is_paired(connection: AsyncConnection, bridge: str, author: str) -> bool:
    found = select(PAIRED.c.at).where(PAIRED.c.bridge == bridge, PAIRED.c.author == author)
    return (await connection.execute(found)).first() is not None


async def offer(connection: AsyncConnection, bridge: str, author: str, author_name: str) -> str | None:
    """A new code for this person, in the place of an earlier one; None while too many others wait."""
    await hold(connection, f"pairing {bridge}")
    mine = (PAIRING.c.bridge == bridge) & (PAIRING.c.author == author)
    await connection.execute(delete(PAIRING).where(mine | (PAIRING.c.expires_at <= now())))
    pending = select(func.count()).select_from(PAIRING).where(PAIRING.c.bridge == bridge)
    if (await connection.execute(pending)).scalar_one() >= MOST_PENDING:
        return None
    code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    row = Pairing(code=code, bridge=bridge, author=author, author_name=author_name, expires_at=now() + LIFETIME)
    await connection.execute(insert(PAIRING).values(row.model_dump()))
    return code


# --- the operator's side ------------------------------------------------------------------------------------------


class Register:
    """Who was let in, and who waits for it. Every method is one transaction; all raise `DatabaseError`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def confirm(self, text: str) -> Paired:
        """Lets in the person who was given this code. Raises `ThreadbridgeError` if nobody was, or too long ago."""
        taken = (
            delete(PAIRING)
            .where(PAIRING.c.code == read(text), PAIRING.c.expires_at > now())
            .returning(PAIRING.c.bridge, PAIRING.c.author, PAIRING.c.author_name)
        )
        async with transaction(self._engine) as connection:
            found = (await connection.execute(taken)).first()
            if found is None:
                raise ThreadbridgeError(
                    f"Nobody was given the code {text}, or it is more than an hour old. threadbridge pair --list shows "
                    "who waits; whoever writes to the bot after an hour is given a new code."
                )
            person = Paired(**found._mapping, at=now())
            await connection.execute(delete(PAIRED).where(_is(person)))
            await connection.execute(insert(PAIRED).values(person.model_dump()))
        return person

    async def revoke(self, author: str) -> Sequence[Paired]:
        """Takes the right away from whoever has this id, and says on which bridges; from none if nobody has it. What
        the person was told as a stranger counts no more: they are told again, with a new code."""
        revoked = delete(PAIRED).where(PAIRED.c.author == author).returning(PAIRED)
        told = update(REFUSAL).where(REFUSAL.c.subject == author, REFUSAL.c.reason == STRANGER, REFUSAL.c.noted)
        async with transaction(self._engine) as connection:
            people = [Paired(**row._mapping) for row in await connection.execute(revoked)]
            await connection.execute(
                told.where(REFUSAL.c.bridge.in_([one.bridge for one in people])).values(noted=False)
            )
        return people

    async def paired(self) -> Sequence[Paired]:
        people = select(PAIRED).order_by(PAIRED.c.bridge, PAIRED.c.at)
        async with transaction(self._engine) as connection:
            return [Paired(**row._mapping) for row in await connection.execute(people)]

    async def pending(self) -> Sequence[Pairing]:
        waiting = select(PAIRING).where(PAIRING.c.expires_at > now()).order_by(PAIRING.c.expires_at)
        async with transaction(self._engine) as connection:
            return [Pairing(**row._mapping) for row in await connection.execute(waiting)]


def _is(person: Paired) -> ColumnElement[bool]:
    return (PAIRED.c.bridge == person.bridge) & (PAIRED.c.author == person.author)
