"""The HTTP side that all adapters share: asking with patience, reading with limits, and no library error gets out.

A call is repeated only while nobody can have acted on it: when the connection was never established, or when the
server answered with a status that refuses and passes (429, 5xx). A connection that breaks after the request went out
and before any status is ambiguous: the server may have read the message, so a POST is not sent again. Such a failure is
`unheard`: where the upstream keeps a record, that is asked.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import aiohttp

from core.errors import (
    AnswerInterrupted,
    AnswerMalformed,
    UpstreamBusy,
    UpstreamError,
    UpstreamRefused,
    UpstreamUnavailable,
)
from core.settings import UpstreamSection
from core.upstream.failures import NO_ADDRESS, Judge
from core.upstream.fields import Unreadable, parsed
from core.upstream.retry import Backoff, asked_for

log = logging.getLogger(__name__)

Sleep = Callable[[float], Awaitable[None]]

REFUSAL_LIMIT = 64 * 1024
"""Bytes of a refusal's body that are read: enough for its words."""
DOCUMENT_LIMIT = 32 * 1024 * 1024
"""Bytes of an answer that comes as one document."""
READS_PER_SECOND = 400
"""Of all answers together. A read costs several times as much as the event that it brings, and nobody sees more than a
few edits a second: so the more answers there are, the more events each read takes in one."""
LONGEST_REST = 0.25
"""Seconds between two reads of one answer, at most, as long as nothing of it was told: its first text is not to come
late."""
ONE_PAINT = 1.2
"""Seconds between two reads of one answer that is being told, where reads would have to be further apart than that: a
little more than the quickest edits of one message are. So whatever is read can be shown at once. Text that is read more
often waits for its edit instead, and the mean of both is no sooner."""
PAINTS_PER_SECOND = 650
"""Of all answers together, at most: what comes between two reads costs much less than they and the paints after them,
so that a thousand answers, each read every 1.5 seconds, leave a core the time that it needs for them."""
FULL = 16 * 1024
"""Bytes of a read after which there may be more."""
SHORTEST_REST = 0.05
"""Seconds. A shorter rest would not gather anything."""

AMBIGUOUS = (
    "The connection to the assistant broke before it answered, so it may or may not have read the message. "
    "Please ask again."
)
SILENT = "The assistant did not answer in time. Please try again in a few minutes."
ENDLESS = "The answer took longer than is allowed here, so it was ended. Please ask for less at once."


@dataclass(frozen=True, slots=True)
class Call:
    """One request, in a form that can be sent more than once."""

    method: str
    path: str
    """Below the base URL, beginning with a slash; parts from outside are already quoted."""
    json: Mapping[str, Any] | None = None
    form: Callable[[], aiohttp.FormData] | None = None
    """Makes the body anew for each sending, since a form can only be sent once."""
    params: Mapping[str, str] | None = None
    patient: bool = False
    """The answer comes as one document when it is finished: only the total time limits the wait for it."""

    @property
    def repeatable(self) -> bool:
        return self.method == "GET"


