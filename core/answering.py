"""How a turn gets its answer: from the program itself, or from the first assistant that is available.

`answer` chooses who, `_converse` keeps within the conversation, `_ask` reads what the upstream says. What was asked
before, and not heard to its end, is recalled where the upstream's own record has the answer: then nobody asks again.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import defaultdict
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, replace
from weakref import WeakValueDictionary

from sqlalchemy.ext.asyncio import AsyncConnection

from core import commands
from core.breaker import UNAVAILABLE, Breaker
from core.controls import choosing, finished, key
from core.conversations import Needed, current, history
from core.enclosing import Sender
from core.errors import AnswerMalformed, ConversationUnknown, PromptRejected, ThreadbridgeError, UpstreamError
from core.live import LiveReply
from core.model import Done, Event, Exchange, Fetch, File, Opened, Prompt, Replace, Status, Text, Usage
from core.overlap import may_gather
from core.recollection import recollected
from core.store import Store, attachments_of
from core.tables import Conversation, Turn
from core.upstream import CanRecall, Upstream

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Assistant:
    """An upstream, and how much of the record goes with a prompt to it."""

    upstream: Upstream
    history_exchanges: int
    history_characters: int
    announce_backup: bool = False
    """Is it said below a reply that another wrote it in its place?"""
    sender: Sender | None = None
    """For the files of its answers; None: they stay links."""

    @property
    def name(self) -> str:
        return self.upstream.name

    def needed(self, *, alone: bool) -> Needed:
        return Needed(self.history_exchanges, self.history_characters, self.upstream.remembers, alone)


@dataclass(frozen=True, slots=True)
class Approached:
    """What a turn needs of the record before it is asked."""

    turn: Turn
    upstream: str
    conversation: Conversation
    history: tuple[Exchange, ...]


class Answering:
    """Shared by all turns, for what one turn learns of an upstream is good for the next."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._breakers: dict[str, Breaker] = defaultdict(Breaker)
        self._approached: dict[int | None, Approached] = {}
        """By turn, until it is answered."""
        self._in_flight: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    async def approach(self, connection: AsyncConnection, turn: Turn, assistants: Sequence[Assistant]) -> None:
        """Reads what a turn that was claimed just now will need, in the transaction that claimed it: that is one less
        between a message and its answer. Only what is certain to be needed."""
        asks = not turn.command and (turn.prompt.strip() or turn.attachments)
        if not asks or turn.attempt > 1 or turn.stop_requested or may_gather(turn):
            return
        assistant = self._available(assistants)[0]
        conversation = await current(connection, turn, assistant.name)
        known = await history(connection, turn, conversation, assistant.needed(alone=len(assistants) == 1))
        self._approached[turn.id] = Approached(turn, assistant.name, conversation, known)

    def done(self, turn: Turn) -> None:
        """Nothing more is asked for a turn by this runner."""
        self._approached.pop(turn.id, None)

    def _available(self, assistants: Sequence[Assistant]) -> Sequence[Assistant]:
        now = asyncio.get_running_loop().time()
        return [one for one in assistants if self._breakers[one.name].allows(now)] or [assistants[0]]

    async def answer(
        self,
        turn: Turn,
        assistants: Sequence[Assistant],
        fetch: Fetch,
        reply: LiveReply,
        choices: Sequence[str] = (),
        *,
        buttons: bool = False,
    ) -> None:
        """Writes the whole answer of a turn into the reply: that of the first assistant, or, while it is unavailable,
        of the next (R7). `choices`: the names of all that may be chosen in its place, if there are several; `buttons`:
        also by pressing one. Raises `UpstreamError`, what the reply raises, or `DatabaseError`."""
        if turn.command == "retry":
            await self._store.repeat(turn)
        if turn.command or not (turn.prompt.strip() or turn.attachments):
            present = assistants[0].name
            if turn.command == "use":
                reply.append(await self._choose(turn, present, choices, reply if buttons else None))
            else:
                reply.append(await self._obey(turn, present, choices))
            return
        alone = len(assistants) == 1 and not choices
        before = next((one for one in assistants if turn.attempt > 1 and one.name == turn.upstream), None)
        if before is not None and await self._recall(turn, before, fetch, reply, alone=alone):
            _answered(before, assistants[0], reply)
            return
        clock = asyncio.get_running_loop().time
        asked = self._available(assistants)
        for assistant in asked:
            try:
                with self._breakers[assistant.name].asking(clock()), reply.watch.asking(assistant.name):
                    await self._converse(turn, assistant, fetch, reply, alone=alone)
            except UNAVAILABLE as error:
                # What was said already is not said again by somebody else.
                if reply.text or reply.enclosed or assistant is asked[-1]:
                    raise
                log.warning("%s is unavailable (%s); its backup is asked", assistant.name, error.detail)
                reply.status("")
            else:
                _answered(assistant, assistants[0], reply)
                return

    async def _recall(self, turn: Turn, assistant: Assistant, fetch: Fetch, reply: LiveReply, *, alone: bool) -> bool:
        """Shows the answer to what an earlier runner asked this one, if it is on the upstream's record."""
        if not isinstance(assistant.upstream, CanRecall):
            return False
        conversation, known = await self._store.conversations.approach(
            turn, assistant.name, assistant.needed(alone=alone)
        )
        prompt = _prompt(turn, conversation, known, fetch)
        found = await recollected(self._store.conversations, assistant.upstream, turn, prompt)
        if found is not None:
            reply.replace(found)
        return found is not None

    async def _converse(self, turn: Turn, assistant: Assistant, fetch: Fetch, reply: LiveReply, *, alone: bool) -> None:
        """Asks one upstream within its conversation, which is begun anew, once, if the upstream has forgotten it."""
        upstream = assistant.upstream
        if upstream.limits.text is not None and len(turn.prompt) > upstream.limits.text:
            raise PromptRejected(
                f"This message is too long for the assistant: it takes {upstream.limits.text:,} characters at most."
            )
        needed = assistant.needed(alone=alone)
        approached = self._approached.pop(turn.id, None)
        # an id may be given again, where the transaction that gave it came to nothing
        if approached is not None and approached.turn is turn and approached.upstream == upstream.name:
            conversation, known = approached.conversation, approached.history
        else:
            conversation, known = await self._store.conversations.approach(turn, upstream.name, needed)
        async with self._alone_in(upstream.name, conversation.upstream_id):
            try:
                prompt = _prompt(turn, conversation, known, fetch)
                await self._ask_and_hear(turn, assistant, prompt, conversation, reply)
            except ConversationUnknown:
                if conversation.upstream_id is None:
                    raise
                log.warning("%s has forgotten a conversation; it is begun anew", upstream.name)
                conversation, known = await self._store.conversations.approach(turn, upstream.name, needed, anew=True)
                prompt = _prompt(turn, conversation, known, fetch)
                await self._ask_and_hear(turn, assistant, prompt, conversation, reply)
        if not (reply.text.strip() or reply.enclosed):
            raise AnswerMalformed("The assistant's answer was empty. Please ask again.")

    def _alone_in(self, upstream: str, upstream_id: str | None) -> asyncio.Lock:
        """Held by the one request that may be in flight in an upstream's conversation, until it is closed."""
        if upstream_id is None:  # nobody can be in a conversation that does not exist yet
            return asyncio.Lock()
        return self._in_flight.setdefault((upstream, upstream_id), asyncio.Lock())

    async def _ask_and_hear(
        self, turn: Turn, assistant: Assistant, prompt: Prompt, conversation: Conversation, reply: LiveReply
    ) -> None:
        """Asks once; where the connection was lost and the upstream has the whole answer on record, shows that."""
        upstream = assistant.upstream
        try:
            await self._ask(turn, assistant, prompt, conversation, reply)
        except UpstreamError as error:
            if not error.unheard or not isinstance(upstream, CanRecall):
                raise
            said = reply.text
            if said:
                reply.status("Looking for the rest")
            prompt = replace(prompt, conversation_id=conversation.upstream_id)
            found = await recollected(self._store.conversations, upstream, turn, prompt)
            reply.status("")
            if found is None or len(found) < len(said):
                raise
            reply.replace(found)

    async def _ask(
        self, turn: Turn, assistant: Assistant, prompt: Prompt, conversation: Conversation, reply: LiveReply
    ) -> None:
        """Asks, and passes on what the upstream says."""
        upstream = assistant.upstream
        async with AsyncExitStack() as held, aclosing(_events(upstream, prompt)) as events:
            async for event in events:
                match event:
                    case Text(delta):
                        reply.status("")
                        reply.append(delta)
                    case Replace(text):
                        reply.replace(text)
                    case Opened(upstream_id):
                        if upstream_id != conversation.upstream_id:
                            lock = self._alone_in(upstream.name, upstream_id)
                            if not lock.locked():
                                await held.enter_async_context(lock)
                            await self._store.conversations.opened(turn, conversation, upstream_id)
                    case Status(label):
                        reply.status(label)
                    case File():
                        reply.enclose(event, assistant.sender)
                    case Done(usage, answer_id):
                        # the stream ends by itself, and leaves its connection to the next turn
                        if usage is not None or answer_id:
                            await self._store.used(turn, usage or Usage(), answer_id)

    async def _obey(self, turn: Turn, upstream: str, choices: Sequence[str]) -> str:
        """A command to the program, or a message without any words: answered here, in the thread's order."""
        match turn.command:
            case "new":
                await self._store.conversations.begin(turn, upstream)
                return commands.NEW
            case "status":
                conversation = await self._store.conversations.of(turn, upstream)
                answers, tokens = await self._store.conversations.size(conversation)
                return commands.status(
                    upstream,
                    conversation.upstream_id,
                    conversation.started_at,
                    answers=answers,
                    tokens=tokens,
                    choices=choices,
                )
            case "stop":
                return commands.STOP_ANSWERED
            case "retry":
                return commands.NOTHING_TO_RETRY
            case "help":
                return commands.HELP
            case "refused":
                return turn.reply or ""
            case "":
                return commands.EMPTY
            case other:
                return commands.unknown(other)

    async def _choose(self, turn: Turn, present: str, choices: Sequence[str], menu: LiveReply | None) -> str:
        """Takes a name as people write it, upper case or lower and no more of it than tells it apart, or as a button
        has it. `menu`: where buttons may stand."""
        if not choices:
            return commands.ONLY_ONE
        said = turn.prompt.strip()
        wanted = said.casefold()
        found = [one for one in choices if said in (one, key(one))]
        found = found or [one for one in choices if one.casefold() == wanted]
        found = found or [one for one in choices if wanted and one.casefold().startswith(wanted)]
        if len(found) == 1:
            await self._store.conversations.choose(turn, found[0])
            if menu is not None:
                menu.controls = finished(turn.id or 0, answered=False)
            return commands.chosen(found[0])
        if menu is not None:
            menu.controls = choosing(turn.id or 0, choices, present)
        offered = commands.offered(present, choices)
        return f"{commands.not_here(said)} {offered}" if said and not found else offered


def _prompt(turn: Turn, conversation: Conversation, history: tuple[Exchange, ...], fetch: Fetch) -> Prompt:
    return Prompt(
        text=turn.prompt,
        user=hashlib.sha256(f"{turn.bridge}:{turn.author}".encode()).hexdigest()[:32],
        conversation_id=conversation.upstream_id,
        history=history,
        attachments=attachments_of(turn),
        fetch=fetch,
    )


async def _events(upstream: Upstream, prompt: Prompt) -> AsyncGenerator[Event, None]:
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


def _answered(assistant: Assistant, first: Assistant, reply: LiveReply) -> None:
    """What goes with the whole text of an answer."""
    if assistant.sender is not None and reply.takes_files:
        for image in assistant.sender.images(reply.text):
            reply.enclose(image, assistant.sender)
    if assistant is not first and first.announce_backup:
        reply.footnote(f"*Answered by {assistant.name}, because {first.name} is unavailable.*")
