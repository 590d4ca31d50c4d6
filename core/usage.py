"""What was used: questions to the assistant, tokens and credits, added up by day and by whom they belong to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import CTE, ColumnElement, CompoundSelect, Select, String, case, func, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncEngine

from core.database import transaction
from core.statements import TURN, is_question, now

MOST_ROWS = 50
NEWEST_TURNS = 50_000
"""What was used is added up of no more."""


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
        rows = [(row.by, Used(*row[1:])) for row in await connection.execute(_used(engine.dialect.name, begin))]
    by_day = {used.key: used for by, used in rows if by == "day"}
    people, channels, upstreams = (
        sorted((used for by, used in rows if by == wanted), key=lambda used: (-used.turns, used.key))
        for wanted in ("person", "channel", "upstream")
    )
    return Usage(_every(begin, today, by_day), people, channels, upstreams)


def _every(begin: date, end: date, known: Mapping[str, Used]) -> list[Used]:
    """Also the days on which nothing was asked."""
    days = [(begin + timedelta(days=one)).isoformat() for one in range((end - begin).days + 1)]
    return [known.get(day) or Used(day, "", "", 0, 0, 0, 0, 0.0) for day in days]


def _used(dialect: str, begin: date) -> CompoundSelect[Any]:
    """All of it by one statement: turns are wide, and each is read once."""
    day = (
        func.substr(TURN.c.accepted_at, 1, 10, type_=String)  # as SQLite keeps it
        if dialect == "sqlite"
        else func.to_char(func.timezone("UTC", TURN.c.accepted_at), "YYYY-MM-DD")
    )
    turns = (
        select(
            day.label("day"),
            *(TURN.c[name] for name in ("bridge", "author", "author_name")),
            func.coalesce(TURN.c.channel, "").label("channel"),
            func.coalesce(TURN.c.upstream, "").label("upstream"),
            TURN.c.state.in_(("failed", "expired")).label("failed"),
            *(TURN.c[name] for name in ("prompt_tokens", "reply_tokens", "credits")),
        )
        .where(
            # no column, so that SQLite finds what is recent by its moment
            TURN.c.id + 0 > select(func.coalesce(func.max(TURN.c.id), 0) - NEWEST_TURNS).scalar_subquery(),
            TURN.c.accepted_at >= datetime.combine(begin, time(), UTC),
            is_question(),
            TURN.c.merged_into.is_(None),
        )
        .cte("turns")
    )
    its = turns.c
    return union_all(
        _by("day", turns, its.day),
        _by("person", turns, its.author, its.bridge, name=func.max(its.author_name)),
        _by("channel", turns, its.channel, its.bridge),
        _by("upstream", turns, its.upstream),
    )


def _by(
    by: str,
    turns: CTE,
    key: ColumnElement[str],
    bridge: ColumnElement[str] | None = None,
    *,
    name: ColumnElement[Any] | None = None,
) -> Select[Any]:
    rows = (
        select(
            literal(by).label("by"),
            key.label("key"),
            (bridge if bridge is not None else literal("")).label("bridge"),
            (name if name is not None else literal("")).label("name"),
            func.count().label("turns"),
            func.count(case((turns.c.failed, 1))).label("failed"),
            func.coalesce(func.sum(turns.c.prompt_tokens), 0).label("prompt_tokens"),
            func.coalesce(func.sum(turns.c.reply_tokens), 0).label("reply_tokens"),
            func.coalesce(func.sum(turns.c.credits), 0.0).label("credits"),
        )
        .group_by(key, *([bridge] if bridge is not None else []))
        .order_by(func.count().desc(), key)
    )
    return select((rows if by == "day" else rows.limit(MOST_ROWS)).subquery())
