"""Who waits for news of a conversation, in this process."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from core.model import ThreadId


class Watching:
    def __init__(self) -> None:
        self._waiting: defaultdict[ThreadId, set[asyncio.Event]] = defaultdict(set)
        self.closed = False
        """Nobody is to wait any more."""

    def tell(self, thread: ThreadId) -> None:
        """Something has changed, by this process. What others change is only seen by looking."""
        for waiting in self._waiting.get(thread, ()):
            waiting.set()

    def close(self) -> None:
        """Ends all waiting."""
        self.closed = True
        for one in self._waiting.values():
            for waiting in one:
                waiting.set()

    @contextmanager
    def watch(self, thread: ThreadId) -> Iterator[Watch]:
        waiting = asyncio.Event()
        self._waiting[thread].add(waiting)
        try:
            yield Watch(waiting)
        finally:
            self._waiting[thread].discard(waiting)
            if not self._waiting[thread]:
                del self._waiting[thread]


class Watch:
    def __init__(self, changed: asyncio.Event) -> None:
        self._changed = changed

    async def wait(self, most: float) -> None:
        """Until something has changed since the last time, or so many seconds are over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(most):
                await self._changed.wait()
        self._changed.clear()
