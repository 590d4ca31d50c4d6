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


def _counting(name: str, *columns: str) -> Index:
    """An index over the turns that limits count."""
    return Index(name, *columns, sqlite_where=text("counts = 1"), postgresql_where=text("counts"))


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
        _counting("turn_by_person", "bridge", "author", "accepted_at"),
        _counting("turn_by_channel", "bridge", "channel", "accepted_at"),
        _counting("turn_by_bridge", "bridge", "accepted_at"),
        Index("turn_conversation", "conversation_id", "id"),
        # Of questions alone, so that no statement but those of an operator is taken for one that it helps.
        Index(
            "turn_asked",
            "accepted_at",
            sqlite_where=text("command = ''"),
            postgresql_where=text("command = ''"),
        ),
        Index(
            "turn_failed",
            "id",
            sqlite_where=text("state IN ('failed', 'expired')"),
            postgresql_where=text("state IN ('failed', 'expired')"),
        ),
        Index(
            "turn_kept",
            "ended_at",
            sqlite_where=text("erased = 0"),
            postgresql_where=text("NOT erased"),
        ),
        Index(
            "turn_offering",
            "thread",
            "id",
            sqlite_where=text("offered IS NOT NULL"),
            postgresql_where=text("offered IS NOT NULL"),
        ),
        Index(
            "turn_choosing",
            "thread",
            "id",
            sqlite_where=text("command = 'use' AND upstream IS NOT NULL"),
            postgresql_where=text("command = 'use' AND upstream IS NOT NULL"),
        ),
        Index("turn_rated", "id", sqlite_where=text("rating_due = 1"), postgresql_where=text("rating_due")),
        Index(
            "turn_merged",
            "merged_into",
            sqlite_where=text("merged_into IS NOT NULL"),
            postgresql_where=text("merged_into IS NOT NULL"),
        ),
        Index(
            "turn_signed",
            "thread",
            "id",
            sqlite_where=text("waiting_sign IS NOT NULL"),
            postgresql_where=text("waiting_sign IS NOT NULL"),
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
    channel: str | None = Field(default=None, sa_column=Column(String(200)))
    """As in `core.model.Message`; turns from before it was kept have none."""
    command: str = Field(default="", sa_column=Column(String(20), nullable=False))
    """Also `refused`: nobody is asked, and the person is told what stands in `reply` (`core.admission`)."""
    counts: bool = Field(default=False, sa_column=Column(Boolean, nullable=False, server_default=false()))
    """Is it one of those that limits count?"""
    album: str | None = Field(default=None, sa_column=Column(String(100)))
    merges: bool = Field(default=False, sa_column=Column(Boolean, nullable=False, server_default=false()))
    """May be answered together with an earlier one (`core.overlap`)."""
    not_before: datetime | None = Field(default=None, sa_column=Column(Utc))
    """Until then more may come that belongs to it."""
    merged_into: int | None = Field(default=None, sa_column=Column(BigId))
    """The turn whose prompt holds this one's too. It waits as long as that one is open, and ends with it."""
    waiting_sign: bool | None = Field(default=None, sa_column=Column(Boolean))
    """Does the person's message have the sign that it waits (`core.waiting`)? False: it may be on its way. None: no."""
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
    offered: str | None = Field(default=None, sa_column=Column(Text))
    """The text of the reply's last message, as long as there are buttons below it: what is shown again to take them
    away."""
    rating: int | None = Field(default=None, sa_column=Column(Integer))
    """What the person thought of the answer: 1 or -1."""
    rating_due: bool = Field(default=False, sa_column=Column(Boolean, nullable=False, server_default=false()))
    """The upstream has not been told of it yet (`core.rating`)."""
    answer_id: str | None = Field(default=None, sa_column=Column(Text))
    """The upstream's own name for the answer."""
    prompt_tokens: int | None = None
    reply_tokens: int | None = None
    credits: float | None = None
    erased: bool = Field(default=False, sa_column=Column(Boolean, nullable=False, server_default=false()))
    """What was said, and the person's name, are gone: only ids are left (`core.retention`)."""
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


class Enclosure(SQLModel, table=True):
    """One file of a reply, a platform message of its own: intended (no message id yet), then posted."""

    __table_args__ = (UniqueConstraint("turn_id", "position", name="enclosure_position"),)

    id: int | None = Field(default=None, sa_column=Column(BigId, primary_key=True))
    turn_id: int = Field(sa_column=Column(BigId, ForeignKey("turn.id"), nullable=False))
    position: int
    key: str = Field(sa_column=Column(String(25), nullable=False, unique=True))
    message: str | None = Field(default=None, sa_column=Column(String(100)))


class LeftSign(SQLModel, table=True):
    """A message that has the sign that it waits, or may have it, and whose turn is not on record any more
    (`core.forgetting`): until the sign is taken away."""

    __tablename__ = "left_sign"

    id: int | None = Field(default=None, sa_column=Column(BigId, primary_key=True))
    bridge: str = Field(sa_column=Column(String(50), nullable=False))
    thread: str = Field(sa_column=Column(String(200), nullable=False))
    message: str = Field(sa_column=Column(String(100), nullable=False))
    at: datetime = Field(sa_column=Column(Utc, nullable=False))


class Refusal(SQLModel, table=True):
    """A message that did not become a turn, so that its redelivery is silence."""

    __table_args__ = (
        UniqueConstraint("thread", "message", name="refusal_message"),
        Index(
            "refusal_noted",
            "bridge",
            "subject",
            "reason",
            "at",
            sqlite_where=text("noted = 1"),
            postgresql_where=text("noted"),
        ),
    )

    id: int | None = Field(default=None, sa_column=Column(BigId, primary_key=True))
    bridge: str = Field(sa_column=Column(String(50), nullable=False))
    thread: str = Field(sa_column=Column(String(200), nullable=False))
    message: str = Field(sa_column=Column(String(100), nullable=False))
    author: str = Field(sa_column=Column(String(200), nullable=False))
    reason: str = Field(sa_column=Column(String(50), nullable=False))
    """`stranger`, `place`, or the limit, such as `person.turns_per_day`."""
    subject: str = Field(sa_column=Column(String(200), nullable=False))
    """Who needs to be told but once: the author, or the channel."""
    noted: bool
    """The first of its reason and subject for a while: the one that is told."""
    at: datetime = Field(sa_column=Column(Utc, nullable=False))


class Pairing(SQLModel, table=True):
    """A code that a stranger was given and nobody has confirmed yet."""

    __table_args__ = (UniqueConstraint("bridge", "author", name="pairing_person"),)

    code: str = Field(sa_column=Column(String(20), primary_key=True))
    bridge: str = Field(sa_column=Column(String(50), nullable=False))
    author: str = Field(sa_column=Column(String(200), nullable=False))
    author_name: str = Field(sa_column=Column(Text, nullable=False))
    expires_at: datetime = Field(sa_column=Column(Utc, nullable=False))


class Paired(SQLModel, table=True):
    """A person who was let in by a code."""

    bridge: str = Field(sa_column=Column(String(50), primary_key=True))
    author: str = Field(sa_column=Column(String(200), primary_key=True))
    author_name: str = Field(sa_column=Column(Text, nullable=False))
    at: datetime = Field(sa_column=Column(Utc, nullable=False))


class Banned(SQLModel, table=True):
    """A person who is not answered any more, whatever the rules say."""

    bridge: str = Field(sa_column=Column(String(50), primary_key=True))
    author: str = Field(sa_column=Column(String(200), primary_key=True))
    author_name: str = Field(sa_column=Column(Text, nullable=False))
    at: datetime = Field(sa_column=Column(Utc, nullable=False))
