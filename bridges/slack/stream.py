"""One message of Slack's that grows by itself, and is edited from the moment at which it cannot any more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bridges.slack import buttons, format, growing
from bridges.slack.errors import NotStreaming, TokenRefused
from bridges.slack.finding import metadata
from bridges.slack.growing import Sent
from bridges.slack.streams import LIFE, Streams
from bridges.slack.surface import SlackSurface
from bridges.slack.thread import Thread
from bridges.slack.web import Json
from core.bridge import Wanted
from core.controls import NONE, Controls
from core.errors import PlatformRefused, PlatformUnavailable, SlowDown
from core.model import MessageId
from core.pace import Call

LONGEST_WAIT = 5.0
"""Seconds that appending may be told to wait: after more than that, edits show the text sooner."""

Edited = Callable[[MessageId | None, str | None], SlackSurface]
"""A message that is edited, and what it is known to show."""


@dataclass(slots=True)
class _Stream:
    message: MessageId
    begun: float
    sent: Sent
    shown: str
    leaving: bool = False
    """It can do no more: a call was refused, or nobody knows whether one was performed."""
    rest_first: bool = False
    """Its end has to wait: meanwhile the rest of the text is appended."""


class StreamSurface:
    """Implements `core.bridge.Surface` and `core.bridge.Growing`.

    When a stream can do no more it is ended, and the message written whole by an edit, whatever was shown before: so
    nothing is lost or repeated, not even where the answer to a call never came. What an earlier run began is edited
    from the start."""

    def __init__(
        self,
        streams: Streams,
        place: Thread,
        key: str,
        message: MessageId | None,
        asked_by: MessageId | None,
        edited: Edited,
    ) -> None:
        self._streams = streams
        self._place = place
        self._key = key
        self._asked_by = asked_by
        self._edited = edited
        self._plain = edited(message, None)
        """The message while it is not a stream."""
        self._stream: _Stream | None = None
        self._fresh = message is None
        """Nothing was tried yet."""
        self._controls = NONE
        self._held: str | None = None
        """A text nothing of which can be shown yet."""

    @property
    def message(self) -> MessageId | None:
        return self._stream.message if self._stream is not None else self._plain.message

    @property
    def shown(self) -> str | None:
        if self._stream is not None:
            return self._stream.shown
        return self._held if self._fresh else self._plain.shown

    def offer(self, controls: Controls) -> None:
        """Below a stream there are none: Slack shows a button to stop it by itself, where it has one."""
        self._controls = controls
        self._plain.offer(controls)

    @property
    def offered(self) -> Controls:
        return NONE if self._stream is not None else self._plain.offered

    @property
    def faded(self) -> bool:
        return False

    def call(self, wanted: Wanted) -> Call | None:
        stream = self._stream
        if stream is None:
            if self._fresh and not wanted.final:
                return "create" if self._first(wanted) else None
            if self._plain.shown == wanted.text and not (wanted.final and self.offered != wanted.controls):
                return None
            return "edit" if self._plain.message is not None else "create"
        if self._over(stream):
            return "close"
        if wanted.final:
            return "append" if stream.rest_first else "close"
        added = growing.addition(stream.sent, wanted.written, wanted.status)
        if added is None:
            return "close"
        return "append" if added[0] else None

    # --- while the text grows -----------------------------------------------------------------------------------

    async def grow(self, wanted: Wanted) -> None:
        if self._stream is not None:
            await self._extend(self._stream, wanted)
        elif not self._fresh:
            await self._plain.show(wanted.text, final=False)
        elif self._first(wanted):
            await self._begin(wanted)
        else:
            self._held = wanted.text

    async def _begin(self, wanted: Wanted) -> None:
        self._fresh = False
        chunks, sent = self._first(wanted) or ([], Sent())
        message = await self._streams.begin(self._place, self._asked_by, chunks)
        if message is None:
            await self._plain.show(wanted.text, final=False)
        else:
            self._stream = _Stream(message, self._streams.clock(), sent, wanted.text)

    def _first(self, wanted: Wanted) -> tuple[list[Json], Sent] | None:
        """What a stream would begin with; None: nothing that could be shown already."""
        added = growing.addition(Sent(), wanted.written, wanted.status)
        return added if added and added[0] else None

    async def _extend(self, stream: _Stream, wanted: Wanted) -> None:
        added = None if self._over(stream) else growing.addition(stream.sent, wanted.written, wanted.status)
        if added is None:
            await self._leave(stream)
            return
        chunks, sent = added
        if not chunks or await self._append(stream, chunks, sent):
            stream.shown = wanted.text

    async def _append(self, stream: _Stream, chunks: list[Json], sent: Sent) -> bool:
        """False: the stream can do no more."""
        try:
            await self._streams.append(self._place, stream.message, chunks)
        except SlowDown as refusal:
            stream.leaving = refusal.retry_after > LONGEST_WAIT
            raise
        except PlatformUnavailable:
            stream.leaving = True
            raise
        except NotStreaming:
            self._ended(stream)
            return False
        except TokenRefused:
            raise
        except PlatformRefused:
            stream.leaving = True
            return False
        stream.sent = sent
        return True

    # --- ending -------------------------------------------------------------------------------------------------

    async def show(self, text: str, *, final: bool) -> None:
        if not final:
            await self.grow(Wanted(text, final=False, written=text))
        elif self._stream is None:
            self._fresh = False
            await self._plain.show(text, final=True)
        else:
            await self._finish(self._stream, text)

    async def _finish(self, stream: _Stream, text: str) -> None:
        rest = None if self._over(stream) or format.blank(text) else growing.ending(stream.sent, text)
        if rest is None:
            await self._leave(stream)
        elif stream.rest_first and rest:
            stream.rest_first = False
            whole = Sent(stream.sent.text + rest[0]["text"])
            await self._append(stream, rest, whole)
        else:
            await self._end(stream, text, rest)

    async def _end(self, stream: _Stream, text: str, rest: list[Json]) -> None:
        try:
            foot = buttons.blocks(self._controls)
            answer = await self._streams.end(self._place, stream.message, rest, metadata(self._key), foot)
        except SlowDown:
            stream.rest_first = bool(rest)
            raise
        except PlatformUnavailable:
            stream.leaving = True
            raise
        except NotStreaming:
            self._ended(stream)
        except TokenRefused:
            raise
        except PlatformRefused:
            stream.leaving = True
        else:
            said = growing.says(answer.get("message"), text)
            self._ended(stream, text if said else None, self._controls if said else NONE)

    async def _leave(self, stream: _Stream) -> None:
        """The edit that follows decides whether anything can be shown here at all."""
        stream.leaving = True
        try:
            await self._streams.end(self._place, stream.message, [], metadata(self._key))
        except TokenRefused:
            raise
        except PlatformRefused:
            pass
        self._ended(stream)

    def _ended(self, stream: _Stream, shown: str | None = None, offered: Controls = NONE) -> None:
        self._streams.left(stream.message)
        self._stream = None
        self._plain = self._edited(stream.message, shown)
        self._plain.offer(self._controls)
        self._plain.offered = offered

    def _over(self, stream: _Stream) -> bool:
        return stream.leaving or self._streams.clock() - stream.begun > LIFE
