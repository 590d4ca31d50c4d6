"""Socket Mode: https://docs.slack.dev/apis/events-api/using-socket-mode

The SDK's own client closes a connection before it opens the next, keeps trying an address that Slack takes only once,
retries a revoked token for ever, and leaves the tasks it starts to themselves. This one has the new connection before
it leaves the old, which then still acknowledges what it was given; asks for a new address each time; and ends for what
can never work. Envelopes go through Bolt just the same.

Slack gives each event to one of the connections that an app has, in whatever process, and to another one if that does
not acknowledge it. There may be ten.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from slack_bolt.response import BoltResponse
from slack_sdk.socket_mode.request import SocketModeRequest

from bridges.tasks import run_together
from core.bridge import SIGN_SECONDS
from core.errors import PlatformUnavailable, SlowDown

log = logging.getLogger(__name__)

LINGERS = 30.0
"""Seconds that a connection which Slack has asked to leave stays after the next one is there; Slack closes it
earlier."""
SHORT_LIVED = 10.0
"""A connection that lived for less counts as a failure, so that two sides that disagree do not spin."""
LONGEST_WAIT = 30.0
FINISHES_WITHIN = 2.0

REFUSED = {
    "too_many_websockets": (
        "Slack takes ten Socket Mode connections for one app, and all are in use: lower bridges.slack.sockets, or stop "
        "other programs with this app_token."
    ),
    "link_disabled": "Socket Mode is switched off for the Slack app: switch it on under Socket Mode on the app's page.",
}
"""Why Slack takes no further connection, for the operator."""

Dispatch = Callable[[SocketModeRequest], Awaitable[BoltResponse]]


def backoff(failures: int) -> float:
    """Seconds before the next attempt, scattered so that many do not come at once."""
    if failures == 0:
        return 0.0
    return float(min(LONGEST_WAIT, 0.25 * 2.0 ** min(failures, 20)) * (0.5 + random.random() / 2))


@dataclass(eq=False, slots=True)
class _Connection:
    ws: aiohttp.ClientWebSocketResponse
    leaving: asyncio.Event = field(default_factory=asyncio.Event)
    """Set as soon as another one is needed."""
    greeted: bool = False
    deadline: asyncio.Timeout | None = None
    """While it is served."""

    def leave_within(self, seconds: float) -> None:
        if self.deadline is not None:
            self.deadline.reschedule(asyncio.get_running_loop().time() + seconds)


class SocketMode:
    def __init__(
        self,
        session: aiohttp.ClientSession,
        address: Callable[[], Awaitable[str]],
        dispatch: Dispatch,
        connected: Callable[[], None],
        *,
        sockets: int = 1,
    ) -> None:
        """`address` asks for a new one and raises `PlatformUnavailable` or `SlowDown` where that may pass; anything
        else ends `run`. `connected` is called with each connection that Slack greets. `sockets`: how many to keep."""
        self._session = session
        self._address = address
        self._dispatch = dispatch
        self._connected = connected
        self._sockets = sockets
        self._open: set[_Connection] = set()
        self._failure: str | None = None
        self.heard_at = time.monotonic()
        """When the last sign of life came over any of them."""

    @property
    def unready(self) -> str | None:
        """Why there is no connection at all, if attempts have failed."""
        return None if any(one.greeted for one in self._open) else self._failure

    async def run(self) -> None:
        """Keeps the connections, until cancelled. What befalls one is nothing to the others."""
        await run_together(*(self._keep() for _ in range(self._sockets)))

    async def _keep(self) -> None:
        """Keeps one connection, or for a while two: the next is there before the old one goes."""
        serving: dict[asyncio.Task[None], _Connection] = {}
        failures = 0
        clock = asyncio.get_running_loop().time

        def greeted() -> None:
            self._failure = None
            self._connected()
            for older in serving.values():
                if older.leaving.is_set():
                    older.leave_within(LINGERS)

        try:
            while True:
                await asyncio.sleep(backoff(failures))
                try:
                    connection = _Connection(await self._connect())
                except SlowDown as refusal:
                    log.info("Slack asks to wait %.0f s before the next connection", refusal.retry_after)
                    await asyncio.sleep(refusal.retry_after)
                    continue
                except PlatformUnavailable as error:
                    failures += 1
                    self._failure = "the server does not answer; it is tried again and again."
                    log.warning("no connection to Slack (attempt %d): %s", failures, error.detail)
                    continue
                since = clock()
                task = asyncio.create_task(self._serve(connection, greeted))
                serving[task] = connection
                task.add_done_callback(serving.pop)
                await connection.leaving.wait()
                failures = failures + 1 if clock() - since < SHORT_LIVED else 0
        finally:
            left = list(serving)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def _connect(self) -> aiohttp.ClientWebSocketResponse:
        url = await self._address()
        try:
            return await self._session.ws_connect(
                url, heartbeat=SIGN_SECONDS, autoping=False, timeout=aiohttp.ClientWSTimeout(ws_close=1.0)
            )
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            # the error itself may hold the address, which is a ticket
            raise PlatformUnavailable(detail=f"socket: {type(error).__name__}") from None

    async def _serve(self, connection: _Connection, greeted: Callable[[], None]) -> None:
        """Takes what comes until the connection ends."""
        taking: set[asyncio.Task[None]] = set()
        self._open.add(connection)
        try:
            async with asyncio.timeout(None) as connection.deadline:
                async for message in connection.ws:
                    self.heard_at = time.monotonic()
                    if message.type is aiohttp.WSMsgType.PING:
                        with suppress(ConnectionError):
                            await connection.ws.pong(message.data)
                    match _envelope(message):
                        case {"type": "hello"}:
                            connection.greeted = True
                            greeted()
                        case {"type": "disconnect", **rest}:
                            self._asked_to_leave(connection, str(rest.get("reason")))
                        case {"envelope_id": str()} as envelope:
                            task = asyncio.create_task(self._take(connection.ws, envelope))
                            taking.add(task)
                            task.add_done_callback(taking.discard)
                        case _:
                            pass
        except TimeoutError:
            log.debug("left a connection that Slack did not close")
        finally:
            connection.deadline = None
            self._open.discard(connection)
            connection.leaving.set()
            if taking:
                await asyncio.wait(taking, timeout=FINISHES_WITHIN)
            for task in taking:
                task.cancel()
            await connection.ws.close()

    def _asked_to_leave(self, connection: _Connection, reason: str) -> None:
        log.debug("Slack asks to leave the connection: %s", reason)
        connection.leaving.set()
        if (sentence := REFUSED.get(reason)) is not None:
            self._failure = sentence
            log.error("%s", sentence)
        if not connection.greeted:
            connection.leave_within(0)

    async def _take(self, ws: aiohttp.ClientWebSocketResponse, envelope: dict[str, Any]) -> None:
        """Acknowledges an envelope once it is dealt with; what is not acknowledged comes again."""
        try:
            request = SocketModeRequest.from_dict(envelope)
            if request is None:
                return
            response = await self._dispatch(request)
        except Exception:
            log.exception("an envelope of Slack's could not be read")
            return
        if response.status != 200:
            return
        try:
            said = {"payload": json.loads(response.body)} if request.type == "slash_commands" else {}
            await ws.send_json({"envelope_id": request.envelope_id, **said})
        except (aiohttp.ClientError, ConnectionError, RuntimeError) as error:
            log.debug("an acknowledgement was lost, Slack will deliver again: %s", type(error).__name__)


def _envelope(message: aiohttp.WSMessage) -> dict[str, Any]:
    """What a frame says; empty for what is not for us."""
    if message.type is not aiohttp.WSMsgType.TEXT:
        return {}
    try:
        value = json.loads(message.data)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
