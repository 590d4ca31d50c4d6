"""Bolt's app: what comes in, from either side, is recorded before Slack is told that it arrived."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Literal
from weakref import WeakValueDictionary

import aiohttp
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.authorization.async_authorize import AsyncAuthorize
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.socket_mode.request import SocketModeRequest

from bridges.slack import buttons, inbound, using
from bridges.slack.inbound import Identity
from bridges.slack.manifest import STOPPED
from bridges.slack.names import NameBook
from bridges.slack.signature import genuine
from bridges.slack.thread import Thread
from bridges.slack.web import client, library_log
from core.aside import Aside
from core.bridge import Accept
from core.errors import PlatformError

log = logging.getLogger(__name__)

WHISPERED_WITHIN = 1.0
"""Seconds that people are still told in that their press was not taken, when listening ends."""


class _Known(AsyncAuthorize):
    """Tells Bolt who the bot is, which it would ask with the first event."""

    def __init__(self, us: Identity) -> None:
        self._result = AuthorizeResult(enterprise_id=us.enterprise, team_id=us.team, bot_id=us.bot, bot_user_id=us.user)

    async def __call__(self, **_: object) -> AuthorizeResult:
        return self._result


class Receiver:
    def __init__(
        self,
        us: Identity,
        names: NameBook,
        accept: Accept,
        *,
        direct_messages: Literal["threads", "one"],
        api_url: str,
        session: aiohttp.ClientSession,
        revoked: Callable[[], None],
        outside: Callable[[str], Awaitable[bool]],
        whisper: Callable[[Thread, str, str], Awaitable[None]],
    ) -> None:
        """`revoked` is called when Slack tells that the app was removed. `outside`: is the bot not in this channel?
        Commands come from everywhere. `whisper`: a text for one person's eyes; raises `PlatformError`."""
        self._us = us
        self._names = names
        self._accept = accept
        self._direct_messages = direct_messages
        self._revoked = revoked
        self._outside = outside
        self._whisper = whisper
        self._aside = Aside()
        self._order: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """One for each channel: a message does not overtake another because its author's name was known already."""
        self._app = AsyncApp(
            name="threadbridge",
            logger=library_log,
            # without a token, which would take the place of `authorize`
            client=client(api_url, session),
            authorize=_Known(us),
            # with it the listener runs before the acknowledgement, and decides about it
            process_before_response=True,
            # done by `answer`, on the bytes; Bolt's own raises on a malformed signature and logs the body
            request_verification_enabled=False,
            attaching_conversation_kwargs_enabled=False,
        )
        # every kind of event, or Bolt would leave those unacknowledged that nobody listens to
        self._app.event(re.compile(""))(self._event)
        self._app.command(re.compile(""))(self._command)
        self._app.action(re.compile(""))(self._press)
        self._app.error(self._failed)

    async def close(self) -> None:
        """Called once, when nothing comes in any more."""
        await self._aside.end(WHISPERED_WITHIN)

    async def envelope(self, request: SocketModeRequest) -> BoltResponse:
        """Takes what came over a socket; any status but 200 means: deliver it again."""
        payload = request.payload
        if isinstance(payload.get("event"), dict):
            payload.setdefault("type", "event_callback")  # Bolt goes by it
        response: BoltResponse = await run_async_bolt_app(self._app, request)
        return response

    async def answer(self, request: web.Request, secret: str) -> web.StreamResponse:
        """Takes what came over HTTP."""
        body = await request.read()
        if not genuine(secret, request.headers, body, time.time()):
            log.warning("refused a request to %s that Slack did not sign", request.path)
            return web.Response(status=401)
        try:
            asked = AsyncBoltRequest(body=body.decode(), headers=dict(request.headers))
        except ValueError:
            return web.Response(status=400)
        return await to_aiohttp_response(await self._app.async_dispatch(asked))

    async def _event(self, body: dict[str, Any]) -> None:
        event = body["event"]
        if event["type"] == "app_uninstalled" or (
            event["type"] == "tokens_revoked" and self._us.user in ((event.get("tokens") or {}).get("bot") or ())
        ):
            self._revoked()
            return
        if event["type"] == STOPPED:
            await self._stop(body)
            return
        try:
            said = inbound.read(body, self._us, self._direct_messages)
        except (LookupError, TypeError, ValueError, AttributeError):
            # acknowledged all the same: it would not be any better the next time
            log.exception("an event of Slack's could not be read (%s)", body.get("event_id"))
            return
        if said is None:
            return
        lock = self._order.setdefault(said.channel, asyncio.Lock())
        async with lock:
            message = said.message(await self._names.look_up(*said.mentions))
            await self._accept(message)

    async def _stop(self, body: dict[str, Any]) -> None:
        try:
            message = using.stopped(body, self._us, datetime.now(UTC))
        except (LookupError, ValueError):
            log.exception("a stop of Slack's could not be read (%s)", body.get("event_id"))
            return
        await self._accept(message)

    async def _press(self, body: dict[str, Any], ack: AsyncAck) -> None:
        """A button below a reply. Slack does not deliver it again: what is not acknowledged, it says to the person."""
        try:
            message = buttons.read(body, self._us, datetime.now(UTC))
        except (LookupError, TypeError, AttributeError):
            log.exception("a press of a button could not be read")
            message = None
        if message is not None and (not_taken := await self._accept(message)) is not None and not_taken.note:
            self._aside.begin(self._tell(Thread.read(message.thread), message.author, not_taken.note))
        await ack()

    async def _tell(self, place: Thread, person: str, text: str) -> None:
        """Beside the press, which is to be acknowledged within three seconds."""
        try:
            await self._whisper(place, person, text)
        except PlatformError as error:
            log.info("whoever pressed a button could not be told that it was not taken (%s)", error.detail)

    async def _command(self, body: dict[str, Any], ack: AsyncAck) -> None:
        """Slack does not deliver a command again: what is not acknowledged, it says to the person."""
        asked = using.used(body, self._us, datetime.now(UTC))
        if await self._outside(asked.thread.channel):
            await ack(using.not_here(self._us.name))
            return
        async with self._order.setdefault(asked.thread.channel, asyncio.Lock()):
            message = asked.message(await self._names.look_up(*asked.mentions))
            await self._accept(message)
        await ack(using.response(message))

    async def _failed(self, error: Exception) -> None:
        log.warning("not acknowledged, Slack will deliver an event again, and say so of a command: %s", error)
