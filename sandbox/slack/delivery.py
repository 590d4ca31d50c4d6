"""Getting events to the app: over Socket Mode, or signed to its address; again when it does not say that it has them.

https://docs.slack.dev/apis/events-api (three retries: at once, after a minute, after five) and
https://docs.slack.dev/apis/events-api/using-socket-mode (each event goes to one of the connections).
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import secrets
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

from sandbox.feed import Feed

Json = dict[str, Any]


@dataclass(slots=True)
class Delivery:
    """One event that the app does not have yet."""

    body: Json
    attempt: int = 0
    reason: str = ""
    """Why the attempt before failed."""
    tried: Socket | None = None
    """The connection that had it last and did not acknowledge it."""

    @property
    def event_id(self) -> str:
        return str(self.body["event_id"])


@dataclass(eq=False, slots=True)
class Socket:
    """One Socket Mode connection, and what was sent over it and is not acknowledged."""

    ws: web.WebSocketResponse
    request: web.Request
    waiting: dict[str, asyncio.Future[Json]] = field(default_factory=dict)
    leaving: bool = False
    """Told to go: gets events only while there is no other."""

    def acknowledge(self, frame: str) -> None:
        """Reads what the app said: an envelope's id, and a payload where one was asked for."""
        try:
            said = json.loads(frame)
            envelope_id = str(said["envelope_id"])
        except (ValueError, LookupError, TypeError):
            return
        future = self.waiting.pop(envelope_id, None)
        if future is not None and not future.done():
            future.set_result(said.get("payload") or {})

    def lost(self) -> None:
        for future in self.waiting.values():
            if not future.done():
                future.set_exception(ConnectionError("the connection was closed"))
        self.waiting.clear()


class NotTaken(Exception):
    """An attempt failed; the argument is Slack's word for why."""

    def __init__(self, reason: str, *, final: bool = False) -> None:
        self.reason = reason
        self.final = final
        super().__init__(reason)


