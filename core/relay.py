"""The relay: a message becomes a turn, the turn becomes a call to an upstream, and the reply grows in its thread.

`accept` records. `drain` is the one code path that answers: it takes the open turns of a thread in their order until
none is left. `_run` ends a turn in exactly one way, `_answer` shows, `_ask` reads.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from core import commands
from core.access import admits
from core.bridge import Bridge
from core.errors import (
    AnswerMalformed,
    ConversationUnknown,
    LeaseLost,
    PlatformError,
    PromptRejected,
    ThreadbridgeError,
    UpstreamError,
)
from core.live import LiveReply
from core.markdown import close
from core.model import Done, Event, Exchange, File, Message, MessageId, Opened, Prompt, Replace, Status, Text, ThreadId
from core.pace import Pacer
from core.scheduler import Scheduler
from core.settings import Access, Relaying
from core.store import Store, attachments_of, now
from core.tables import Conversation, Part, State, Turn
from core.text import clean
from core.upstream import Upstream

log = logging.getLogger(__name__)

MOST_ATTEMPTS = 5
"""A turn that took so many runners down with it is given up."""


@dataclass(frozen=True, slots=True)
class Route:
    """One bridge, who may use it, and the assistant behind it."""

    bridge: Bridge
    access: Access
    upstream: Upstream
    history_exchanges: int
    history_characters: int


class Relay:
    """Routes are keyed by the name of their bridge."""

    def __init__(self, store: Store, routes: Mapping[str, Route], settings: Relaying) -> None:
        self._store = store
        self._routes = routes
        self._settings = settings
        self._pacers = {name: Pacer(route.bridge.pace) for name, route in routes.items()}
        self._scheduler = Scheduler(self.drain)
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
        if not message.addressed and not await self._store.takes_part(message.thread):
            return
        # What a database cannot hold must not keep a message from being recorded: it would come again for ever.
        message = replace(message, author_name=clean(message.author_name), text=clean(message.text))
        if await self._store.record(bridge, message):
            log.info("turn accepted", extra={"thread_id": message.thread, "message_id": message.id})
            self._scheduler.wake(message.thread)

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
        """Takes up what an earlier run left open (I8); called once, before listening."""
        self._too_old = now() - timedelta(seconds=self._settings.recover_within)
        await self._store.expire_overtaken(before=self._too_old)
        threads = await self._store.busy()
        if threads:
            log.info("taking up %d threads with open turns", len(threads))
        for thread in threads:
            self._scheduler.wake(thread)

    async def stop(self) -> None:
        """Begins no more turns; running ones may finish within the configured time, else stay open for the next run."""
        left = await self._scheduler.close(self._settings.drain_within)
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
                    await self._answer(turn, route, reply)
                    said = reply.text
                except UpstreamError as failure:
                    said, state, error = reply.text, State.FAILED, failure.sentence
                    log.warning("turn %d: %s (%s)", turn.id, error, failure.detail or type(failure).__name__)
                    reply.replace(_with_note(said, error))
                except _TooOld as note:
                    state, error = State.EXPIRED, str(note)
                    reply.replace(str(note))
                await reply.finish()
        except PlatformError as failure:
            state, error = State.FAILED, failure.sentence
            log.error("turn %d cannot be shown on %s: %s (%s)", turn.id, turn.bridge, error, failure.detail)
        claim_next = not self._scheduler.closing
        return await self._store.close(turn, state, reply=clean(said), error=error, claim_next=claim_next)

    async def _answer(self, turn: Turn, route: Route, reply: LiveReply) -> None:
        """Writes the whole answer of a turn into the reply. Raises `UpstreamError`, what the reply raises, or
        `DatabaseError`."""
        if turn.accepted_at < self._too_old:
            raise _TooOld(commands.EXPIRED)
        if turn.attempt > MOST_ATTEMPTS:
            raise UpstreamError("This message could not be answered: the program broke down over it again and again.")
        if turn.command or not (turn.prompt.strip() or turn.attachments):
            reply.append(await self._obey(turn, route))
            return
        upstream = route.upstream
        if upstream.limits.text is not None and len(turn.prompt) > upstream.limits.text:
            raise PromptRejected(
                f"This message is too long for the assistant: it takes {upstream.limits.text:,} characters at most."
            )
        conversation = await self._store.conversation(turn, upstream.name)
        try:
            await self._ask(turn, route, reply, conversation)
        except ConversationUnknown:
            if conversation.upstream_id is None:
                raise
            log.warning("%s has forgotten a conversation; it is begun anew", upstream.name)
            await self._ask(turn, route, reply, await self._store.begin(turn, upstream.name, fresh=False))
        if not reply.text.strip():
            raise AnswerMalformed("The assistant's answer was empty. Please ask again.")

    async def _ask(self, turn: Turn, route: Route, reply: LiveReply, conversation: Conversation) -> None:
        """Asks the upstream once, and passes on what it says."""
        async with aclosing(self._events(await self._prompt(turn, route, conversation), route.upstream)) as events:
            async for event in events:
                match event:
                    case Text(delta):
                        reply.status("")
                        reply.append(delta)
                    case Replace(text):
                        reply.replace(text)
                    case Opened(upstream_id):
                        if upstream_id != conversation.upstream_id:
                            await self._store.opened(turn, conversation, upstream_id)
                    case Status(label):
                        reply.status(label)
                    case File():
                        reply.append(_linked(event))
                    case Done():
                        return

    async def _events(self, prompt: Prompt, upstream: Upstream) -> AsyncGenerator[Event, None]:
        """The upstream's events; a fault of its adapter ends this one turn, and is the operator's to see."""
        try:
            async with aclosing(upstream.stream(prompt)) as events:
                async for event in events:
                    yield event
        except ThreadbridgeError:
            raise
        except Exception as error:
            log.exception("the adapter of %s failed", upstream.name)
            raise AnswerMalformed(detail=type(error).__name__) from error

    async def _prompt(self, turn: Turn, route: Route, conversation: Conversation) -> Prompt:
        history: tuple[Exchange, ...] = ()
        if conversation.upstream_id is None or not route.upstream.remembers:
            history = await self._store.history(
                turn, exchanges=route.history_exchanges, characters=route.history_characters
            )
        return Prompt(
            text=turn.prompt,
            user=hashlib.sha256(f"{turn.bridge}:{turn.author}".encode()).hexdigest()[:32],
            conversation_id=conversation.upstream_id,
            history=history,
            attachments=attachments_of(turn),
            fetch=route.bridge.fetch,
        )

    async def _obey(self, turn: Turn, route: Route) -> str:
        """A command to the program, or a message without any words: answered here, in the thread's order."""
        match turn.command:
            case "new":
                await self._store.begin(turn, route.upstream.name, fresh=True)
                return commands.NEW
            case "status":
                conversation = await self._store.conversation(turn, route.upstream.name)
                return commands.status(route.upstream.name, conversation.upstream_id, conversation.started_at)
            case "help":
                return commands.HELP
            case "":
                return commands.EMPTY
            case other:
                return commands.unknown(other)


class _TooOld(Exception):
    """The turn is left from an earlier run and no longer worth answering; says so."""


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


def _with_note(said: str, sentence: str) -> str:
    """What was said before it broke off stays, and the reason stands below it (I7)."""
    note = f"⚠️ {sentence}"
    return f"{close(said).rstrip()}\n\n{note}" if said.strip() else note


def _linked(file: File) -> str:
    if isinstance(file.source, bytes):
        return f"\n\n*{file.name} cannot be shown here.*"
    mark = "!" if file.media_type.startswith("image/") else ""
    return f"\n\n{mark}[{file.name}](<{file.source}>)"
