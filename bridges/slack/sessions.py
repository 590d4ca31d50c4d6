"""Sessions of an agent: while one is processing, Slack shows a stop button of its own beside the thread.

https://docs.slack.dev/ai/agent-sessions
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bridges.slack.thread import Thread
from bridges.slack.web import Web
from core.aside import Aside
from core.errors import PlatformError, PlatformRefused, SlowDown

log = logging.getLogger(__name__)

OF_THE_PLACE = frozenset({"channel_not_found", "is_archived", "not_in_channel", "thread_not_found"})
"""Refusals that say nothing of other threads."""
ATTEMPTS, FIRST_DELAY = 6, 1.0
"""At the end of a session, and the seconds after the first of them; each time twice as many."""
DOUBTS = 5
"""So many calls without an answer of Slack's are enough to take it that this server has no sessions."""
CLOSED_WITHIN = 1.0
"""Seconds that ends of sessions may take when the program ends."""


class Sessions:
    def __init__(self, web: Web) -> None:
        self._web = web
        self._known = True
        """Until Slack says that this app has none."""
        self._proven = False
        """A call has succeeded: there is such a method."""
        self._doubts = 0
        """So many calls have failed before one has succeeded."""
        self._aside = Aside()
        self._ending: dict[str, asyncio.Task[None]] = {}
        """The last one of each thread: what is said of a thread is said in its order, although nobody waits for it."""

    @asynccontextmanager
    async def working(self, place: Thread) -> AsyncIterator[None]:
        """See `core.bridge.Working`. A session needs a thread."""
        if place.root is None or not self._known:
            yield
            return
        id = place.id()
        beginning = asyncio.create_task(self._begin(place, place.root, self._ending.get(id)))
        try:
            yield
        finally:
            task = self._ending[id] = self._aside.begin(self._end(place, place.root, beginning))
            task.add_done_callback(lambda done: self._ended(id, done))

    def _ended(self, id: str, task: asyncio.Task[None]) -> None:
        if self._ending.get(id) is task:
            del self._ending[id]

    async def close(self) -> None:
        await self._aside.end(CLOSED_WITHIN)

    async def _begin(self, place: Thread, root: str, before: asyncio.Task[None] | None) -> bool:
        """Is there a session to be ended?"""
        if before is not None:
            await asyncio.wait({before})
        try:
            await self._set(place, root, "processing")
        except PlatformRefused as refusal:
            self._known = self._known and refusal.detail in OF_THE_PLACE
            log.debug("no session in %s: %s", place.channel, refusal.detail)
            return False
        except SlowDown:
            return False
        except PlatformError as error:
            log.debug("perhaps no session in %s: %s", place.channel, error.detail)
            self._doubts += 1
            self._known = self._proven or self._doubts < DOUBTS
        return self._known

    async def _end(self, place: Thread, root: str, beginning: asyncio.Task[bool]) -> None:
        if not await beginning:
            return
        delay = FIRST_DELAY
        for _ in range(ATTEMPTS if self._proven else 1):
            try:
                await self._set(place, root, "active")
                return
            except SlowDown as refusal:
                await asyncio.sleep(max(delay, refusal.retry_after))
            except PlatformRefused:
                return
            except PlatformError:
                await asyncio.sleep(delay)
            delay *= 2
        log.info("Slack goes on to show a stop button in %s until the next answer there", place.channel)

    async def _set(self, place: Thread, root: str, status: str) -> None:
        await self._web(
            self._web.api.agents_sessions_setStatus(channel_id=place.channel, thread_ts=root, status=status)
        )
        self._proven = True
