"""The seam to a chat platform: what the relay asks of every bridge, and nothing more."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, runtime_checkable

from core.controls import NONE, Controls, NotTaken
from core.fetching import Fetched
from core.model import Attachment, Message, MessageId, ThreadId
from core.pace import Call, Pace

May = Callable[[], Awaitable[None]]
"""Returns when one more call may be made."""

Accept = Callable[[Message], Awaitable[NotTaken | None]]
"""Returns once the message is recorded, and only then may the platform be told that it was received. Taking the same
message twice does no harm. Gives something where the message is the press of a button that came to nothing: what the
person is to be told in the platform's own way, and nobody else. Raises only `core.errors.DatabaseError`: then nothing
is recorded, and the platform must be left to deliver it again."""


@dataclass(frozen=True, slots=True)
class Recent:
    """What is on record of one bridge."""

    within: timedelta
    """How old a message may be to be worth answering still."""
    threads: tuple[ThreadId, ...]
    """Where the bot was spoken to of late, the newest first; not all of them where there are very many."""
    messages: frozenset[MessageId]
    """Which messages of that age are recorded already, in whatever thread."""


SIGN_SECONDS = 15.0
"""How often a platform that is listened to is brought to give a sign of life."""

Recollect = Callable[[], Awaitable[Recent]]
"""What is recorded at this moment. Raises only `core.errors.DatabaseError`."""


class Surface(Protocol):
    """One platform message being written. It is told the whole text each time and finds out itself what to send."""

    @property
    def message(self) -> MessageId | None:
        """The platform's id, as soon as the message exists."""

    @property
    def shown(self) -> str | None:
        """The text last confirmed by the platform, as it was given to `show`; None before anything is."""

    async def show(self, text: str, *, final: bool) -> None:
        """Takes one step towards showing `text`, the whole Markdown of this message, and sets `message` and `shown`.

        One call makes at most one call that creates a message. If `shown` still differs afterwards, the caller records
        `message` and calls again (a platform without any means to find its own posts creates a placeholder first).

        Empty text: on a message that does not exist yet it may create a placeholder, or do nothing; with `final` it
        takes an existing message away. `final` text stays: leftovers of growing (a cursor, a native stream) go.
        Showing the same twice does no harm. Raises `PlatformError` only."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one message should show."""

    text: str
    """The whole Markdown, as `Surface.show` takes it: what is open is closed, and the status stands below it."""
    final: bool
    written: str = ""
    """Until the text is final: what the upstream wrote of it, just as it did, so that it mostly extends what there was
    before."""
    status: str = ""
    """Until the text is final: what the upstream is doing just now."""
    controls: Controls = NONE
    """What a person may press below it."""


@runtime_checkable
class Growing(Protocol):
    """What a surface may offer besides, where its platform has a better way to show a growing text than one edit after
    another."""

    def call(self, wanted: Wanted) -> Call | None:
        """What the next step draws on; None: it needs no call. Does no I/O."""

    async def grow(self, wanted: Wanted) -> None:
        """Takes one step as `show` does, and on the same terms: `shown` is `wanted.text` when it is done. Not called
        with what is final."""

    @property
    def faded(self) -> bool:
        """Does the platform take away, by now or soon, what it shows, so that it has to be shown again?"""


@runtime_checkable
class Offering(Protocol):
    """What a surface may offer besides, where its platform has buttons."""

    def offer(self, controls: Controls) -> None:
        """From now on `show` and `grow` show these below the message, and no others. Does no I/O."""

    @property
    def offered(self) -> Controls:
        """What is below the message, as the platform confirmed it last."""


@runtime_checkable
class Working(Protocol):
    """What a bridge may offer besides, where its platform shows by itself that a thread is being worked at."""

    def working(self, thread: ThreadId) -> AbstractAsyncContextManager[None]:
        """Shown as long as the block runs, which is one turn. Neither end of it waits for the platform, and failures
        are swallowed."""


@runtime_checkable
class Signing(Protocol):
    """What a bridge may offer besides, where its platform lets bots put a sign on a person's message."""

    async def sign(self, thread: ThreadId, message: MessageId, *, waits: bool) -> None:
        """Puts the sign on it that it waits, or takes it away. Doing the same twice does no harm, nor does an id that
        stands for no message of the platform. Raises `PlatformError` only: `MessageMissing` where this one message can
        have none, `PlatformRefused` where none of its channel can."""


@runtime_checkable
class Attaching(Protocol):
    """What a bridge may offer besides, where its platform takes files from bots."""

    @property
    def largest_file(self) -> int:
        """Bytes."""

    async def attach(
        self, thread: ThreadId, key: str, name: str, file: Fetched, *, reply_to: MessageId | None = None
    ) -> MessageId:
        """Posts a file as a message of its own, read from where its content stands. `key` is as for `Bridge.open`: the
        same once more is harmless where the platform has a means for it. `name` is harmless and at most 100 bytes
        long. Raises `PlatformError`."""


class Bridge(Protocol):
    """One platform. Used as an async context manager: entered before anything else, which checks the token and raises
    `ConfigError` with a sentence that says what to do; the REST side works from then on, also without `listen`."""

    name: str

    @property
    def pace(self) -> Pace:
        """How fast it may speak."""

    async def listen(self, accept: Accept, recollect: Recollect, /) -> None:
        """Hands over what people say, until cancelled. Reconnects by itself; raises `ConfigError` for what can never
        work (a revoked token). One bad event never blocks the rest.

        What was said while nobody listened is handed over too, in its order, as far as the platform keeps it. A
        platform that does not deliver it by itself is read from, where `recollect` says that it is worth it."""

    @property
    def unready(self) -> str | None:
        """What keeps it from hearing people just now although it goes on trying, in a sentence for the operator; None
        while nothing does."""

    @property
    def heard_at(self) -> float | None:
        """When the platform last gave a sign of life over the way that messages come in, by `time.monotonic`: anything,
        an answer to a ping included. Whoever listens has one given about every `SIGN_SECONDS`. None while it does not
        listen, and where the platform calls us and gives none by itself."""

    def fits(self, text: str) -> bool:
        """Can one message of this platform hold this Markdown, once rendered? Pure, and true for the empty text."""

    def open(
        self,
        thread: ThreadId,
        key: str,
        message: MessageId | None = None,
        *,
        reply_to: MessageId | None = None,
    ) -> Surface:
        """A new platform message, or one taken up again. `key` (at most 25 characters of `[0-9a-z]`) names this part
        for good: a repeated creation under one key must be harmless where the platform has a means for it. `reply_to`
        is the person's message that a new one answers, for platforms where readers expect to see that; it may be gone
        by then, which does no harm. Does no I/O."""

    async def find(self, thread: ThreadId, key: str) -> MessageId | None:
        """The message that was created under this key, if the platform can tell; else None."""

    def typing(self, thread: ThreadId, may: May) -> AbstractAsyncContextManager[None]:
        """Shows that an answer is being written, as long as the block runs; for each call that this takes it waits for
        `may`. Failures to show it are swallowed."""

    def fetch(self, attachment: Attachment) -> AsyncIterator[bytes]:
        """Streams a file that a person sent. Raises `AttachmentError`."""

    async def __aenter__(self) -> Bridge: ...

    async def __aexit__(self, *_: object) -> None: ...
