"""How fast answers are written: by words per second, or held at a place until a test lets them go on."""

from __future__ import annotations

import asyncio


class Tempo:
    """Shared by all answers of a stand-in. Both settings take effect on answers that are being written."""

    def __init__(self, speed: float = 0.0) -> None:
        self.speed = speed
        """Words per second; 0: at once."""
        self._hold_after: int | None = None
        self._moved = asyncio.Event()

    @property
    def hold_after(self) -> int | None:
        """No answer gets further than this many words, until this is raised or None again."""
        return self._hold_after

    @hold_after.setter
    def hold_after(self, words: int | None) -> None:
        self._hold_after = words
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    async def wait(self, words: int, *, written: int, due: float) -> float:
        """Waits until the next `words` words of an answer may be written, `written` of which are out since `due`.
        Returns the time from which those after them count."""
        loop = asyncio.get_running_loop()
        while self._hold_after is not None and written + words > self._hold_after:
            await self._moved.wait()
            due = loop.time()
        left = float(words)
        while self.speed > 0:
            seconds = due + left / self.speed - loop.time()
            if seconds <= 0:
                due += left / self.speed
                await asyncio.sleep(0)
                return due
            speed, begun = self.speed, loop.time()
            await asyncio.sleep(min(seconds, 0.1))  # in short steps, so that a new speed is seen
            if speed != self.speed:
                left = max(0.0, left - (loop.time() - due) * speed)
                due = max(begun, loop.time())
        await asyncio.sleep(0)  # others write too, and a client that went away has to be noticed
        return loop.time()