class Http:
    """The connections to one upstream. Use it with `async with`."""

    def __init__(self, section: UpstreamSection, headers: Mapping[str, str], *, sleep: Sleep = asyncio.sleep) -> None:
        self._base = section.base_url
        self._headers = {
            "Accept": "text/event-stream, application/x-ndjson, application/json",
            "Accept-Encoding": "identity",  # a compressing proxy would hold back what is to be shown at once
            **headers,
        }
        self._connect = section.connect_timeout or None
        self._idle = section.idle_timeout or None
        self._total = section.total_timeout or None
        self._backoff = Backoff(section.retries)
        self._sleep = sleep
        self._session: aiohttp.ClientSession | None = None
        self._reading = 0
        """So many answers are being read."""

    async def __aenter__(self) -> Http:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,  # a stream holds its connection for minutes; turns are bounded elsewhere
                keepalive_timeout=4,  # below the 5 s of common servers: a POST on a connection just closed is ambiguous
            ),
            cookie_jar=aiohttp.DummyCookieJar(),  # one person's answers must not depend on another's cookies
            trust_env=False,
            timeout=aiohttp.ClientTimeout(total=None, connect=self._connect),
            headers=self._headers,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def deadline(self) -> float | None:
        """When a turn that begins now has to be over, by the loop's clock; None: never."""
        return None if self._total is None else asyncio.get_running_loop().time() + self._total

    @asynccontextmanager
    async def exchange(self, call: Call, judge: Judge, until: float | None) -> AsyncGenerator[Answer, None]:
        """The answer to a call that was accepted (2xx). Leaving the block closes the connection, unless all was read.

        Raises the judge's error when refused, after the last retry; `UpstreamUnavailable` without an answer;
        `UpstreamRefused` for an address that can never work."""
        response = await self._accepted(call, judge, until)
        self._reading += 1
        try:
            yield Answer(response, self._idle, until, self._rest)
        finally:
            self._reading -= 1
            response.close()

    def _rest(self, *, told: bool) -> float:
        """Seconds to let pass between two reads of one answer; `told`: some text of it was."""
        rest = self._reading / READS_PER_SECOND
        if rest <= LONGEST_REST:
            return rest
        return max(ONE_PAINT, self._reading / PAINTS_PER_SECOND) if told else LONGEST_REST

    async def document(self, call: Call, judge: Judge, until: float | None, *, limit: int = DOCUMENT_LIMIT) -> Any:
        """The JSON that answers a call. Raises as `exchange`, `UpstreamUnavailable` when the connection breaks before
        all of it came, and `AnswerMalformed` for anything but JSON."""
        where = f"{call.method} {call.path}"
        try:
            async with self.exchange(call, judge, until) as answer:
                body = await answer.all(limit)
        except AnswerInterrupted as error:
            raise UpstreamUnavailable(AMBIGUOUS, detail=f"{where}: {error.detail}", unheard=True) from None
        try:
            return parsed(body)
        except Unreadable as error:
            start = body[:200].decode("utf-8", "replace")
            raise AnswerMalformed(detail=f"{where}: no JSON ({error}): {start}", unheard=True) from None

    async def _accepted(self, call: Call, judge: Judge, until: float | None) -> aiohttp.ClientResponse:
        waited = 0.0
        attempt = 0
        while True:
            asked = None
            try:
                response = await self._sent(call, until)
                if 200 <= response.status < 300:
                    return response
                asked = asked_for(response.status, response.headers, time.time())
                failure = await self._refusal(response, judge)
                if isinstance(failure, UpstreamBusy):
                    failure.retry_after = asked
                passing = isinstance(failure, UpstreamBusy | UpstreamUnavailable)
            except _NotSent as error:
                failure, passing = error.failure, True
            left = float("inf") if until is None else until - asyncio.get_running_loop().time()
            pause = None
            if passing:
                pause = self._backoff.pause(attempt, asked=asked, waited=waited, left=left, chance=random.random())
            if pause is None:
                raise failure
            log.info("%s %s: %s; asking again in %.1f s", call.method, call.path, type(failure).__name__, pause)
            await self._sleep(pause)
            waited += pause
            attempt += 1

    async def _sent(self, call: Call, until: float | None) -> aiohttp.ClientResponse:
        """The response, its status and headers read. Raises `_NotSent` if the call may be sent again."""
        assert self._session is not None, "the adapter is used outside its `async with`"
        body: dict[str, Any] = {}
        if call.json is not None:
            body["data"] = json.dumps(call.json, ensure_ascii=False).encode("utf-8", "replace")
            body["headers"] = {"Content-Type": "application/json"}
        elif call.form is not None:
            body["data"] = call.form()
        now = asyncio.get_running_loop().time()
        patience = None if call.patient or self._idle is None else now + (self._connect or 0) + self._idle
        where = f"{call.method} {call.path}"
        try:
            async with asyncio.timeout_at(_earlier(patience, until)):
                return await self._session.request(
                    call.method, self._base + call.path, params=call.params, allow_redirects=False, **body
                )
        except aiohttp.ClientConnectorCertificateError as error:
            raise UpstreamRefused(NO_ADDRESS, detail=f"{where}: certificate: {type(error).__name__}") from None
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise _NotSent(UpstreamUnavailable(detail=f"{where}: no connection: {_reason(error)}")) from None
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError):
            raise UpstreamRefused(NO_ADDRESS, detail=f"{where}: not a valid address") from None
        except TimeoutError:
            raise UpstreamUnavailable(SILENT, detail=f"{where}: no status in time") from None
        except aiohttp.ClientResponseError as error:
            raise AnswerMalformed(detail=f"{where}: not HTTP: {type(error).__name__}") from None
        except (aiohttp.ClientError, OSError) as error:
            broke = f"{where}: broke before a status: {_reason(error)}"
            failure = UpstreamUnavailable(AMBIGUOUS, detail=broke, unheard=True)
            if call.repeatable:
                raise _NotSent(failure) from None
            raise failure from None

    async def _refusal(self, response: aiohttp.ClientResponse, judge: Judge) -> UpstreamError:
        body = b""
        try:
            async with asyncio.timeout(self._connect):
                while len(body) < REFUSAL_LIMIT and (part := await response.content.readany()):
                    body += part
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError):
            log.debug("the body of a refusal could not be read whole")
        finally:
            response.close()
        return judge(response.status, body[:REFUSAL_LIMIT])


