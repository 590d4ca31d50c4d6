"""Fetches what an answer points to, without becoming the means to reach what only this machine can reach.

An address is looked at when the connection to it is made, and not before: a name that means something else a moment
later gains nothing. Redirects are followed here, so that each is judged like the first address."""

from __future__ import annotations

import asyncio
import io
import socket
import tempfile
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from core.errors import ThreadbridgeError
from core.fetching.addresses import is_public
from core.fetching.kinds import LOOKED_AT, kind

MOST_REDIRECTS = 5
WHOLE_WITHIN, IDLE_WITHIN = 60.0, 15.0
"""Seconds for all of it, and without a byte."""
IN_MEMORY = 1 << 20
"""Bytes. What is larger lies in a temporary file, which has no name."""
_CHUNK = 1 << 16
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class FetchError(ThreadbridgeError):
    """The file could not be fetched."""


class _NotPublic(OSError):
    """An address within some private network."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that was fetched whole. Whoever has it closes `content`, which stands at its beginning."""

    content: IO[bytes]
    size: int
    media_type: str


def held(content: bytes, said: str) -> Fetched:
    """A file that is at hand already, and of which somebody `said` what it is."""
    return Fetched(io.BytesIO(content), len(content), kind(content[:LOOKED_AT], said))


class Fetcher:
    """`own`: addresses of the operator's own servers, which may be anywhere: their scheme, host and port count.
    `allowed`: may this IP address be connected to?"""

    def __init__(
        self,
        own: Iterable[str] = (),
        *,
        resolver: AbstractResolver | None = None,
        allowed: Callable[[str], bool] = is_public,
        whole_within: float = WHOLE_WITHIN,
        idle_within: float = IDLE_WITHIN,
    ) -> None:
        self._own = frozenset(URL(address).origin() for address in own)
        self._resolver = resolver
        self._allowed = allowed
        self._whole_within = whole_within
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=idle_within, sock_read=idle_within)

    async def fetch(self, address: str, limit: int) -> Fetched:
        """The file at an address, if it has at most `limit` bytes. Raises `FetchError` only."""
        try:
            async with asyncio.timeout(self._whole_within):
                return await self._follow(_read(address), limit)
        except TimeoutError:
            raise FetchError(detail="it took too long") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise FetchError(detail=type(error).__name__) from None

    async def _follow(self, url: URL, limit: int) -> Fetched:
        trusted = True
        for _ in range(MOST_REDIRECTS + 1):
            # nobody else's server may point to one of the operator's
            trusted = trusted and url.origin() in self._own
            came = await self._get(url, limit, trusted=trusted)
            if isinstance(came, Fetched):
                return came
            url = came
        raise FetchError(detail="it is redirected again and again")

    async def _get(self, url: URL, limit: int, *, trusted: bool) -> Fetched | URL:
        """One request, with nothing in it that names us or the person."""
        connector = aiohttp.TCPConnector(
            resolver=self._resolver,
            use_dns_cache=False,
            force_close=True,
            socket_factory=None if trusted else self._guarded,
        )
        async with (
            aiohttp.ClientSession(
                connector=connector,
                timeout=self._timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"Accept-Encoding": "identity"},
                skip_auto_headers=("User-Agent",),
                auto_decompress=False,
            ) as session,
            session.get(url, allow_redirects=False) as response,
        ):
            if response.status in _REDIRECTS:
                return _read(response.headers.get("Location", ""), url)
            if response.status != 200:
                raise FetchError(detail=f"the server answers {response.status}")
            if response.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
                raise FetchError(detail="it is compressed, although that was not asked for")
            return await _received(response, limit)

    def _guarded(self, address: aiohttp.AddrInfoType) -> socket.socket:
        """The socket for one address that a name stands for; the connection is made to just this one."""
        family, kind_, protocol, _, where = address
        if not self._allowed(str(where[0])) or (len(where) > 3 and where[3]):
            raise _NotPublic("not a public address")
        return socket.socket(family, kind_, protocol)


def _read(address: str, base: URL | None = None) -> URL:
    """Raises `FetchError` for what is not an address of the web."""
    try:
        url = URL(address) if base is None else base.join(URL(address))
    except (ValueError, IndexError):  # the library raises either
        raise FetchError(detail="not an address") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise FetchError(detail="not an address of the web")
    if url.user is not None or url.password is not None:
        raise FetchError(detail="an address with a name or a password in it")
    return url


async def _received(response: aiohttp.ClientResponse, limit: int) -> Fetched:
    if response.content_length is not None and response.content_length > limit:
        raise FetchError(detail="it is too large")
    with ExitStack() as unfinished:
        content = unfinished.enter_context(tempfile.SpooledTemporaryFile(max_size=IN_MEMORY))
        size, beginning = 0, b""
        async for chunk in response.content.iter_chunked(_CHUNK):
            size += len(chunk)
            if size > limit:
                raise FetchError(detail="it is too large")
            if len(beginning) < LOOKED_AT:
                beginning += chunk[: LOOKED_AT - len(beginning)]
            content.write(chunk)
        content.seek(0)
        unfinished.pop_all()
    return Fetched(content, size, kind(beginning, response.headers.get("Content-Type", "")))
