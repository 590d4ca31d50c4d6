"""Plain questions to a platform's API: one request, one answer, and no library between that could mend it."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Generic, Literal, Self, TypeVar

import aiohttp

MOST = 1024 * 1024
"""Bytes of an answer that are read; what is asked here takes a few hundred."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    fields: dict[str, Any]
    """The JSON object of the answer; empty if it was none."""
    headers: Mapping[str, str]
    """With their names in lower case."""
    ahead: float | None
    """Seconds that this machine's clock is ahead of the server's; None where the server does not tell."""


@dataclass(frozen=True, slots=True)
class Silence:
    """Nobody answered."""

    reason: str


Reply = Answer | Silence


class Once(Generic[T]):
    """A question that several checks ask: put once, and answered to all of them."""

    def __init__(self, ask: Callable[[], Awaitable[T]]) -> None:
        self._ask = ask
        self._asking = asyncio.Lock()
        self._answers: list[T] = []

    async def __call__(self) -> T:
        async with self._asking:
            if not self._answers:
                self._answers.append(await self._ask())
        return self._answers[0]


class Line:
    """Connections for the questions. Use it with `async with`."""

    def __init__(self, *, proxies: bool) -> None:
        """`proxies`: those of the environment are used, as the bridge itself does or does not."""
        self._proxies = proxies

    async def __aenter__(self) -> Self:
        # no limit in time: every check has its own
        self.session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=10), trust_env=self._proxies
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.session.close()

    async def ask(
        self,
        method: Literal["GET", "POST"],
        url: str,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> Reply:
        """A POST sends a form, an empty one too."""
        data = aiohttp.FormData(form or {}) if method == "POST" else None
        try:
            async with self.session.request(method, url, headers=headers, data=data, allow_redirects=False) as response:
                body = bytearray()
                async for chunk in response.content.iter_any():
                    body += chunk
                    if len(body) > MOST:
                        return Silence("it says far more than was asked")
                return Answer(
                    response.status,
                    _fields(bytes(body)),
                    {key.lower(): value for key, value in response.headers.items()},
                    _ahead(response.headers.get("Date"), time.time()),
                )
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            return Silence(reason(error))


def reason(error: Exception) -> str:
    """Why no connection came about. Not the error's own text, which may hold the address and with it a token."""
    match error:
        case aiohttp.ClientConnectorDNSError():
            return "its name is not known"
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
            return "its certificate is not trusted"
        case aiohttp.ClientConnectorError() if error.os_error.errno is not None:
            return _plain(error.os_error)
        case aiohttp.ServerDisconnectedError():
            return "it hangs up without an answer"
        case aiohttp.WSServerHandshakeError():
            return f"status {error.status}"
        case aiohttp.ClientError():
            return type(error).__name__
        case TimeoutError():
            return "no answer in time"
        case OSError():
            return _plain(error)
        case _:
            return "it is not an address"


def _plain(error: OSError) -> str:
    return "connection refused" if isinstance(error, ConnectionRefusedError) else (error.strerror or "no connection")


def address(url: str) -> str:
    """An address as it may be shown: a proxy's password may stand in it."""
    return re.sub(r"//[^/@]*@", "//", url)


def _fields(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _ahead(date: str | None, now: float) -> float | None:
    try:
        return now - parsedate_to_datetime(date or "").timestamp()
    except ValueError:
        return None
