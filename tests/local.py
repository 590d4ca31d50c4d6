"""The relay in one process, put together as the composition root does it, with a fake bridge and upstreams."""

from __future__ import annotations

from core.answering import Assistant
from core.bridge import Recent
from core.controls import NotTaken
from core.enclosing import Sender
from core.inbox import Inbox
from core.model import Message
from core.observing import Observe, unobserved
from core.relay import Relay, Route
from core.scheduler import LocalScheduler
from core.settings import Access, Overlapping, Relaying
from core.store import Store
from core.upstream import Upstream
from tests.fakes import FakeBridge


class LocalRelay:
    """One run. `recovered` once what an earlier run left open is taken up."""

    def __init__(
        self,
        store: Store,
        bridge: FakeBridge,
        *upstreams: Upstream,
        access: Access | None = None,
        settings: Relaying | None = None,
        overlapping: Overlapping | None = None,
        announce_backup: bool = False,
        sender: Sender | None = None,
        observe: Observe = unobserved,
    ) -> None:
        settings = settings or Relaying()
        assistants = tuple(Assistant(one, 20, 48_000, announce_backup, sender) for one in upstreams)
        self.relay = Relay(store, {bridge.name: Route(bridge, assistants)}, settings, observe=observe)
        self._bridge = bridge
        self.scheduler = LocalScheduler(self.relay, settings)
        self.scheduler.on_idle = bridge.changed.set
        access = access or Access(policy="open")
        overlaps = {bridge.name: overlapping or Overlapping()}
        self._inbox = Inbox(store, {bridge.name: access}, settings, self.scheduler, overlaps, observe)

    @property
    def busy(self) -> int:
        return self.scheduler.busy

    async def recover(self) -> None:
        for thread in await self.relay.recover():
            self.scheduler.wake(thread)

    async def accept(self, message: Message) -> NotTaken | None:
        return await self._inbox.accept(self._bridge.name, message)

    async def recent(self) -> Recent:
        return await self._inbox.recent(self._bridge.name)

    async def idle(self) -> None:
        await self._bridge.until(lambda: not self.busy)

    async def stop(self, within: float = 20.0) -> int:
        """Stopping twice does no harm."""
        return await self.scheduler.close(within)