class Answer:
    """The body of an accepted call, read with limits."""

    def __init__(self, response: aiohttp.ClientResponse, idle: float | None, until: float | None, rest: _Rest) -> None:
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers
        self._response = response
        self._content = response.content
        self._rest = rest
        self._emptied = False
        """The last read took all that had come."""
        self._idle = idle
        self._until = until
        self._failure: UpstreamError | None = None

    async def read(self, *, told: bool = False) -> bytes:
        """All bytes that have come since, at least one; none at the end of the body. `told`: some text of the answer
        was, so that the next one need not come at once.

        Raises `UpstreamUnavailable` when nothing came for the idle time (any byte counts, a keep-alive too) or the
        total time is over, and `AnswerInterrupted` when the connection broke: but first returns what came before."""
        if self._failure is not None:
            raise self._failure
        await self._gather(self._rest(told=told))
        data = await self._next()
        self._emptied = 0 < len(data) < FULL
        return data

    async def _next(self) -> bytes:
        now = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(_earlier(None if self._idle is None else now + self._idle, self._until)):
                return await _all_that_came(self._content)
        except TimeoutError:
            over = self._until is not None and asyncio.get_running_loop().time() >= self._until
            raise (
                UpstreamUnavailable(ENDLESS, detail="the total time is over")
                if over
                else UpstreamUnavailable(SILENT, detail=f"nothing came for {self._idle:g} s")
            ) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            self._failure = AnswerInterrupted(detail=f"the connection broke: {_reason(error)}", unheard=True)
            if rest := self._content._read_nowait(-1) if self._content._buffer else b"":
                # aiohttp raises before it hands out what it already holds, and has no public way to that: without
                # this the last words before a break are lost whenever the reader was busy at the time
                return rest
            raise self._failure from None

    async def _gather(self, rest: float) -> None:
        """Lets a while pass after each read in which what comes stays with the system, so that nothing wakes for it.
        Not if so much came that more is waiting: then the answer would be held up."""
        connection = self._response.connection
        transport = None if connection is None else connection.transport
        if transport is None or rest < SHORTEST_REST or not self._emptied:
            return
        transport.pause_reading()
        try:
            await asyncio.sleep(rest)
        finally:
            transport.resume_reading()

    async def all(self, limit: int) -> bytes:
        """The whole body. Raises as `read`, and `AnswerMalformed` if it is longer than `limit` bytes."""
        parts: list[bytes] = []
        size = 0
        while part := await self.read():
            size += len(part)
            if size > limit:
                raise AnswerMalformed(detail=f"the body is longer than {limit} bytes")
            parts.append(part)
        return b"".join(parts)


async def _all_that_came(content: aiohttp.StreamReader) -> bytes:
    """As `content.readany()`, which takes 2 µs for each HTTP chunk, since it sees to the flow control after each. What
    came after the first chunk is made one piece before it is read: that takes 0.4 µs for each."""
    first = b""
    while not first and not content.at_eof():
        first, _ = await content.readchunk()
    if not first:
        return b""
    pieces = content._buffer
    if len(pieces) > 1:
        whole = b"".join(pieces)  # none of them is begun: `readchunk` reads to the end of a piece
        pieces.clear()
        pieces.append(whole)
    return first + content.read_nowait() if pieces else first


class _Rest(Protocol):
    def __call__(self, *, told: bool) -> float: ...


class _NotSent(Exception):
    """The call cannot have been acted on, so that it may be sent again."""

    def __init__(self, failure: UpstreamError) -> None:
        self.failure = failure


def _reason(error: Exception) -> str:
    """What a library's error may say in our log: its kind and the system's reason, but no address."""
    reason = getattr(error, "os_error", error)
    return f"{type(error).__name__} {getattr(reason, 'strerror', None) or ''}".strip()


def _earlier(one: float | None, other: float | None) -> float | None:
    return other if one is None else one if other is None else min(one, other)
