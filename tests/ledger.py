"""A record of parts in memory, for a live reply without a relay."""

from __future__ import annotations

from core.model import MessageId
from core.tables import Part


class Ledger:
    """Nobody else ever has the turn. `key`: what its parts' keys begin with."""

    def __init__(self, key: str = "k") -> None:
        self._key = key

    def check(self) -> None: ...

    async def intend(self, position: int) -> Part:
        return Part(turn_id=1, position=position, key=f"{self._key}{position}")

    async def posted(self, part: Part, message: MessageId) -> None:
        part.message = message

    async def renew(self, part: Part) -> None:
        part.key, part.message = f"{part.key}again", None
