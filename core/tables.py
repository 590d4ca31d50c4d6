"""What lasts. One schema for SQLite and PostgreSQL; `migrations/` builds it, and a test holds the two together."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)
from sqlmodel import Field, SQLModel


class State(StrEnum):
    """The life of a turn: `waiting`, then `running`, then one of the ends."""

    WAITING = "waiting"
    RUNNING = "running"
    ANSWERED = "answered"
    FAILED = "failed"
    STOPPED = "stopped"
    EXPIRED = "expired"


BigId = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite numbers rows by itself only where the type is INTEGER, which is 64 bits wide there."""

OPEN = (State.WAITING, State.RUNNING)


class Utc(TypeDecorator[datetime]):
    """An aware moment. SQLite keeps no time zone, so it is UTC there and becomes aware again when read."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Conversation(SQLModel, table=True):
    """A thread's conversation at one upstream. The newest of a thread and an upstream is the current one, as long as
    no `fresh` one of that thread is newer."""

    __table_args__ = (Index("conversation_thread", "thread", "id"),)

    id: int | None = Field(default=None, sa_column=Column(BigId, primary_key=True))
    thread: str = Field(sa_column=Column(String(200), nullable=False))
    upstream: str = Field(sa_column=Column(String(100), nullable=False))
    upstream_id: str | None = Field(default=None, sa_column=Column(Text))
    """None until the upstream names it, and for ever where it keeps none."""
    fresh: bool
    """Begins without what was said before in the thread: its first, or one that a person asked for."""
    started_at: datetime = Field(sa_column=Column(Utc, nullable=False))


class Turn(SQLModel, table=True):
    """One accepted message and its answer: the queue and the record in one."""

    __table_args__ = (
        UniqueConstraint("thread", "message", name="turn_message"),
        Index(
            "turn_open",
            "thread",
            "id",
            sqlite_where=text("state IN ('waiting', 'running')"),
            postgresql_where=text("state IN ('waiting', 'running')"),
        ),
        Index("turn_thread", "thread", "id"),
        Index(
            "turn_stopping",
            "id",
            sqlite_where=text("stop_requested AND state = 'running'"),
            postgresql_where=text("stop_requested AND state = 'running'"),
        ),
    )

    id: int | None = Field(default=None, sa_column=Column(BigId, primary_key=True))
    bridge: str = Field(sa_column=Column(String(50), nullable=False))
    thread: str = Field(sa_column=Column(String(200), nullable=False))
    message: str = Field(sa_column=Column(String(100), nullable=False))
    author: str = Field(sa_column=Column(String(200), nullable=False))
    author_name: str = Field(sa_column=Column(Text, nullable=False))
    prompt: str = Field(sa_column=Column(Text, nullable=False))
    attachments: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    command: str = Field(default="", sa_column=Column(String(20), nullable=False))
    state: str = Field(sa_column=Column(String(20), nullable=False))
    attempt: int = 0
    """Counts the runners it had, and is the fence: a runner with an older number can write nothing."""
    crashes: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))
    """How many of them ended without a word: killed, cut off, or failed by a fault of ours."""
    stop_requested: bool = Field(default=False, sa_column=Column(Boolean, nullable=False, server_default=false()))
    """A person does not want it any more; whoever has it, or takes it, ends it."""
    upstream: str | None = Field(default=None, sa_column=Column(String(100)))
    conversation_id: int | None = Field(default=None, sa_column=Column(BigId, ForeignKey("conversation.id")))
    reply: str | None = Field(default=None, sa_column=Column(Text))
    """The upstream's text, as far as it came."""
    error: str | None = Field(default=None, sa_column=Column(Text))
    """What the person was told when it failed."""
    sent_at: datetime = Field(sa_column=Column(Utc, nullable=False))
    accepted_at: datetime = Field(sa_column=Column(Utc, nullable=False))
    started_at: datetime | None = Field(default=None, sa_column=Column(Utc))
    ended_at: datetime | None = Field(default=None, sa_column=Column(Utc))


class Part(SQLModel, table=True):
    """One platform message of a reply: intended (no message id yet), then posted."""

    __table_args__ = (UniqueConstraint("turn_id", "position", name="part_position"),)

    id: int | None = Field(default=None, sa_column=Column(BigId, primary_key=True))
    turn_id: int = Field(sa_column=Column(BigId, ForeignKey("turn.id"), nullable=False))
    position: int
    key: str = Field(sa_column=Column(String(25), nullable=False, unique=True))
    message: str | None = Field(default=None, sa_column=Column(String(100)))
