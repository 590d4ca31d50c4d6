"""The web bridge's platform: conversations and messages that live in the database, where every process finds them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, ForeignKey, Index, String, Text
from sqlmodel import Field, SQLModel

from core.tables import Utc


class WebThread(SQLModel, table=True):
    """One conversation of a client."""

    __tablename__ = "web_thread"
    __table_args__ = (Index("web_thread_listed", "client", "changed_at"),)

    thread: str = Field(sa_column=Column(String(200), primary_key=True))
    client: str = Field(sa_column=Column(String(50), nullable=False))
    preview: str = Field(sa_column=Column(Text, nullable=False))
    """The beginning of what was said first."""
    changes: int
    """Counts the changes of its messages. Whoever counts one up holds the row until the end of the transaction, so
    that changes are seen in their order."""
    started_at: datetime = Field(sa_column=Column(Utc, nullable=False))
    changed_at: datetime = Field(sa_column=Column(Utc, nullable=False))


class WebMessage(SQLModel, table=True):
    """One message. Its id is the key under which it was made, so that making it twice does no harm."""

    __tablename__ = "web_message"
    __table_args__ = (
        Index("web_message_order", "thread", "place"),
        Index("web_message_changes", "thread", "change"),
    )

    thread: str = Field(sa_column=Column(String(200), ForeignKey("web_thread.thread"), primary_key=True))
    id: str = Field(sa_column=Column(String(100), primary_key=True))
    role: str = Field(sa_column=Column(String(20), nullable=False))
    """`user` or `assistant`."""
    author: str = Field(sa_column=Column(String(200), nullable=False))
    """The person, as the client names them; empty where it does not."""
    text: str = Field(sa_column=Column(Text, nullable=False))
    command: str = Field(sa_column=Column(String(20), nullable=False))
    state: str = Field(sa_column=Column(String(20), nullable=False))
    """`growing`, `final`, or `removed`."""
    reply_to: str | None = Field(default=None, sa_column=Column(String(100)))
    place: int
    """The change with which it came: its place in the conversation."""
    change: int
    """Its last change."""
    created_at: datetime = Field(sa_column=Column(Utc, nullable=False))
    changed_at: datetime = Field(sa_column=Column(Utc, nullable=False))
