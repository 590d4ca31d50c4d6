"""The line under a thread that says that the bot is writing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bridges.slack.thread import Thread
from bridges.slack.web import Web
from core.bridge import May
from core.errors import PlatformError, PlatformRefused, SlowDown

log = logging.getLogger(__name__)

STATUS = "is writing…"
LOADING = ("Reading…", "Thinking…", "Still thinking…")
"""What Slack shows in turn beside it; it takes ten at most."""
RENEWED = 90.0
"""Seconds; Slack takes a status away after two minutes
(https://docs.slack.dev/reference/methods/assistant.threads.setStatus)."""
CLEARED_WITHIN = 2.0


class Status:
    def __init__(self, web: Web) -> None:
        self._web = web
        self._known = True
        """Until the server says that it has no such method."""

    @asynccontextmanager
    async def writing(self, place: Thread, may: May) -> AsyncIterator[None]:
        """Shown in threads only: a status needs one. Whatever fails, the block runs."""
        if place.root is None or not self._known:
            yield
            return
        keeping = asyncio.create_task(self._keep(place, place.root, may))
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.wait({keeping})
            await self._clear(place, place.root)

    async def _keep(self, place: Thread, root: str, may: May) -> None:
        while True:
            wait = RENEWED
            await may()
            try:
                await self._set(place, root, STATUS)
            except SlowDown as refusal:
                wait = max(1.0, refusal.retry_after)
            except PlatformRefused as refusal:
                self._known = refusal.detail != "unknown_method"
                log.debug("no status in %s: %s", place.channel, refusal.detail)
                return
            except PlatformError as error:
                log.debug("no status in %s: %s", place.channel, error.detail)
            await asyncio.sleep(wait)

    async def _clear(self, place: Thread, root: str) -> None:
        """Slack does that by itself when a message of ours comes; this is for when none did."""
        if not self._known:
            return
        try:
            async with asyncio.timeout(CLEARED_WITHIN):
                await self._set(place, root, "")
        except (PlatformError, TimeoutError) as error:
            log.debug("the status in %s stays a while: %s", place.channel, error)

    async def _set(self, place: Thread, root: str, status: str) -> None:
        await self._web(
            self._web.api.assistant_threads_setStatus(
                channel_id=place.channel,
                thread_ts=root,
                status=status,
                loading_messages=list(LOADING) if status else None,
            )
        )