class Courier:
    def __init__(self, feed: Feed, signing_secret: str) -> None:
        self.retry_delays: tuple[float, ...] = (0.0, 60.0, 300.0)
        self.ack_within = 3.0
        self.events_url: str | None = None
        self.sockets: list[Socket] = []
        self.pending: dict[str, Delivery] = {}
        """By event id, in the order in which they happened."""
        self._feed = feed
        self._secret = signing_secret
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None
        self._turn = 0
        self._tickets: set[str] = set()

    def new_ticket(self) -> str:
        ticket = secrets.token_hex(16)
        self._tickets.add(ticket)
        return ticket

    def admits(self, ticket: str) -> bool:
        """Once."""
        known = ticket in self._tickets
        self._tickets.discard(ticket)
        return known

    async def start(self) -> None:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self.ack_within))
        for delivery in list(self.pending.values()):
            self._start(delivery)

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for socket in list(self.sockets):
            await self.close(socket)
        if self._session is not None:
            await self._session.close()
            self._session = None

    def send(self, body: Json) -> None:
        """Sends an event for the first time. Before the start it is kept until then."""
        delivery = Delivery(body)
        self.pending[delivery.event_id] = delivery
        if self._session is not None:
            self._start(delivery)

    def resend(self, body: Json) -> None:
        """Sends an event once more that the app has had, as Slack does when it missed the acknowledgement."""
        delivery = Delivery(body, attempt=1, reason="http_timeout")
        self.pending[delivery.event_id] = delivery
        self._start(delivery, wait=False)

    def load(self, pending: Iterable[Json]) -> None:
        self.pending = {one["body"]["event_id"]: Delivery(**one) for one in pending}

    def dump(self) -> list[Json]:
        return [{"body": one.body, "attempt": one.attempt, "reason": one.reason} for one in self.pending.values()]

    async def close(self, socket: Socket) -> None:
        if socket in self.sockets:
            self.sockets.remove(socket)
        socket.lost()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(socket.ws.close(), 0.5)

    def _start(self, delivery: Delivery, *, wait: bool = True) -> None:
        task = asyncio.create_task(self._deliver(delivery, wait=wait))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, delivery: Delivery, *, wait: bool) -> None:
        while True:
            if delivery.attempt and wait:
                await asyncio.sleep(self.retry_delays[delivery.attempt - 1])
            wait = True
            told = {"event_id": delivery.event_id, "type": delivery.body["event"]["type"], "attempt": delivery.attempt}
            try:
                await (self._post(delivery) if self.events_url else self._push(delivery))
            except NotTaken as refusal:
                delivery.attempt += 1
                delivery.reason = refusal.reason
                self._feed.publish("undelivered", **told, reason=refusal.reason)
                if not refusal.final and delivery.attempt <= len(self.retry_delays):
                    continue
                self._feed.publish("given_up", **told)
            else:
                self._feed.publish("delivered", **told)
            if self.pending.get(delivery.event_id) is delivery:
                del self.pending[delivery.event_id]
            return

    async def _push(self, delivery: Delivery) -> None:
        socket = self._next_socket(delivery.tried)
        if socket is None:
            raise NotTaken("no_connection")
        delivery.tried = socket
        envelope: Json = {
            "type": "events_api",
            "accepts_response_payload": False,
            "payload": delivery.body,
            "retry_attempt": delivery.attempt,
            "retry_reason": delivery.reason,
        }
        await self._ask(socket, envelope)

    async def command(self, form: dict[str, str]) -> Json:
        """Sends a slash command, once, and gives what the app acknowledged it with. Raises `NotTaken`."""
        if self.events_url:
            return await self._post_command(self.events_url, form)
        socket = self._next_socket(None)
        if socket is None:
            raise NotTaken("dispatch_failed")
        return await self._ask(socket, {"type": "slash_commands", "accepts_response_payload": True, "payload": form})

    async def interaction(self, body: Json) -> Json:
        """Sends the press of a button, once. Raises `NotTaken`."""
        if self.events_url:
            return await self._post_command(self.events_url, {"payload": json.dumps(body)})
        socket = self._next_socket(None)
        if socket is None:
            raise NotTaken("dispatch_failed")
        return await self._ask(socket, {"type": "interactive", "accepts_response_payload": True, "payload": body})

    async def _post_command(self, url: str, form: dict[str, str]) -> Json:
        assert self._session is not None
        body = urlencode(form).encode()
        headers = self.signed(body) | {"Content-Type": "application/x-www-form-urlencoded"}
        try:
            async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as response:
                if response.status != 200:
                    raise NotTaken("dispatch_failed")
                if response.content_type != "application/json":
                    return {"text": await response.text()}
                said: Json = await response.json()
                return said
        except TimeoutError:
            raise NotTaken("operation_timeout") from None
        except aiohttp.ClientError:
            raise NotTaken("dispatch_failed") from None

    async def _ask(self, socket: Socket, envelope: Json) -> Json:
        envelope_id = str(uuid.uuid4())
        taken = socket.waiting[envelope_id] = asyncio.get_running_loop().create_future()
        try:
            await socket.ws.send_json({"envelope_id": envelope_id, **envelope})
            async with asyncio.timeout(self.ack_within):
                said: Json = await taken
                return said
        except TimeoutError:
            raise NotTaken("timeout") from None
        except (ConnectionError, RuntimeError):
            raise NotTaken("connection_failed") from None
        finally:
            socket.waiting.pop(envelope_id, None)

    def _next_socket(self, tried: Socket | None) -> Socket | None:
        """One after the other; one that was told to go, or has had it, only if there is no other."""
        ready = [socket for socket in self.sockets if not socket.leaving] or self.sockets
        ready = [socket for socket in ready if socket is not tried] or ready
        if not ready:
            return None
        self._turn += 1
        return ready[self._turn % len(ready)]

    async def _post(self, delivery: Delivery) -> None:
        assert self._session is not None
        assert self.events_url is not None
        body = json.dumps(delivery.body).encode()
        headers = self.signed(body)
        if delivery.attempt:
            headers |= {"X-Slack-Retry-Num": str(delivery.attempt), "X-Slack-Retry-Reason": delivery.reason}
        try:
            async with self._session.post(
                self.events_url, data=body, headers=headers, allow_redirects=False
            ) as response:
                if 200 <= response.status < 300:
                    return
                raise NotTaken("http_error", final="X-Slack-No-Retry" in response.headers)
        except TimeoutError:
            raise NotTaken("http_timeout") from None
        except aiohttp.ClientError:
            raise NotTaken("connection_failed") from None

    def signed(self, body: bytes, at: float | None = None) -> dict[str, str]:
        """The headers of a request from Slack: https://docs.slack.dev/authentication/verifying-requests-from-slack"""
        timestamp = str(int(time.time() if at is None else at))
        digest = hmac.new(self._secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()
        return {
            "Content-Type": "application/json",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": f"v0={digest}",
        }
