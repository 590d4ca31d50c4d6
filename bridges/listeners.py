"""Keeping every bridge listening."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping
from functools import partial

from core.bridge import Bridge
from core.errors import ConfigError
from core.inbox import Inbox

log = logging.getLogger(__name__)

LONGEST_DELAY = 60.0
"""Seconds between two starts of a listener that keeps failing."""


class Listeners:
    """Keeps every bridge listening. One that fails is started again with backoff and stops no other; one that can
    never work is reported and left."""

    def __init__(self, bridges: Mapping[str, Bridge], inbox: Inbox) -> None:
        self._bridges = bridges
        self._inbox = inbox
        self._trouble: dict[str, str] = {}

    @property
    def names(self) -> Collection[str]:
        return self._bridges

    def trouble(self) -> str | None:
        """What keeps a bridge from listening, or None."""
        told = {name: bridge.unready for name, bridge in self._bridges.items()} | self._trouble
        return "; ".join(f"{name}: {reason}" for name, reason in told.items() if reason) or None

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`, or until none is left that could work: then `ConfigError`."""
        listening = {asyncio.create_task(self._keep(bridge)) for bridge in self._bridges.values()}
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stopping.done():
                done, _ = await asyncio.wait({stopping, *listening}, return_when=asyncio.FIRST_COMPLETED)
                if not listening - done and not stopping.done():
                    raise ConfigError(f"No bridge can listen any more. {self.trouble()}")
                listening -= done
        finally:
            for task in (stopping, *listening):
                task.cancel()
            await asyncio.gather(stopping, *listening, return_exceptions=True)

    async def _keep(self, bridge: Bridge) -> None:
        delay = 1.0
        while True:
            began = asyncio.get_running_loop().time()
            try:
                self._trouble.pop(bridge.name, None)
                await bridge.listen(partial(self._inbox.accept, bridge.name), partial(self._inbox.recent, bridge.name))
                reason = "it stopped listening"
            except ConfigError as error:
                log.error("%s: %s", bridge.name, error.sentence)
                self._trouble[bridge.name] = error.sentence
                return
            except Exception as error:
                reason = f"{type(error).__name__} in its listener"
                log.exception("%s: the listener failed", bridge.name)
            self._trouble[bridge.name] = reason
            if asyncio.get_running_loop().time() - began > LONGEST_DELAY:
                delay = 1.0
            log.warning("%s: %s; starting it again in %.0f s", bridge.name, reason, delay)
            await asyncio.sleep(delay)
            delay = min(delay * 2, LONGEST_DELAY)
