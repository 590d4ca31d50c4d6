"""Messages in: whose they are, and that they are on record before the platform hears that they were received (I1)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from time import monotonic
from weakref import WeakValueDictionary

from core.admission import Admission
from core.bridge import Recent
from core.controls import NotTaken
from core.model import Message
from core.observing import Accepted, Observe, unobserved
from core.scheduler import Scheduler
from core.settings import Access, Overlapping, Relaying
from core.store import Store
from core.text import clean

log = logging.getLogger(__name__)


class Inbox:
    """What bridges hand messages to. `access` and `overlapping` are keyed by the name of the bridge."""

    def __init__(
        self,
        store: Store,
        access: Mapping[str, Access],
        settings: Relaying,
        scheduler: Scheduler,
        overlapping: Mapping[str, Overlapping] | None = None,
        observe: Observe = unobserved,
    ) -> None:
        self._store = store
        self._admission = Admission(access)
        self._settings = settings
        self._scheduler = scheduler
        self._overlapping = overlapping or {}
        self._entering: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()
        self._observe = observe

    async def accept(self, bridge: str, message: Message) -> NotTaken | None:
        """Records a message that is for the assistant, and returns once it is recorded; any other is ignored. Taking
        the same one twice does no harm. Raises `DatabaseError`: then nothing is recorded."""
        began = monotonic()
        # What a database cannot hold must not keep a message from being recorded: it would come again for ever.
        message = replace(message, author_name=clean(message.author_name), text=clean(message.text))
        # One at a time of each person, so that a flood of one stands in nobody else's way.
        async with self._entering.setdefault((bridge, message.author), asyncio.Lock()):
            if not message.addressed and not await self._store.takes_part(message):
                return None
            recorded = await self._store.record(
                bridge, message, self._scheduler.enlist, self._admission, self._overlapping.get(bridge)
            )
        if recorded is not None and recorded.stops is not None:
            self._scheduler.stop_turn(recorded.stops)
        if recorded is None or recorded.turn is None:
            return recorded.not_taken if recorded is not None else None
        log.info("turn accepted", extra={"thread_id": message.thread, "message_id": message.id})
        waiting = recorded.turn if recorded.waits else None
        self._observe(Accepted(bridge, message, monotonic() - began, waiting))
        self._scheduler.wake(message.thread, recorded.begun)
        return None

    async def recent(self, bridge: str) -> Recent:
        """What is on record of a bridge; what is older than `recover_within` is not worth answering any more. Raises
        `DatabaseError`."""
        return await self._store.recent(bridge, timedelta(seconds=self._settings.recover_within))
