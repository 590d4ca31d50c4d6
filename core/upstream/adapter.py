"""What all adapters share: their connections, the loop from bytes to events, and that no secret gets out."""

from __future__ import annotations

import asyncio
import re
import sys
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from typing import Self

from core.errors import AnswerInterrupted, ConversationUnknown, UpstreamError, UpstreamRefused, UpstreamUnavailable
from core.model import Event, Exchange, Prompt, Status
from core.settings import UpstreamSection
from core.upstream import Asked, Limits, Remembered
from core.upstream.failures import NO_ADDRESS
from core.upstream.first_text import until_text
from core.upstream.http import AMBIGUOUS, Answer, Http, Sleep
from core.upstream.reader import AnswerReader
from core.upstream.recall import Look, recalled


class Adapter(ABC):
    """One configured assistant. Subclasses say how it is asked; see `core.upstream.Upstream` for the contract."""

    def __init__(
        self, name: str, section: UpstreamSection, headers: Mapping[str, str], *, sleep: Sleep = asyncio.sleep
    ) -> None:
        self.name = name
        self._key = section.api_key.get_secret_value() if section.api_key else ""
        self._http = Http(section, headers, sleep=sleep)
        self._sleep = sleep
        self._first_text_timeout = section.first_text_timeout
        self._slots, self._looks = (asyncio.Semaphore(section.concurrency or sys.maxsize) for _ in range(2))
        """One for each answer that may be asked for at a time, and as many for looks at the record, which are short and
        need not wait for answers. They go in the order in which they are wanted."""

    @property
    @abstractmethod
    def limits(self) -> Limits: ...

    @property
    def remembers(self) -> bool:
        return True

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.__aexit__()

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Event, None]:
        """See `core.upstream.Upstream.stream`."""
        waits = self._slots.locked()
        if waits:
            yield Status("Waiting")
        try:
            async with self._slots:
                if waits:
                    yield Status("")
                async with aclosing(self._answer(prompt, self._http.deadline())) as events:
                    async with aclosing(until_text(events, self._first_text_timeout)) as beginning:
                        async for event in beginning:
                            yield event
                    async for event in events:
                        yield event
        except ConversationUnknown as error:
            if prompt.conversation_id is not None:
                raise self._without_secrets(error) from None
            # where none was named, beginning anew cannot help
            raise self._without_secrets(UpstreamRefused(NO_ADDRESS, detail=error.detail)) from None
        except UpstreamError as error:
            self._without_secrets(error)
            raise

    @abstractmethod
    def _answer(self, prompt: Prompt, until: float | None) -> AsyncGenerator[Event, None]:
        """The events of one answer, until the loop's clock says `until`."""

    async def _read(self, answer: Answer, reader: AnswerReader) -> AsyncGenerator[Event, None]:
        """Feeds the reader until it has seen the end, and closes it.

        A break of the connection after the terminal marker does no harm; before it, what was read is told first."""
        failure: AnswerInterrupted | UpstreamUnavailable | None = None
        try:
            while not reader.ended and (data := await answer.read(told=reader.spoke)):
                events = reader.feed(data)
                del data  # much larger than its text, and else kept until the next read, for each of many answers
                for event in events:
                    yield event
        except (AnswerInterrupted, UpstreamUnavailable) as error:
            failure = error
        for event in reader.flush():
            yield event
        try:
            last = reader.close()
        except AnswerInterrupted as error:
            if failure is None:
                raise
            raise _broken(failure, spoke=reader.spoke) from error
        for event in last:
            yield event

    async def _recalled(self, look: Look, asked: Asked) -> str | None:
        """What looks at the upstream's record find, in the end."""

        async def one() -> Sequence[Remembered]:
            async with self._looks:
                return await look()

        return await recalled(one, asked, sleep=self._sleep)

    @contextmanager
    def _secretly(self) -> Generator[None, None, None]:
        """What is raised inside tells no secret."""
        try:
            yield
        except UpstreamError as error:
            self._without_secrets(error)
            raise

    def _without_secrets(self, error: UpstreamError) -> UpstreamError:
        if len(self._key) >= 4:
            error.detail = error.detail.replace(self._key, "[key]")
        error.detail = _MASKED.sub("[key]", error.detail)
        return error


def _broken(failure: AnswerInterrupted | UpstreamUnavailable, *, spoke: bool) -> UpstreamError:
    """What it means that the reading was broken off: half an answer, or none, and then another may be asked."""
    if spoke:
        return AnswerInterrupted(detail=failure.detail, unheard=True)
    if isinstance(failure, AnswerInterrupted):
        return UpstreamUnavailable(AMBIGUOUS, detail=failure.detail, unheard=True)
    return failure


_MASKED = re.compile(r"\S*\*{3,}\S*|(?i:bearer)\s+\S+|\b(?:sk|app)-[\w-]{8,}")
"""What a server repeats of a key: its ends with stars between them, a header, or something of a key's form."""


def with_history(text: str, history: tuple[Exchange, ...]) -> str:
    """The text with what the upstream does not know of the conversation before it."""
    if not history:
        return text
    said = "\n\n".join(f"Person: {exchange.prompt}\n\nAssistant: {exchange.reply}" for exchange in history)
    return f"[What we said before, for you to know:]\n\n{said}\n\n[Now the person says:]\n\n{text}"
