"""Staying connected to the gateway, as long as the caller likes and no longer.

discord.py's `Client.connect` is not used: it knows one address for all clients, takes the REST session down with the
connection, leaves a heartbeat thread behind when it is cancelled, breaks if the first connection fails, and comes back
at once however often it is sent away, which can use up the 1,000 IDENTIFYs a day, after which Discord resets the
token. Its socket, `DiscordWebSocket`, does the talking here too.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import aiohttp
import discord
from discord.gateway import DiscordWebSocket, ReconnectWebSocket
from yarl import URL

from bridges.discord.errors import NOT_UNDERSTOOD, closed_for_good
from bridges.discord.shards import Gate, Shard
from core.bridge import SIGN_SECONDS

log = logging.getLogger(__name__)

CONNECT_SECONDS = 60.0
GOODBYE_SECONDS = 2.0
"""How long a closing handshake may take."""
STEADY_SECONDS = 60.0
"""A connection that lived so long was a good one: the next failure is the first again."""
LONGEST_DELAY = 60.0
DEAF_SECONDS = 3 * SIGN_SECONDS
"""A connection that has been silent for so long is given up, by the library."""
RETRY_SECONDS = (1.0, 5.0)
"""A random time in between is waited after an invalid session, so that many bots do not come back at once."""


@dataclass(slots=True)
class Backoff:
    """How long to wait before the next attempt: not at all for the first, then 1, 2, 4 ... seconds, give or take."""

    failures: int = 0

    def after(self, lived: float) -> float:
        """`lived`: seconds that the connection held, 0 if there was none."""
        if lived >= STEADY_SECONDS:
            self.failures = 0
        self.failures += 1
        if self.failures == 1:
            return 0.0
        return min(LONGEST_DELAY, 2.0 ** (self.failures - 2)) * random.uniform(0.75, 1.25)


class Socket(DiscordWebSocket):
    """Takes its heartbeat thread with it when it is cancelled before anybody else knows it, and passes over events
    that cannot be read."""

    async def received_message(self, msg: Any, /) -> None:
        try:
            await super().received_message(msg)
        except NOT_UNDERSTOOD as error:
            log.warning("an event of the gateway could not be read: %s", type(error).__name__)

    async def poll_event(self) -> None:
        await self._or_leave(super().poll_event())

    async def identify(self) -> None:
        await self._or_leave(super().identify())

    async def resume(self) -> None:
        await self._or_leave(super().resume())

    async def _or_leave(self, step: Coroutine[Any, Any, None]) -> None:
        try:
            await step
        except asyncio.CancelledError:
            await self.leave()
            raise
        except BaseException:
            if self._keep_alive is not None:
                self._keep_alive.stop()
            raise

    @contextlib.asynccontextmanager
    async def kept_talking(self) -> AsyncIterator[None]:
        """Has Discord say something now and then, as long as the block runs. The heartbeats that it wants are too far
        apart, at 41 seconds, to tell a silent connection from a dead one."""
        task = asyncio.create_task(self._keep_talking())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _keep_talking(self) -> None:
        while True:
            await asyncio.sleep(SIGN_SECONDS)
            if self._keep_alive is not None:
                await self.send_heartbeat(self._keep_alive.beat())

    async def leave(self) -> None:
        """Ends the session: the bot is shown as gone at once."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self.close(code=1000)


@dataclass(frozen=True, slots=True)
class _Way:
    """How to come back: with a session to take up, or anew."""

    gateway: URL
    session: str | None = None
    sequence: int | None = None

    @property
    def resume(self) -> bool:
        return self.session is not None


async def stay_connected(
    client: discord.Client,
    url: str,
    shard: Shard,
    gate: Gate,
    report: Callable[[str], None],
    heard: Callable[[], None],
) -> None:
    """Keeps `client` connected to the gateway at `url`, as one shard, until cancelled. Raises `ConfigError` when it
    never can be. `report` is told when coming back at once did not help; `heard` is called whenever Discord
    says anything."""
    home = URL(url)
    way = _Way(home)
    backoff = Backoff()
    loop = asyncio.get_running_loop()
    while True:
        since: float | None = None
        reason = ""
        try:
            socket = await _connected(client, way, shard, gate)
            since = loop.time()
            async with socket.kept_talking():
                while True:
                    await socket.poll_event()
                    heard()
        except ReconnectWebSocket as asked:
            way = _way_back(client.ws, home) if asked.resume and since is not None else _anew(home, way, asked.resume)
            reason = "it was closed"
            if not asked.resume:
                # https://discord.com/developers/docs/events/gateway-events#invalid-session
                await asyncio.sleep(random.uniform(*RETRY_SECONDS))
        except discord.ConnectionClosed as closed:
            if (error := closed_for_good(closed.code)) is not None:
                raise error from None
            way = _way_back(client.ws, home) if since is not None else _anew(home, way, True)
            reason = f"it was closed with code {closed.code}"
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            if isinstance(error, aiohttp.WSServerHandshakeError) and error.status == 404:
                home = _other_spelling(home)
            way = _way_back(client.ws, home) if since is not None else _anew(home, way, True)
            reason = type(error).__name__
        delay = backoff.after(0.0 if since is None else loop.time() - since)
        log.log(
            logging.INFO if delay == 0 else logging.WARNING,
            "the gateway connection of %s is gone (%s); connecting again in %.1f s",
            shard,
            reason,
            delay,
        )
        if delay:
            report(f"the gateway does not keep the connection of {shard} ({reason}); it is tried again and again.")
        await asyncio.sleep(delay)


async def _connected(client: discord.Client, way: _Way, shard: Shard, gate: Gate) -> Socket:
    async with contextlib.nullcontext() if way.resume else gate.passing(shard):
        # `initial` only keeps the library's own pause before IDENTIFY away
        connecting = Socket.from_client(
            client,
            initial=True,
            gateway=way.gateway,
            shard_id=shard.number,
            session=way.session,
            sequence=way.sequence,
            resume=way.resume,
        )
        client.ws = socket = await asyncio.wait_for(connecting, CONNECT_SECONDS)
    return socket


def _way_back(socket: DiscordWebSocket, home: URL) -> _Way:
    """To the address that the session named; one that was never READY begins anew."""
    if socket.session_id is None:
        return _Way(home)
    return _Way(socket.gateway, socket.session_id, socket.sequence)


def _anew(home: URL, way: _Way, keep_session: bool) -> _Way:
    """After no connection at all: the session may still be good where everybody starts."""
    return _Way(home, way.session, way.sequence) if keep_session else _Way(home)


def _other_spelling(home: URL) -> URL:
    """The configuration takes the last slash off an address; a server may know the path only with it."""
    path = home.path
    return home if path == "/" else home.with_path(path[:-1] if path.endswith("/") else path + "/")
