"""The relay: a message becomes a turn, the turn becomes a call to an upstream, and the reply grows in its thread.

`accept` records. `drain` is the one code path that answers: it takes the open turns of a thread in their order until
none is left. `_run` ends a turn in exactly one way, `_answer` shows, `_ask` reads.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from weakref import WeakSet

from core import commands
from core.access import admits
from core.answering import Answering, Assistant
from core.bridge import Bridge, Recent
from core.errors import LeaseLost, PlatformError, UpstreamError
from core.live import LiveReply
from core.markdown import close
from core.model import Message, MessageId, ThreadId
from core.pace import Pacer
from core.scheduler import Scheduler
from core.settings import Access, Relaying
from core.statements import now
from core.store import Store
from core.tables import Part, State, Turn
from core.text import clean

log = logging.getLogger(__name__)

MOST_ATTEMPTS = 5
"""A turn that took so many runners down with it is given up."""


@dataclass(frozen=True, slots=True)
class Route:
    """One bridge, who may use it, and who answers: the first, or while that is unavailable, the next (R7)."""

    bridge: Bridge
    access: Access
    assistants: tuple[Assistant, ...]


class Relay:
    """Routes are keyed by the name of their bridge."""

    def __init__(self, store: Store, routes: Mapping[str, Route], settings: Relaying) -> None:
        self._store = store
        self._routes = routes
        self._settings = settings
        self._pacers = {name: Pacer(route.bridge.pace) for name, route in routes.items()}
        self._scheduler = Scheduler(self.drain)
        self._answering = Answering(store)
        self._running: dict[str, asyncio.Task[None]] = {}
        self._stopped: WeakSet[asyncio.Task[None]] = WeakSet()
        """Those that a person stopped, as opposed to those that end with the program."""
        self._denied: set[tuple[str, str]] = set()
        self._too_old = datetime.min.replace(tzinfo=UTC)
        """Open turns that were accepted before are left from an earlier run, and not worth answering any more."""

    @property
    def busy(self) -> int:
        """How many threads have turns running."""
        return self._scheduler.busy

    def on_idle(self, call: Callable[[], None]) -> None:
        """Calls back whenever a thread has nothing left to do."""
        self._scheduler.on_idle = call

    # --- messages in ----------------------------------------------------------------------------------------------

    async def accept(self, bridge: str, message: Message) -> None:
        """Records a message that is for the assistant, and returns once it is recorded (I1); any other is ignored.
        Taking the same one twice does no harm. Raises `DatabaseError`: then nothing is recorded."""
        if not admits(self._routes[bridge].access, message):
            self._note_denied(bridge, message)
            return
        if not message.addressed and not await self._store.takes_part(message.thread, at=message.sent_at):
            return
        # What a database cannot hold must not keep a message from being recorded: it would come again for ever.
        message = replace(message, author_name=clean(message.author_name), text=clean(message.text))
        if await self._store.record(bridge, message):
            log.info("turn accepted", extra={"thread_id": message.thread, "message_id": message.id})
            if message.command == "stop":
                self._interrupt(message.thread)
            self._scheduler.wake(message.thread)

    async def recent(self, bridge: str) -> Recent:
        """What is on record of a bridge; what is older than `recover_within` is not worth answering any more. Raises
        `DatabaseError`."""
        return await self._store.recent(bridge, timedelta(seconds=self._settings.recover_within))

    def _interrupt(self, thread: ThreadId) -> None:
        """Stops the turn that runs in a thread; those that wait go on."""
        running = self._running.get(thread)
        if running is not None:
            self._stopped.add(running)
            running.cancel()

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

    # --- turns ----------------------------------------------------------------------------------------------------

    async def recover(self) -> None:
        """Takes up what an earlier run left open (I8); called once, before listening. What belongs to a bridge that is
        no longer configured waits until it is."""
        self._too_old = now() - timedelta(seconds=self._settings.recover_within)
        await self._store.expire_overtaken(before=self._too_old)
        threads = await self._store.busy(self._routes)
        if threads:
            log.info("taking up %d threads with open turns", len(threads))
        for thread in threads:
            self._scheduler.wake(thread)

    async def stop(self, within: float | None = None) -> None:
        """Begins no more turns; running ones may finish within so many seconds (None: as configured), else they stay
        open for the next run. Stopping twice does no harm."""
        left = await self._scheduler.close(self._settings.drain_within if within is None else within)
        if left:
            log.warning("%d turns were not finished in time; the next start takes them up", left)

    async def drain(self, thread: ThreadId) -> None:
        """Answers the open turns of a thread, in order, until none is left. Raises `DatabaseError`."""
        turn = await self._store.claim(thread)
        try:
            while turn is not None:
                turn = await self._run(turn)
        except LeaseLost as lost:
            log.warning("%s (%s)", lost.sentence, lost.detail)

    async def _run(self, turn: Turn) -> Turn | None:
        """Takes one turn to its end, and claims the next."""
        ledger = _Ledger(self._store, turn)
        route = self._routes[turn.bridge]
        reply = LiveReply(
            route.bridge,
            self._pacers[turn.bridge],
            ThreadId(turn.thread),
            ledger,
            reply_to=MessageId(turn.message),
            adopted=await self._store.parts(turn) if turn.attempt > 1 else (),
        )
        said, state, error = "", State.ANSWERED, None
        try:
            async with reply.painting():
                try:
                    await self._answer_unless_stopped(turn, route, reply)
                    said = reply.text
                except UpstreamError as failure:
                    said, state, error = reply.text, State.FAILED, failure.sentence
                    log.warning("turn %d: %s (%s)", turn.id, error, failure.detail or type(failure).__name__)
                    reply.replace(_with_note(said, f"⚠️ {error}"))
                except _Ended as end:
                    said, state = reply.text, end.state
                    reply.replace(_with_note(said, end.note))
                await reply.finish()
        except PlatformError as failure:
            state, error = State.FAILED, failure.sentence
            log.error("turn %d cannot be shown on %s: %s (%s)", turn.id, turn.bridge, error, failure.detail)
        claim_next = not self._scheduler.closing
        return await self._store.close(turn, state, reply=clean(said), error=error, claim_next=claim_next)

    async def _answer_unless_stopped(self, turn: Turn, route: Route, reply: LiveReply) -> None:
        """In a task of its own, which a person may stop: then what came so far stays."""
        answering = asyncio.create_task(self._answer(turn, route, reply))
        self._running[turn.thread] = answering
        try:
            await answering
        except asyncio.CancelledError:
            if answering in self._stopped:
                raise _Ended(State.STOPPED, commands.STOPPED) from None
            raise
        finally:
            del self._running[turn.thread]

    async def _answer(self, turn: Turn, route: Route, reply: LiveReply) -> None:
        """Writes the whole answer of a turn into the reply. Raises `UpstreamError`, what the reply raises, or
        `DatabaseError`."""
        if turn.accepted_at < self._too_old:
            raise _Ended(State.EXPIRED, commands.EXPIRED)
        if turn.attempt > 1 and await self._store.is_stopped(turn):
            raise _Ended(State.STOPPED, commands.STOPPED)
        if turn.attempt > MOST_ATTEMPTS:
            raise UpstreamError("This message could not be answered: the program broke down over it again and again.")
        await self._answering.answer(turn, route.assistants, route.bridge.fetch, reply)


class _Ended(Exception):
    """The turn ends without an answer, or without the rest of it, and it is nobody's fault."""

    def __init__(self, state: State, note: str) -> None:
        self.state = state
        self.note = note
        super().__init__(note)


@dataclass(frozen=True, slots=True)
class _Ledger:
    """The parts of one turn, written under its fence."""

    store: Store
    turn: Turn

    async def intend(self, position: int) -> Part:
        return await self.store.intend(self.turn, position)

    async def posted(self, part: Part, message: MessageId) -> None:
        await self.store.posted(self.turn, part, message)

    async def renew(self, part: Part) -> None:
        await self.store.renew(self.turn, part)


def _with_note(said: str, note: str) -> str:
    """What was said before stays, and why it ends stands below it (I7)."""
    return f"{close(said).rstrip()}\n\n{note}" if said.strip() else note
