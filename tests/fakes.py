"""A platform and an upstream in memory that enforce the rules of the seams, for tests of the relay alone."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Self

from core.bridge import Accept, May, Recollect
from core.controls import NONE, Controls
from core.errors import MessageMissing, PlatformError, PlatformRefused, PlatformUnavailable
from core.fetching import Fetched
from core.model import Attachment, Event, MessageId, Prompt, ThreadId
from core.pace import Budget, Call, Pace
from core.upstream import Limits


@dataclass
class Posted:
    """A message of the fake platform."""

    id: MessageId
    thread: ThreadId
    key: str
    reply_to: MessageId | None
    text: str
    final: bool
    history: list[str] = field(default_factory=list)


async def at_once() -> None:
    """A `May` without limits."""


class FakeBridge:
    """Keeps messages in a list. `trouble` is asked before each call, with the kind of call and how many of that kind
    there were before: what it returns is raised, and what it returns as a tuple `("after", error)` is raised when the
    call has been performed."""

    name = "fake"
    unready: str | None = None
    heard_at: float | None = None

    def __init__(self, limit: int = 200, *, findable: bool = True, placeholder: bool = False) -> None:
        self.limit = limit
        self.leaves = 0
        """How often somebody asked for leave to call."""
        self.findable = findable
        self.messages: list[Posted] = []
        self.typing_now = 0
        self.calls = {"create": 0, "edit": 0, "delete": 0}
        self.trouble: Callable[[str, int], PlatformError | tuple[str, PlatformError] | None] = lambda call, count: None
        self.changed = asyncio.Event()
        self._placeholder = placeholder
        self._numbers = itertools.count(1)

    @property
    def pace(self) -> Pace:
        def budgets(thread: ThreadId, call: Call) -> Iterable[Budget]:
            self.leaves += 1
            return (Budget("bot", 10_000, burst=100.0),)

        return Pace(budgets, placeholder=self._placeholder)

    async def listen(self, accept: Accept, recollect: Recollect) -> None:
        await asyncio.Event().wait()

    def fits(self, text: str) -> bool:
        return len(text) <= self.limit

    def open(
        self, thread: ThreadId, key: str, message: MessageId | None = None, *, reply_to: MessageId | None = None
    ) -> FakeSurface:
        assert len(key) <= 25
        return FakeSurface(self, thread, key, message, reply_to)

    async def find(self, thread: ThreadId, key: str) -> MessageId | None:
        if not self.findable:
            return None
        return next((posted.id for posted in self.messages if posted.key == key), None)

    @asynccontextmanager
    async def typing(self, thread: ThreadId, may: May) -> AsyncIterator[None]:
        await may()
        self.typing_now += 1
        self.changed.set()
        try:
            yield
        finally:
            self.typing_now -= 1
            self.changed.set()

    async def fetch(self, attachment: Attachment) -> AsyncIterator[bytes]:
        yield b"content of " + attachment.reference.encode()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    # --- for tests ------------------------------------------------------------------------------------------------

    def texts(self, thread: ThreadId | None = None) -> list[str]:
        return [posted.text for posted in self.messages if thread is None or posted.thread == thread]

    async def until(self, condition: Callable[[], object]) -> None:
        """Waits until something happens on the platform that makes `condition()` true."""
        async with asyncio.timeout(20):
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    def call(self, kind: str) -> PlatformError | None:
        """Counts a call; raises what goes wrong before it, returns what goes wrong after it."""
        trouble = self.trouble(kind, self.calls[kind])
        self.calls[kind] += 1
        if isinstance(trouble, tuple):
            return trouble[1]
        if trouble is not None:
            raise trouble
        return None

    def new(self, thread: ThreadId, key: str, reply_to: MessageId | None, text: str, final: bool) -> Posted:
        posted = Posted(MessageId(f"b{next(self._numbers)}"), thread, key, reply_to, text, final, [text])
        self.messages.append(posted)
        return posted


@dataclass
class PostedFile:
    """A file on the fake platform."""

    key: str
    name: str
    media_type: str
    content: bytes
    after: list[str]
    """The texts that stood there when it came."""


class FilingBridge(FakeBridge):
    """Takes files too. `trouble` is asked for `attach`."""

    largest_file = 1_000_000

    def __init__(self, limit: int = 200) -> None:
        super().__init__(limit)
        self.calls["attach"] = 0
        self.files: list[PostedFile] = []

    async def attach(
        self, thread: ThreadId, key: str, name: str, file: Fetched, *, reply_to: MessageId | None = None
    ) -> MessageId:
        try:
            after = self.call("attach")
            if not any(one.key == key for one in self.files):
                self.files.append(PostedFile(key, name, file.media_type, file.content.read(), self.texts()))
        finally:
            self.changed.set()
        if after is not None:
            raise after
        return MessageId(f"f{len(self.files)}")


class FakeSurface:
    def __init__(
        self, bridge: FakeBridge, thread: ThreadId, key: str, message: MessageId | None, reply_to: MessageId | None
    ) -> None:
        self._bridge, self._thread, self._key, self._reply_to = bridge, thread, key, reply_to
        self.message = message
        self.shown: str | None = None

    async def show(self, text: str, *, final: bool) -> None:
        await asyncio.sleep(0)
        if not self._bridge.fits(text):
            raise PlatformRefused(detail="too long")
        try:
            if self.message is None:
                self._create(text, final)
            else:
                self._edit(self.message, text, final)
        finally:
            self._bridge.changed.set()

    def _create(self, text: str, final: bool) -> None:
        placeholder = self._bridge.pace.placeholder
        if not text and (final or not placeholder):
            self.shown = text
            return
        after = self._bridge.call("create")
        posted = self._bridge.new(self._thread, self._key, self._reply_to, "" if placeholder else text, final)
        if after is not None:
            raise after
        self.message, self.shown = posted.id, posted.text

    def _edit(self, message: MessageId, text: str, final: bool) -> None:
        after = self._bridge.call("edit" if text or not final else "delete")
        posted = next((posted for posted in self._bridge.messages if posted.id == message), None)
        if posted is None:
            raise MessageMissing
        if final and not text:
            self._bridge.messages.remove(posted)
            self.message = None
        posted.text, posted.final = text, final
        posted.history.append(text)
        if after is not None:
            raise after
        self.shown = text


class OfferingBridge(FakeBridge):
    """One that has buttons: those of each message are in `buttons`."""

    def __init__(self, limit: int = 200) -> None:
        super().__init__(limit)
        self.buttons: dict[MessageId, Controls] = {}

    def open(
        self, thread: ThreadId, key: str, message: MessageId | None = None, *, reply_to: MessageId | None = None
    ) -> FakeSurface:
        return OfferingSurface(self, thread, key, message, reply_to)

    def below(self, words: str) -> Controls:
        """What is below the newest message with these words."""
        return next(self.buttons[one.id] for one in reversed(self.messages) if words in one.text)


class OfferingSurface(FakeSurface):
    _bridge: OfferingBridge
    offered = NONE
    _controls = NONE

    def offer(self, controls: Controls) -> None:
        self._controls = controls

    async def show(self, text: str, *, final: bool) -> None:
        await super().show(text, final=final)
        if self.message is not None:
            self.offered = self._bridge.buttons[self.message] = self._controls


class SigningBridge(FakeBridge):
    """One that shows that messages wait: `signed` are those that have the sign, `asked` is all that was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.calls |= {"sign": 0, "unsign": 0}
        self.signed: set[MessageId] = set()
        self.asked: list[tuple[MessageId, bool]] = []
        self.before_signing: asyncio.Event | None = None
        """While it is there and not set, signs are on their way."""
        self.before_taking_away: asyncio.Event | None = None
        """The same of taking them away."""

    async def sign(self, thread: ThreadId, message: MessageId, *, waits: bool) -> None:
        self.asked.append((message, waits))
        self.changed.set()
        held = self.before_signing if waits else self.before_taking_away
        if held is not None:
            await held.wait()
        try:
            after = self.call("sign" if waits else "unsign")
            (self.signed.add if waits else self.signed.discard)(message)
            if after is not None:
                raise after
        finally:
            self.changed.set()


Step = Event | Exception | asyncio.Event
"""What a scripted upstream does next: say it, raise it, or wait for it."""


class FakeUpstream:
    """Answers each prompt with the next script, the last one again and again; keeps the prompts."""

    def __init__(
        self, *scripts: Iterable[Step], name: str = "main", remembers: bool = True, limits: Limits | None = None
    ) -> None:
        self.name = name
        self.remembers = remembers
        self.limits = limits or Limits()
        self.prompts: list[Prompt] = []
        self.abandoned = 0
        self.asked = asyncio.Event()
        self._scripts = [list(script) for script in scripts]

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Event, None]:
        script = self._scripts[min(len(self.prompts), len(self._scripts) - 1)]
        self.prompts.append(prompt)
        self.asked.set()
        try:
            for step in script:
                match step:
                    case asyncio.Event():
                        await step.wait()
                    case Exception():
                        raise step
                    case event:
                        await asyncio.sleep(0)
                        yield event
        except (GeneratorExit, asyncio.CancelledError):
            self.abandoned += 1
            raise

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...


LOST = PlatformUnavailable(detail="the answer was lost")
