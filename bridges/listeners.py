"""Keeping every bridge listening."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from functools import partial
from time import monotonic

from console.health import Listening
from core.bridge import Bridge
from core.controls import NotTaken
from core.errors import ConfigError
from core.inbox import Inbox
from core.model import Message
from core.observing import Heard, Observe, saying, unobserved

log = logging.getLogger(__name__)

LONGEST_DELAY = 60.0
"""Seconds between two starts of a listener that keeps failing."""


class Listeners:
    """Keeps every bridge listening. One that fails is started again with backoff and stops no other; one that can
    never work is reported and left."""

    def __init__(self, bridges: Mapping[str, Bridge], inbox: Inbox, observe: Observe = unobserved) -> None:
        self._bridges = bridges
        self._inbox = inbox
        self._observe = observe
        self._trouble: dict[str, str] = {}

    def state(self) -> dict[str, Listening]:
        """What each of them knows of itself."""
        now = monotonic()
        return {
            name: Listening(
                self._trouble.get(name) or bridge.unready,
                None if bridge.heard_at is None else now - bridge.heard_at,
            )
            for name, bridge in self._bridges.items()
        }

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`, or until none is left that could work: then `ConfigError`."""
        listening = {asyncio.create_task(self._keep(bridge)) for bridge in self._bridges.values()}
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stopping.done():
                done, _ = await asyncio.wait({stopping, *listening}, return_when=asyncio.FIRST_COMPLETED)
                if not listening - done and not stopping.done():
                    reasons = "; ".join(f"{name}: {reason}" for name, reason in self._trouble.items())
                    raise ConfigError(f"No bridge can listen any more. {reasons}")
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
                await bridge.listen(partial(self._accept, bridge.name), partial(self._inbox.recent, bridge.name))
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

    async def _accept(self, bridge: str, message: Message) -> NotTaken | None:
        self._observe(Heard(bridge))
        with saying(thread_id=message.thread):
            return await self._inbox.accept(bridge, message)
