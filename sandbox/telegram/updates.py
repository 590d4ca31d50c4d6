"""The queue of updates: what has happened and is not confirmed yet."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

OFF_BY_DEFAULT = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
KEPT = 86_400
"""Seconds that an unconfirmed update is kept."""


@dataclass(slots=True)
class Waiting:
    id: int
    chat: int
    """Webhook delivery keeps the order within one chat."""
    payload: dict[str, Any]
    at: float

    @property
    def json(self) -> dict[str, Any]:
        return {"update_id": self.id, **self.payload}


@dataclass(slots=True)
class Updates:
    """Updates in their order. `changed` is set whenever one comes in."""

    next_id: int = 700_000_001
    allowed: list[str] = field(default_factory=list)
    """Empty: all but those that are off by default."""
    waiting: list[Waiting] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def wanted(self, kind: str) -> bool:
        return kind in self.allowed if self.allowed else kind not in OFF_BY_DEFAULT

    def push(self, chat: int, payload: dict[str, Any], now: float) -> int | None:
        """Queues an update; returns its id, or None if the bot does not want this kind."""
        if not self.wanted(next(iter(payload))):
            return None
        update = Waiting(self.next_id, chat, payload, now)
        self.next_id += 1
        self.waiting.append(update)
        self.changed.set()
        return update.id

    def confirm(self, offset: int) -> None:
        """Forgets everything before `offset`; a negative one leaves only so many of the newest."""
        if offset < 0:
            self.waiting = self.waiting[offset:]
        else:
            self.waiting = [update for update in self.waiting if update.id >= offset]

    def drop(self, update: Waiting) -> None:
        if update in self.waiting:
            self.waiting.remove(update)

    def page(self, limit: int, now: float) -> list[Waiting]:
        self.waiting = [update for update in self.waiting if update.at > now - KEPT]
        return self.waiting[:limit]

    def dump(self) -> dict[str, Any]:
        return {
            "next_id": self.next_id,
            "allowed": self.allowed,
            "waiting": [[update.id, update.chat, update.payload, update.at] for update in self.waiting],
        }

    def load(self, state: dict[str, Any]) -> None:
        self.next_id = state["next_id"]
        self.allowed = list(state["allowed"])
        self.waiting = [Waiting(*one) for one in state["waiting"]]
