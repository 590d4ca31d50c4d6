"""A record of what was said, for tests of what an operator sees."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from core.database import transaction
from core.statements import CONVERSATION, PART, REFUSAL, TURN, now

NASTY = '<script>document.title = "taken"</script><img src=x onerror="document.title=1">{{ 7 * 7 }}'


def turn_row(number: int, **changed: Any) -> dict[str, Any]:
    at = now() - timedelta(minutes=number)
    values: dict[str, Any] = {
        "bridge": "slack",
        "thread": "slack:harbour:1",
        "message": f"m{number}",
        "author": "u1",
        "author_name": "Ann",
        "channel": "harbour",
        "prompt": f"Question {number}",
        "attachments": [],
        "command": "",
        "state": "answered",
        "attempt": 1,
        "counts": True,
        "upstream": "main",
        "reply": f"Answer {number}",
        "sent_at": at,
        "accepted_at": at,
        "started_at": at,
        "ended_at": at,
    }
    return values | changed


async def conversation(engine: AsyncEngine, thread: str = "slack:harbour:1", upstream_id: str | None = "up-1") -> int:
    row = {"thread": thread, "upstream": "main", "upstream_id": upstream_id, "fresh": True, "started_at": now()}
    async with transaction(engine) as connection:
        found: int = (
            await connection.execute(insert(CONVERSATION).values(row).returning(CONVERSATION.c.id))
        ).scalar_one()
    return found


async def turn(engine: AsyncEngine, number: int, **changed: Any) -> int:
    """With one message of its reply."""
    async with transaction(engine) as connection:
        row = insert(TURN).values(turn_row(number, **changed)).returning(TURN.c.id)
        found: int = (await connection.execute(row)).scalar_one()
        part = {"turn_id": found, "position": 0, "key": f"key{found}", "message": f"p{found}"}
        await connection.execute(insert(PART).values(part))
    return found


async def turns(engine: AsyncEngine, rows: Sequence[dict[str, Any]]) -> None:
    """Many at once; each has its `number`."""
    keys: dict[str, Any] = {key: turn_row(0).get(key) for row in rows for key in row}
    async with transaction(engine) as connection:
        await connection.execute(insert(TURN), [turn_row(**(keys | row)) for row in rows])


async def refusal(engine: AsyncEngine, number: int, **changed: Any) -> None:
    row: dict[str, Any] = {
        "bridge": "slack",
        "thread": "slack:harbour:1",
        "message": f"r{number}",
        "author": "u1",
        "reason": "stranger",
        "subject": "u1",
        "noted": False,
        "at": datetime.now(UTC),
    }
    async with transaction(engine) as connection:
        await connection.execute(insert(REFUSAL).values(row | changed))
