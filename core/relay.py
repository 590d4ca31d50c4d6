"""The relay: a recorded message becomes a call to an upstream, and the reply grows in its thread.

`drain` is the one code path that answers: it takes the open turns of a thread in their order until none is left.
`_run` ends a turn in exactly one way, `_answer` shows, and `core.answering` asks.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from core import commands
from core.admission import ASKING
from core.answering import Answering, Assistant
from core.aside import Aside
from core.bridge import Attaching, Bridge
from core.controls import finished, growing
from core.enclosing import Enclosing, linked
from core.errors import DatabaseError, LeaseLost, PlatformError, UpstreamError
from core.live import LiveReply
from core.markdown import close
from core.model import MessageId, ThreadId
from core.observing import Observe, Watch, saying, unobserved
from core.operating import by_operator
from core.overlap import gathered, may_gather
from core.pace import Pacer
from core.settings import Relaying
from core.statements import now
from core.store import Store
from core.tables import Enclosure, Part, State, Turn
from core.text import clean
from core.withdrawing import withdraw

log = logging.getLogger(__name__)

MOST_CRASHES = 4
"""A turn that took so many runners down with it is given up."""

SOON = 1.0
"""Seconds that buttons may take to go when the program ends."""


@dataclass(frozen=True, slots=True)
class Route:
    """One bridge, and who answers: the first assistant, or while that is unavailable, the next (R7)."""

    bridge: Bridge
    assistants: tuple[Assistant, ...]
    buttons: bool = True
    """Are there buttons below its replies?"""
    choices: Mapping[str, tuple[Assistant, ...]] = field(default_factory=dict)
    """All that people may choose in a thread, by name, if there are several; the first of `assistants` among them."""


class Relay:
    """Routes are keyed by the name of their bridge. `held`: is this process still the one that runs its turns (I2)?
    `pacers`, where others in this process speak for the same bots: theirs."""

    def __init__(
        self,
        store: Store,
        routes: Mapping[str, Route],
        settings: Relaying,
        held: Callable[[], bool] = lambda: True,
        observe: Observe = unobserved,
        pacers: Mapping[str, Pacer] | None = None,
    ) -> None:
        self._store = store
        self._routes = routes
        self._settings = settings
        self._held = held
        self._observe = observe
        self._pacers = pacers or {name: Pacer(route.bridge.pace) for name, route in routes.items()}
        self._answering = Answering(store)
        self._running: dict[int, asyncio.Task[None]] = {}
        self._replies: dict[int, LiveReply] = {}
        self._stopped: set[int] = set()
        """Turns that a person stopped, as opposed to those that end with the program."""
        self._began = self._too_old = datetime.min.replace(tzinfo=UTC)
        self._recovering = asyncio.Semaphore(settings.recover_concurrency)
        self._aside = Aside()
        self._workers = 1
        self.closing = False
        """No further turn is to be begun."""

    @property
    def bridges(self) -> Collection[str]:
        """Turns of others stay open until somebody has their bridge."""
        return self._routes

    @property
    def running(self) -> Collection[int]:
        """The turns that are being answered just now."""
        return self._running

    def said(self, turn: int) -> str | None:
        """What the answer to a turn is so far; None: it is not being answered here."""
        reply = self._replies.get(turn)
        return reply.text if reply is not None else None

    async def recover(self) -> list[ThreadId]:
        """Called once, before anything is drained: what is open now is left from an earlier run, and what was accepted
        longer than `recover_within` ago is not worth answering any more (I8). Gives the threads with open turns, those
        that wait longest first."""
        self._began = now()
        self._too_old = self._began - timedelta(seconds=self._settings.recover_within)
        await self._store.expire_overtaken(before=self._too_old)
        threads = await self._store.busy(self._routes)
        if threads:
            log.info("%d threads have open turns", len(threads))
        return threads

    def stop_turn(self, turn: int) -> None:
        """A person does not want this one any more; those that wait behind it go on. It need not have begun."""
        self._stopped.add(turn)
        if turn in self._running:
            self._running[turn].cancel()

    def share(self, workers: int) -> None:
        """So many processes speak for the same bots; what their platforms allow is divided among them. Told often."""
        if workers != self._workers:
            self._workers = workers
            for pacer in self._pacers.values():
                pacer.share(workers)

    async def claim(self, connection: AsyncConnection, thread: ThreadId) -> Turn | None:
        """See `core.scheduler.Drainer`."""
        return await self._store.claim_within(connection, thread, self._approach)

    async def drain(self, thread: ThreadId, turn: Turn | None = None) -> None:
        """Answers the open turns of a thread, in order, until none is left, or none is to be begun any more; beginning
        with one that is claimed already, if it is given. Raises `DatabaseError`. Cancelled, it leaves its turn to the
        next runner."""
        turn = turn or await self._store.claim(thread, self._approach)
        try:
            while turn is not None:
                if turn.bridge not in self._routes:
                    log.error("%s has open turns, and is not configured here", turn.bridge)
                    await self._store.release(turn)
                    return
                async with self._lane(turn):
                    with saying(turn_id=turn.id):
                        turn = await self._run(turn)
        except LeaseLost as lost:
            log.warning("%s (%s)", lost.sentence, lost.detail)
        except asyncio.CancelledError:
            if turn is not None:
                self._answering.done(turn)
            if turn is not None and self._held():
                with suppress(LeaseLost, DatabaseError):
                    await self._store.release(turn)
            raise

    async def _approach(self, connection: AsyncConnection, turn: Turn) -> None:
        route = self._routes.get(turn.bridge)
        if route is not None and turn.accepted_at >= self._too_old and not route.choices:
            await self._answering.approach(connection, turn, route.assistants)

    def _lane(self, turn: Turn) -> AbstractAsyncContextManager[None]:
        """After an outage everything that was left comes at once: it goes through a lane of limited width, those that
        wait longest first, while what people say now passes by."""
        return self._recovering if turn.attempt > 1 or turn.accepted_at < self._began else nullcontext()

    async def _run(self, turn: Turn) -> Turn | None:
        """Takes one turn to its end, and claims the next."""
        ledger = _Ledger(self._store, turn, self._held)
        route = self._routes[turn.bridge]
        watch = Watch(turn, self._observe)
        reply = LiveReply(
            route.bridge,
            self._pacers[turn.bridge],
            ThreadId(turn.thread),
            ledger,
            reply_to=_answered_message(turn),
            adopted=await self._store.parts.of(turn) if turn.attempt > 1 else (),
            watch=watch,
        )
        asks = route.buttons and turn.command in ASKING
        if asks:
            reply.controls = growing(turn.id or 0)
        said, state, error, offered = "", State.ANSWERED, None, None
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
                if asks:
                    reply.controls = finished(turn.id or 0, answered=state is State.ANSWERED)
                await reply.finish()
                watch.shown()
                if reply.enclosed and state is State.ANSWERED:
                    said = await self._enclose(turn, route, ledger, reply)
                offered = reply.offered
        except PlatformError as failure:
            state, error = State.FAILED, failure.sentence
            log.error("turn %d cannot be shown on %s: %s (%s)", turn.id, turn.bridge, error, failure.detail)
        following = await self._store.close(
            turn,
            state,
            reply=clean(said),
            error=error,
            offered=offered,
            claim_next=not self.closing,
            then=self._approach,
        )
        if offered is not None:
            self._withdraw(turn, route)
        log.info("turn %s", state)
        watch.ended(state, said)
        return following

    async def _enclose(self, turn: Turn, route: Route, ledger: _Ledger, reply: LiveReply) -> str:
        """Posts the files of an answer; gives its text with all of them, for the record."""
        assert isinstance(route.bridge, Attaching)
        said = "\n\n".join([reply.text, *(linked(one.file) for one in reply.enclosed)]).lstrip()
        pacer = self._pacers[turn.bridge]
        enclosing = Enclosing(route.bridge, pacer, ThreadId(turn.thread), ledger, _answered_message(turn))
        left = await enclosing.post(reply.enclosed)
        if left:
            reply.append("".join(f"\n\n{linked(file)}" for file in left))
            await reply.finish()
        return said

    def _withdraw(self, turn: Turn, route: Route) -> None:
        self._aside.begin(withdraw(self._store.offers, route.bridge, self._pacers[turn.bridge], turn))

    async def settled(self) -> None:
        """Called once, after the last turn: ends what goes on beside them, if it does not end soon by itself."""
        await self._aside.end(SOON)

    async def _answer_unless_stopped(self, turn: Turn, route: Route, reply: LiveReply) -> None:
        """In a task of its own, which a person may stop: then what came so far stays."""
        assert turn.id is not None
        answering = asyncio.create_task(self._answer(turn, route, reply))
        self._running[turn.id] = answering
        self._replies[turn.id] = reply
        try:
            await answering
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if turn.id in self._stopped and task is not None and not task.cancelling():
                raise _Ended(State.STOPPED, commands.STOPPED) from None
            raise
        finally:
            self._answering.done(turn)
            del self._running[turn.id], self._replies[turn.id]
            self._stopped.discard(turn.id)

    async def _answer(self, turn: Turn, route: Route, reply: LiveReply) -> None:
        """Writes the whole answer of a turn into the reply. Raises `UpstreamError`, what the reply raises, or
        `DatabaseError`."""
        if turn.accepted_at < self._too_old:
            raise _Ended(State.EXPIRED, commands.EXPIRED)
        if turn.stop_requested or turn.id in self._stopped:
            raise _Ended(State.STOPPED, commands.STOPPED)
        if turn.crashes > MOST_CRASHES:
            raise UpstreamError("This message could not be answered: the program broke down over it again and again.")
        await gathered(self._store, turn)
        if may_gather(turn):
            reply.watch.gathered()
        assistants = route.assistants
        if route.choices:
            assistants = route.choices.get(await self._store.conversations.chosen(turn) or "", assistants)
        await self._answering.answer(
            turn, assistants, route.bridge.fetch, reply, tuple(route.choices), buttons=route.buttons
        )


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
    held: Callable[[], bool]

    def check(self) -> None:
        if not self.held():
            raise LeaseLost(detail=f"turn {self.turn.id}: this process may have been replaced")

    async def intend(self, position: int) -> Part:
        return await self.store.parts.intend(self.turn, position)

    async def posted(self, part: Part, message: MessageId) -> None:
        await self.store.parts.posted(self.turn, part, message)

    async def renew(self, part: Part) -> None:
        await self.store.parts.renew(self.turn, part)

    async def enclose(self, position: int) -> Enclosure:
        return await self.store.enclosures.intend(self.turn, position)

    async def enclosed(self, enclosure: Enclosure, message: MessageId) -> None:
        await self.store.enclosures.posted(self.turn, enclosure, message)


def _answered_message(turn: Turn) -> MessageId | None:
    return None if by_operator(turn) else MessageId(turn.message)


def _with_note(said: str, note: str) -> str:
    """What was said before stays, and why it ends stands below it (I7)."""
    return f"{close(said).rstrip()}\n\n{note}" if said.strip() else note
