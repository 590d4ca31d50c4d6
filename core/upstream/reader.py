"""What the readers of all streams have in common. A reader does no I/O: bytes in, events out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from core.errors import (
    AnswerInterrupted,
    AnswerMalformed,
    ConversationUnknown,
    UpstreamBusy,
    UpstreamError,
    UpstreamUnavailable,
)
from core.model import Done, Event, Opened, Usage
from core.upstream.outgoing import Outgoing

EMPTY = "The assistant ended without an answer. Please ask again."
CUT_SHORT = "\n\n*(The answer ends here because it has reached the greatest length that the assistant may write.)*"
FILTERED = "\n\n*(The assistant's service ended the answer here because of its content.)*"
GAP = "A part of the assistant's answer could not be read and is missing. Please ask again."


class AnswerReader(ABC):
    """Reads one answer. What it tells does not depend on how the bytes were cut into pieces.

    `feed` never raises: a failure ends the reading and is raised by `close`, after all that came before it was told.
    """

    def __init__(self) -> None:
        self._out = Outgoing()
        self._failure: UpstreamError | None = None
        self._ended = False
        self._flushed = False
        self._gap = ""
        self._whole = False
        self._opened = ""
        self._files = 0
        self._usage: Usage | None = None
        self._answer_id = ""

    @property
    def ended(self) -> bool:
        """Nothing that may follow matters: the terminal marker was seen, or a failure."""
        return self._ended

    @property
    def spoke(self) -> bool:
        """Was there any text yet?"""
        return self._out.spoke

    @property
    def conversation_id(self) -> str:
        """As the stream named it; empty until then."""
        return self._opened

    def feed(self, data: bytes) -> list[Event]:
        """The events of the next bytes, merged."""
        if not self._ended:
            self._guarded(lambda: self._take(data))
        return self._out.take()

    def flush(self) -> list[Event]:
        """At the end of the bytes: what was held back until then, and what a last record without its end says."""
        if not self._flushed:
            self._flushed = True
            if not self._ended:
                self._guarded(self._finish)
            self._ended = True
            self._guarded(self._release)
        return self._out.take(final=True)

    def close(self) -> list[Event]:
        """The last events, with `Done` at the end. Raises the failure that ended the reading, or `AnswerInterrupted`
        if the terminal marker is missing. Call `flush` before it to get what was held back in that case too."""
        events = self.flush()
        if self._failure is not None:
            raise as_interruption(self._failure) if self.spoke else self._failure
        if not self._whole:
            raise AnswerInterrupted(detail="the stream ended without its terminal marker", unheard=True)
        if self._gap:
            raise AnswerMalformed(GAP, detail=self._gap, unheard=True)
        if not (self.spoke or self._files):
            raise AnswerInterrupted(EMPTY, detail="no text in the answer")
        return [*events, Done(self._usage, self._answer_id)]

    # --- for the readers ----------------------------------------------------------------------------------------------

    @abstractmethod
    def _take(self, data: bytes) -> None:
        """Reads the next bytes. What it raises ends the reading."""

    @abstractmethod
    def _finish(self) -> None:
        """The bytes have ended without a terminal marker or a failure so far: reads what is left. May raise."""

    def _release(self) -> None:  # noqa: B027 - most readers hold nothing back
        """Tells the text that was held back, however the answer ended."""

    def _open(self, conversation_id: str) -> None:
        if conversation_id and conversation_id != self._opened:
            self._opened = conversation_id
            self._out.tell(Opened(conversation_id))

    def _end(self) -> None:
        """The terminal marker was seen."""
        self._whole = self._ended = True

    def _guarded(self, step: Callable[[], None]) -> None:
        try:
            step()
        except UpstreamError as failure:
            self._failure = self._failure or failure
            self._ended = True


def as_interruption(failure: UpstreamError) -> UpstreamError:
    """The same failure after some text was shown: what would have been a refusal is now the end of half an answer."""
    match failure:
        case UpstreamUnavailable() | UpstreamBusy() | ConversationUnknown():
            return AnswerInterrupted(detail=f"{type(failure).__name__}: {failure.detail}")
        case _:
            return failure
