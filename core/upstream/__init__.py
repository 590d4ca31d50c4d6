"""The seam to an assistant behind a conversation API, and its adapters, one module each."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

from core.model import Event, Prompt


@dataclass(frozen=True, slots=True)
class Limits:
    """What one turn may carry. None: not limited, or not known."""

    text: int | None = None
    """Characters of the prompt."""
    files: int = 0
    """Attachments; 0: it takes none."""
    file_size: int | None = None
    """Bytes of one attachment, the largest of any kind."""


class Upstream(Protocol):
    """One configured assistant. Used as an async context manager, which holds its connections."""

    name: str
    """The name in the configuration."""

    @property
    def limits(self) -> Limits: ...

    @property
    def remembers(self) -> bool:
        """Does it keep the conversation itself? If not, every prompt carries the history."""

    def stream(self, prompt: Prompt) -> AsyncGenerator[Event, None]:
        """Answers one prompt. Ends after `Done`, or raises an `UpstreamError`; nothing else gets out.

        Until the body was accepted, refusals that pass (429, 5xx, no connection) are retried with backoff; never
        afterwards. `ConversationUnknown` is raised before any text, so that the caller may begin anew, once.
        Closing the generator abandons the turn, and stops it upstream where that exists."""

    async def __aenter__(self) -> Upstream: ...

    async def __aexit__(self, *_: object) -> None: ...


# --- what only some upstreams can do -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Remembered:
    """A message in the upstream's own record."""

    id: str
    role: Literal["user", "assistant"]
    text: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Listed:
    """A conversation in the upstream's own list."""

    id: str
    preview: str
    messages: int | None
    created_at: datetime | None
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of conversations; `page` counts from 1."""

    conversations: tuple[Listed, ...]
    page: int
    limit: int
    total: int
    more: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that an upstream may have been asked already, without our having heard its answer."""

    prompt: Prompt
    """As it was asked, or would have been."""
    since: datetime
    """It was not asked before this moment, by any clock that it may be told by."""
    before: int = 0
    """So many times at most the same text was sent in earlier turns of the thread."""
    taken: frozenset[str] = frozenset()
    """Where the prompt names no conversation: those that are known to be others'."""


@runtime_checkable
class CanRecall(Protocol):
    name: str

    async def recall(self, asked: Asked) -> str | None:
        """The finished answer to a question, from the upstream's own record; one that is being written is waited for,
        for a short while. None: there is none, or none beyond doubt. Raises `UpstreamError`."""


@runtime_checkable
class TakesRatings(Protocol):
    async def rate(self, answer_id: str, rating: int) -> None:
        """Tells what a person thought of an answer: 1 or -1. Telling the same twice does no harm. Raises
        `UpstreamError`."""


@runtime_checkable
class HasHistory(Protocol):
    async def history(self, conversation_id: str) -> tuple[Remembered, ...]:
        """All messages of a conversation, oldest first. Raises `UpstreamError`."""


@runtime_checkable
class HasConversations(Protocol):
    async def conversations(self, *, page: int = 1, limit: int = 20, since: datetime | None = None) -> Page:
        """One page of the upstream's conversations, `limit` 1 to 100. Raises `UpstreamError`."""
