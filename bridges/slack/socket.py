"""Socket Mode: https://docs.slack.dev/apis/events-api/using-socket-mode

The SDK's own client closes a connection before it opens the next, keeps trying an address that Slack takes only once,
retries a revoked token for ever, and leaves the tasks it starts to themselves. This one has the new connection before
it leaves the old, which then still acknowledges what it was given; asks for a new address each time; and ends for what
can never work. Envelopes go through Bolt just the same.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
from slack_bolt.response import BoltResponse
from slack_sdk.socket_mode.request import SocketModeRequest

from core.errors import PlatformUnavailable, SlowDown

log = logging.getLogger(__name__)

HEARTBEAT = 15.0
LINGERS = 30.0
"""Seconds that a connection stays after Slack has asked to leave it; Slack closes it earlier."""
SHORT_LIVED = 10.0
"""A connection that lived for less counts as a failure, so that two sides that disagree do not spin."""
LONGEST_WAIT = 30.0
FINISHES_WITHIN = 2.0

Dispatch = Callable[[SocketModeRequest], Awaitable[BoltResponse]]


def backoff(failures: int) -> float:
    """Seconds before the next attempt, scattered so that many do not come at once."""
    if failures == 0:
        return 0.0
    return float(min(LONGEST_WAIT, 0.25 * 2.0 ** min(failures, 20)) * (0.5 + random.random() / 2))


class SocketMode:
    def __init__(
        self,
        session: aiohttp.ClientSession,
        address: Callable[[], Awaitable[str]],
        dispatch: Dispatch,
        connected: Callable[[], None],
    ) -> None:
        """`address` asks for a new one and raises `PlatformUnavailable` or `SlowDown` where that may pass; anything
        else ends `run`. `connected` is called with each connection that Slack greets."""
        self._session = session
        self._address = address
        self._dispatch = dispatch
        self._connected = connected

    async def run(self) -> None:
        """Keeps a connection, until cancelled."""
        serving: set[asyncio.Task[None]] = set()
        failures = 0
        clock = asyncio.get_running_loop().time
        try:
            while True:
                await asyncio.sleep(backoff(failures))
                try:
                    ws = await self._connect()
                except SlowDown as refusal:
                    await asyncio.sleep(refusal.retry_after)
                    continue
                except PlatformUnavailable as error:
                    failures += 1
                    log.warning("no connection to Slack (attempt %d): %s", failures, error.detail)
                    continue
                since, leaving = clock(), asyncio.Event()
                task = asyncio.create_task(self._serve(ws, leaving))
                serving.add(task)
                task.add_done_callback(serving.discard)
                await leaving.wait()
                failures = failures + 1 if clock() - since < SHORT_LIVED else 0
        finally:
            for task in serving:
                task.cancel()
            await asyncio.gather(*serving, return_exceptions=True)

    async def _connect(self) -> aiohttp.ClientWebSocketResponse:
        url = await self._address()
        try:
            return await self._session.ws_connect(
                url, heartbeat=HEARTBEAT, timeout=aiohttp.ClientWSTimeout(ws_close=1.0)
            )
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            # the error itself may hold the address, which is a ticket
            raise PlatformUnavailable(detail=f"socket: {type(error).__name__}") from None

    async def _serve(self, ws: aiohttp.ClientWebSocketResponse, leaving: asyncio.Event) -> None:
        """Takes what comes until the connection ends. `leaving` is set as soon as another one is needed."""
        taking: set[asyncio.Task[None]] = set()
        try:
            async with asyncio.timeout(None) as deadline:
                async for message in ws:
                    match _envelope(message):
                        case {"type": "hello"}:
                            self._connected()
                        case {"type": "disconnect", **rest}:
                            log.debug("Slack asks to leave the connection: %s", rest.get("reason"))
                            leaving.set()
                            deadline.reschedule(asyncio.get_running_loop().time() + LINGERS)
                        case {"envelope_id": str()} as envelope:
                            task = asyncio.create_task(self._take(ws, envelope))
                            taking.add(task)
                            task.add_done_callback(taking.discard)
                        case _:
                            pass
        except TimeoutError:
            log.debug("left a connection that Slack did not close")
        finally:
            leaving.set()
            if taking:
                await asyncio.wait(taking, timeout=FINISHES_WITHIN)
            for task in taking:
                task.cancel()
            await ws.close()

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
            await ws.send_json({"envelope_id": request.envelope_id})
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
