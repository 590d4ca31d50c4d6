"""What happens at a stand-in, for those who watch: the page of the playground, and tests that wait for something."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened: a call that came in (`call`), a message that appeared, changed or went."""

    source: str
    kind: str
    at: float
    """Seconds, monotonic."""
    data: dict[str, Any] = field(default_factory=dict)


class Feed:
    """Tells its watchers. Keeps nothing but a bounded tail: the stand-ins hold their own state."""

    def __init__(self, source: str, tail: int = 10_000) -> None:
        self.source = source
        self._tail = tail
        self.past: list[Happening] = []
        self._watchers: set[asyncio.Queue[Happening]] = set()
        self._changed: set[asyncio.Event] = set()

    def publish(self, kind: str, **data: Any) -> None:
        happening = Happening(self.source, kind, time.monotonic(), data)
        self.past.append(happening)
        if len(self.past) > self._tail:
            del self.past[: self._tail // 10]
        for queue in self._watchers:
            queue.put_nowait(happening)
        for event in self._changed:
            event.set()

    async def watch(self) -> AsyncIterator[Happening]:
        """Everything from now on."""
        queue: asyncio.Queue[Happening] = asyncio.Queue()
        self._watchers.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._watchers.discard(queue)

    async def until(self, condition: Callable[[], T], within: float = 20.0) -> T:
        """Waits until something that happens makes `condition()` true, and returns its value."""
        event = asyncio.Event()
        self._changed.add(event)
        try:
            async with asyncio.timeout(within):
                while not (value := condition()):
                    await event.wait()
                    event.clear()
                return value
        except TimeoutError:
            tail = "\n".join(f"  {h.kind} {h.data}"[:300] for h in self.past[-12:])
            raise AssertionError(
                f"{self.source}: did not happen within {within} s. The last that did:\n{tail}"
            ) from None
        finally:
            self._changed.discard(event)
