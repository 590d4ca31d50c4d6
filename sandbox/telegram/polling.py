"""`getUpdates`: one long poll at a time, with the waits and conflicts of the real server."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from sandbox.telegram.refusal import Refusal
from sandbox.telegram.updates import Updates

LONGEST = 50
"""Seconds that a poll may wait."""


class Poller:
    """Answers `getUpdates`. A poll that begins to wait ends the one that waits already."""

    def __init__(self, updates: Updates) -> None:
        self._updates = updates
        self._current: asyncio.Future[Refusal] | None = None
        self._next_conflict = 0.0
        self._last_offset: int | None = None
        self._last_start = 0.0

    async def poll(self, offset: int, limit: int, seconds: float) -> list[dict[str, Any]]:
        now = time.monotonic()
        if offset == self._last_offset:
            # asking for the same again and again is slowed down
            if seconds < 3 and now < self._last_start + 3.0:
                seconds = 3.0
            if now < self._last_start + 0.5:
                limit = 1
        self._last_offset, self._last_start = offset, now
        if offset:
            self._updates.confirm(offset)
        if found := self._updates.page(limit, time.time()):
            return [update.json for update in found]
        if not seconds:
            return []
        self.end("terminated by other getUpdates request; make sure that only one bot instance is running")
        ended: asyncio.Future[Refusal] = asyncio.get_running_loop().create_future()
        self._current = ended
        try:
            return await self._wait(ended, limit, now + min(seconds, LONGEST))
        finally:
            if self._current is ended:
                self._current = None

    async def _wait(self, ended: asyncio.Future[Refusal], limit: int, until: float) -> list[dict[str, Any]]:
        while True:
            if found := self._updates.page(limit, time.time()):
                return [update.json for update in found]
            self._updates.changed.clear()
            changed = asyncio.ensure_future(self._updates.changed.wait())
            either: set[asyncio.Future[Any]] = {changed, ended}
            try:
                left = max(0.0, until - time.monotonic())
                await asyncio.wait(either, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            finally:
                changed.cancel()
            if ended.done():
                refusal = ended.result()
                raise await self.conflict(refusal) if refusal.status == 409 else refusal
            if time.monotonic() >= until:
                return []

    def end(self, reason: str) -> None:
        """Ends the poll that waits, with a conflict."""
        if self._current is not None and not self._current.done():
            self._current.set_result(Refusal(409, reason))

    async def close(self) -> None:
        """The server goes down: the poll that waits is told so at once."""
        if self._current is not None and not self._current.done():
            self._current.set_result(Refusal(500, "Internal Server Error: restart"))

    async def conflict(self, refusal: Refusal) -> Refusal:
        """Conflicts are answered at once only every three seconds; the others wait as long."""
        now = time.monotonic()
        if now < self._next_conflict:
            await asyncio.sleep(3.0)
        else:
            self._next_conflict = now + 3.0
        return refusal
