"""Messages in: whose they are, and that they are on record before the platform hears that they were received (I1)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from time import monotonic

from core.access import admits
from core.bridge import Recent
from core.model import Message
from core.observing import Accepted, Observe, unobserved
from core.scheduler import Scheduler
from core.settings import Access, Relaying
from core.store import Store
from core.text import clean

log = logging.getLogger(__name__)


class Inbox:
    """What bridges hand messages to. `access` is keyed by the name of the bridge."""

    def __init__(
        self,
        store: Store,
        access: Mapping[str, Access],
        settings: Relaying,
        scheduler: Scheduler,
        observe: Observe = unobserved,
    ) -> None:
        self._store = store
        self._access = access
        self._settings = settings
        self._scheduler = scheduler
        self._observe = observe
        self._denied: set[tuple[str, str]] = set()

    async def accept(self, bridge: str, message: Message) -> None:
        """Records a message that is for the assistant, and returns once it is recorded; any other is ignored. Taking
        the same one twice does no harm. Raises `DatabaseError`: then nothing is recorded."""
        began = monotonic()
        if not admits(self._access[bridge], message):
            self._note_denied(bridge, message)
            return
        if not message.addressed and not await self._store.takes_part(message.thread, at=message.sent_at):
            return
        # What a database cannot hold must not keep a message from being recorded: it would come again for ever.
        message = replace(message, author_name=clean(message.author_name), text=clean(message.text))
        recorded = await self._store.record(bridge, message, self._scheduler.enlist)
        if recorded is None:
            return
        log.info("turn accepted", extra={"thread_id": message.thread, "message_id": message.id})
        self._observe(Accepted(bridge, message, monotonic() - began))
        if recorded.stops is not None:
            self._scheduler.stop_turn(recorded.stops)
        self._scheduler.wake(message.thread)

    async def recent(self, bridge: str) -> Recent:
        """What is on record of a bridge; what is older than `recover_within` is not worth answering any more. Raises
        `DatabaseError`."""
        return await self._store.recent(bridge, timedelta(seconds=self._settings.recover_within))

    def _note_denied(self, bridge: str, message: Message) -> None:
        """Tells the operator, once for each person, whom to let in."""
        if message.addressed and (bridge, message.author) not in self._denied:
            self._denied.add((bridge, message.author))
            log.warning(
                "%s is not let in on %s. To let this person in, add %s to access.%s.users.",
                message.author_name,
                bridge,
                message.author,
                bridge,
            )
