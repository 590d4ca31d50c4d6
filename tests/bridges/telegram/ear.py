"""What stands in for the relay: it takes what the bridge hands over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from bridges.telegram import TelegramBridge
from core.errors import DatabaseError
from core.model import Message
from sandbox.telegram import TelegramServer


class Ear:
    """Collects messages. The next `failures` of them cannot be recorded."""

    def __init__(self, tg: TelegramServer) -> None:
        self._tg = tg
        self.messages: list[Message] = []
        self.failures = 0
        self.refused: list[Message] = []

    async def accept(self, message: Message) -> None:
        if self.failures:
            self.failures -= 1
            self.refused.append(message)
            self._tg.feed.publish("refused", id=message.id)
            raise DatabaseError("the database is away")
        self.messages.append(message)
        self._tg.feed.publish("accepted", id=message.id)

    async def hears(self, count: int = 1) -> list[Message]:
        """Waits until so many messages have come in altogether."""
        return await self._tg.feed.until(lambda: self.messages if len(self.messages) >= count else [])

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.messages]


@asynccontextmanager
async def listening(bridge: TelegramBridge, ear: Ear) -> AsyncIterator[asyncio.Task[None]]:
    """The bridge listens as long as the block runs."""
    task = asyncio.create_task(bridge.listen(ear.accept))
    try:
        yield task
    finally:
        if not task.done():
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
