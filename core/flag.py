"""A flag that one task waits for."""

from __future__ import annotations

import asyncio


class Flag:
    """As `asyncio.Event`, for one waiter: 700 bytes less, of which each live reply has three."""

    __slots__ = ("_raised", "_waiter")

    def __init__(self) -> None:
        self._raised = False
        self._waiter: asyncio.Future[None] | None = None

    def __bool__(self) -> bool:
        return self._raised

    def set(self) -> None:
        self._raised = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def clear(self) -> None:
        self._raised = False

    async def wait(self) -> None:
        """Until it is set."""
        while not self._raised:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
