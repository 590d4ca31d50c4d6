"""Delivery to a webhook: one queue for each chat, strictly in order, again and again until it is taken."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import aiohttp

from sandbox.feed import Feed
from sandbox.telegram.updates import Updates, Waiting

LONGEST_DELAY = 60.0
"""Seconds between two tries, unless the endpoint asks for more."""
LONGEST_RETRY_AFTER = 3600.0


@dataclass(slots=True)
class Hook:
    url: str = ""
    secret: str = ""
    max_connections: int = 40
    last_error_date: int = 0
    last_error_message: str = ""

    def json(self, pending: int, allowed: list[str]) -> dict[str, Any]:
        """As `getWebhookInfo` gives it."""
        answer: dict[str, Any] = {
            "url": self.url,
            "has_custom_certificate": False,
            "pending_update_count": pending,
        }
        if self.url:
            answer["max_connections"] = self.max_connections
        if self.last_error_date:
            answer |= {"last_error_date": self.last_error_date, "last_error_message": self.last_error_message}
        return answer | {"allowed_updates": allowed} if allowed else answer


class Sender:
    """Sends what is queued as long as a webhook is set. `unit` is the first delay between two tries, in seconds."""

    def __init__(self, updates: Updates, feed: Feed, unit: float) -> None:
        self.hook = Hook()
        self._updates = updates
        self._feed = feed
        self._unit = unit
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins, or begins anew with what the hook says now."""
        await self.stop()
        if self.hook.url:
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _run(self) -> None:
        busy: dict[int, asyncio.Task[None]] = {}
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session,
            asyncio.TaskGroup() as group,
        ):
            while True:
                self._updates.changed.clear()
                for chat in dict.fromkeys(update.chat for update in self._updates.waiting):
                    if chat not in busy or busy[chat].done():
                        busy[chat] = group.create_task(self._drain(session, chat))
                await self._updates.changed.wait()

    async def _drain(self, session: aiohttp.ClientSession, chat: int) -> None:
        """Sends what waits of one chat, the oldest first; a failure holds back all that follow."""
        while (update := next((one for one in self._updates.waiting if one.chat == chat), None)) is not None:
            await self._deliver(session, update)
            self._updates.drop(update)
        self._updates.changed.set()  # one may have come in between the last look and the end of this task

    async def _deliver(self, session: aiohttp.ClientSession, update: Waiting) -> None:
        delay = self._unit
        tries = 0
        while True:
            status, wait = await self._send(session, update)
            self._feed.publish("delivery", update=update.id, status=status)
            if 200 <= status < 300:
                return
            self.hook.last_error_date = int(time.time())
            self.hook.last_error_message = f"Wrong response from the webhook: {status}"
            if wait is not None:
                await asyncio.sleep(min(wait, LONGEST_RETRY_AFTER))
            elif tries:
                delay = min(delay * 2, LONGEST_DELAY)
                await asyncio.sleep(delay)
            tries += 1

    async def _send(self, session: aiohttp.ClientSession, update: Waiting) -> tuple[int, float | None]:
        headers = {"X-Telegram-Bot-Api-Secret-Token": self.hook.secret} if self.hook.secret else {}
        try:
            async with session.post(
                self.hook.url, json=update.json, headers=headers, allow_redirects=False
            ) as response:
                await response.read()
                asked = response.headers.get("Retry-After", "")
                return response.status, float(asked) if asked.isdigit() else None
        except (aiohttp.ClientError, TimeoutError):
            return 0, None

    def dump(self) -> dict[str, Any]:
        return asdict(self.hook)

    def load(self, state: dict[str, Any]) -> None:
        self.hook = Hook(**state)
