"""What was used: questions to the assistant, tokens and credits, added up by day and by whom they belong to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from core.database import transaction
from core.reading import newest
from core.statements import TURN, now

MOST_ROWS = 50


@dataclass(frozen=True, slots=True)
class Used:
    key: str
    """A day as `2026-01-31`, a person's or channel's id, or the name of an upstream."""
    bridge: str
    """Empty where it is of all."""
    name: str
    """A person's own; else empty."""
    turns: int
    failed: int
    prompt_tokens: int
    reply_tokens: int
    credits: float


@dataclass(frozen=True, slots=True)
class Usage:
    """By day every day, the oldest first; by the others those that asked most, the most first."""

    days: Sequence[Used]
    people: Sequence[Used]
    channels: Sequence[Used]
    upstreams: Sequence[Used]


async def usage(engine: AsyncEngine, days: int) -> Usage:
    """Of the last so many days, today (UTC) included. Raises `DatabaseError`."""
    today = now().date()
    begin = today - timedelta(days=days - 1)
    async with transaction(engine) as connection:
        by_day = await _used(connection, begin, _day(engine.dialect.name), order="key")
        people = await _used(connection, begin, TURN.c.author, TURN.c.bridge, name=func.max(TURN.c.author_name))
        channels = await _used(connection, begin, func.coalesce(TURN.c.channel, ""), TURN.c.bridge)
        upstreams = await _used(connection, begin, func.coalesce(TURN.c.upstream, ""))
    return Usage(_every(begin, today, {one.key: one for one in by_day}), people, channels, upstreams)


def _every(begin: date, end: date, known: Mapping[str, Used]) -> list[Used]:
    """Also the days on which nothing was asked."""
    days = [(begin + timedelta(days=one)).isoformat() for one in range((end - begin).days + 1)]
    return [known.get(day) or Used(day, "", "", 0, 0, 0, 0, 0.0) for day in days]


def _day(dialect: str) -> ColumnElement[str]:
    if dialect == "sqlite":
        return func.strftime("%Y-%m-%d", TURN.c.accepted_at)
    return func.to_char(func.timezone("UTC", TURN.c.accepted_at), "YYYY-MM-DD")


async def _used(
    connection: AsyncConnection,
    begin: date,
    key: ColumnElement[str],
    bridge: ColumnElement[str] | None = None,
    *,
    name: ColumnElement[Any] | None = None,
    order: str = "turns",
) -> list[Used]:
    columns = [
        key.label("key"),
        *([bridge.label("bridge")] if bridge is not None else []),
        *([name.label("name")] if name is not None else []),
        func.count().label("turns"),
        func.count(case((TURN.c.state.in_(("failed", "expired")), 1))).label("failed"),
        func.coalesce(func.sum(TURN.c.prompt_tokens), 0).label("prompt_tokens"),
        func.coalesce(func.sum(TURN.c.reply_tokens), 0).label("reply_tokens"),
        func.coalesce(func.sum(TURN.c.credits), 0.0).label("credits"),
    ]
    groups = ["key", *(["bridge"] if bridge is not None else [])]
    found = (
        select(*columns)
        .where(
            newest(),
            TURN.c.accepted_at >= datetime.combine(begin, time(), UTC),
            TURN.c.command == "",
            TURN.c.merged_into.is_(None),
        )
        .group_by(*groups)
        .order_by("key" if order == "key" else func.count().desc(), "key")
    )
    if order != "key":
        found = found.limit(MOST_ROWS)
    empty = {"bridge": "", "name": ""}
    return [Used(**{**empty, **row._mapping}) for row in await connection.execute(found)]
