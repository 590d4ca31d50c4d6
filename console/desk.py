"""What the operator's pages and their API work with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass

from console.health import Report
from core.banning import Bans
from core.errors import ThreadbridgeError
from core.operating import Operating
from core.pairing import Register
from core.reading import Reading
from core.tables import Turn
from core.usage import Usage


@dataclass(frozen=True, slots=True)
class Desk:
    reading: Reading
    operating: Operating
    register: Register
    bans: Bans
    usage: Callable[[int], Awaitable[Usage]]
    """Of the last so many days."""
    report: Callable[[], Awaitable[Report]]
    said: Callable[[int], str | None]
    """What the answer to a turn is so far, where it is being answered in this process."""
    bridges: Collection[str]
    upstreams: Collection[str]

    async def live(self) -> Sequence[tuple[Turn, str | None]]:
        """Open turns, each with what is known here of its answer."""
        return [(turn, self.said(turn.id or 0)) for turn in await self.reading.open_turns()]

    async def ban(self, bridge: str, author: str) -> None:
        """Also stops what this person is being answered. Raises `ThreadbridgeError` for a bridge that there is not."""
        self._known("bridge", bridge, self.bridges)
        for turn in await self.bans.ban(bridge, author):
            self.operating.stopped(turn)

    async def rebind(self, conversation: int, upstream: str, upstream_id: str) -> int:
        """Raises `ThreadbridgeError` for an upstream that there is not, or a conversation."""
        self._known("upstream", upstream, self.upstreams)
        return await self.operating.rebind(conversation, upstream, upstream_id)

    def _known(self, kind: str, name: str, known: Collection[str]) -> None:
        if name not in known:
            raise ThreadbridgeError(f"There is no such {kind}; configured are: {', '.join(known)}.")
