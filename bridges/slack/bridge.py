"""The bridge to one workspace of Slack."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext
from functools import partial

import aiohttp

from bridges.endpoints import Endpoints
from bridges.settings import SlackSettings
from bridges.slack import enclosing, files, format
from bridges.slack.askers import Askers
from bridges.slack.errors import at_start
from bridges.slack.finding import find
from bridges.slack.inbound import UNKNOWN_TEAM, Identity
from bridges.slack.manifest import EVENTS_PATH, NEEDED, scopes
from bridges.slack.names import NameBook
from bridges.slack.pace import PACE
from bridges.slack.receiving import Receiver
from bridges.slack.sessions import Sessions
from bridges.slack.socket import SocketMode
from bridges.slack.status import Status
from bridges.slack.stream import StreamSurface
from bridges.slack.streams import Streams
from bridges.slack.surface import SlackSurface
from bridges.slack.thread import Thread
from bridges.slack.web import TIMEOUT, Web, client
from core.bridge import Accept, May, Recollect, Surface
from core.controls import NotTaken
from core.errors import ConfigError, MessageMissing, PlatformError, PlatformRefused, PlatformUnavailable
from core.fetching import Fetched
from core.model import Attachment, Message, MessageId, ThreadId
from core.pace import Pace

log = logging.getLogger(__name__)

SIGN = "hourglass_flowing_sand"
"""The emoji that says that a message waits."""
NOT_THIS_MESSAGE = frozenset({"not_reactable", "too_many_emoji", "too_many_reactions"})
"""Refusals of a reaction that say nothing of others: https://docs.slack.dev/reference/methods/reactions.add."""
_TS = re.compile(r"\d+\.\d+", re.ASCII)
"""The id of a message; what has another was asked without one."""

OUTSIDE_WITHIN = 1.0
"""Seconds, of the three that Slack waits for a command to be acknowledged."""


class SlackBridge:
    """Implements `core.bridge.Bridge`. The methods that call Slack work inside `async with` only."""

    name = "slack"
    largest_file = enclosing.LARGEST

    def __init__(self, settings: SlackSettings, *, endpoints: Endpoints | None = None) -> None:
        """`endpoints` is needed to listen in the mode `http`."""
        self._settings = settings
        self._endpoints = endpoints
        if endpoints is not None and settings.mode == "http":
            endpoints.expect(EVENTS_PATH)
        self._token = settings.bot_token.get_secret_value()
        self._revoked = asyncio.Event()
        self._sockets: SocketMode | None = None
        self._stack = AsyncExitStack()

    @property
    def pace(self) -> Pace:
        return PACE

    async def __aenter__(self) -> SlackBridge:
        self._check_kinds_of_tokens()
        async with AsyncExitStack() as stack:
            self._session = await stack.enter_async_context(aiohttp.ClientSession(timeout=TIMEOUT, trust_env=True))
            self._web = Web(client(self._settings.api_url, self._session, self._token), self._revoked.set)
            self._us = await self._who_am_i()
            self._names = NameBook(self._web)
            self._status = Status(self._web)
            self._sessions = Sessions(self._web)
            stack.push_async_callback(self._sessions.close)
            self._askers = Askers(self._web)
            self._streams = Streams(self._web, self._askers)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def _check_kinds_of_tokens(self) -> None:
        app_token = self._settings.app_token
        if self._token.startswith("xapp-"):
            raise ConfigError("bridges.slack.bot_token holds an app-level token: it has to be the one with xoxb-.")
        if app_token is not None and app_token.get_secret_value().startswith("xoxb-"):
            raise ConfigError("bridges.slack.app_token holds a bot token: it has to be the one with xapp-.")

    async def _who_am_i(self) -> Identity:
        try:
            answer, headers = await self._web.whole(self._web.api.auth_test())
            us = Identity(
                team=str(answer.get("team_id") or UNKNOWN_TEAM),
                user=str(answer["user_id"]),
                bot=str(answer.get("bot_id") or ""),
                name=str(answer.get("user") or ""),
                enterprise=answer.get("enterprise_id") or None,
            )
        except PlatformError as error:
            raise at_start(error, "bot_token", self._settings.api_url) from None
        except KeyError:
            raise at_start(PlatformUnavailable(), "bot_token", self._settings.api_url) from None
        granted = {scope.strip() for scope in headers.get("x-oauth-scopes", "").split(",") if scope.strip()}
        if granted:
            self._check_scopes(granted)
        return us

    def _check_scopes(self, granted: set[str]) -> None:
        advice = "add it under OAuth & Permissions on your app's page and install the app again"
        for scope in NEEDED - granted:
            raise ConfigError(f"The Slack app lacks the scope {scope}: {advice}.")
        for scope, lost in scopes(self._settings).items():
            if scope not in granted:
                log.warning("the Slack app lacks the scope %s (%s): %s", scope, lost, advice)

    # --- listening ----------------------------------------------------------------------------------------------

    @property
    def unready(self) -> str | None:
        return None if self._sockets is None else self._sockets.unready

    @property
    def heard_at(self) -> float | None:
        return None if self._sockets is None else self._sockets.heard_at

    async def listen(self, accept: Accept, _: Recollect | None = None) -> None:
        """Nothing has to be recollected: Slack delivers again what was not acknowledged."""

        async def heard(message: Message) -> NotTaken | None:
            self._askers.heard(message)
            return await accept(message)

        receiver = Receiver(
            self._us,
            self._names,
            heard,
            direct_messages=self._settings.direct_messages,
            api_url=self._settings.api_url,
            session=self._session,
            revoked=self._revoked.set,
            outside=self._outside,
            whisper=self._whisper,
        )
        run = self._over_socket(receiver) if self._settings.mode == "socket" else self._over_http(receiver)
        listening = asyncio.create_task(run)
        revoked = asyncio.create_task(self._revoked.wait())
        try:
            await asyncio.wait({listening, revoked}, return_when=asyncio.FIRST_COMPLETED)
            if listening.done():
                listening.result()
            raise ConfigError(
                "Slack no longer takes bridges.slack.bot_token: the app was removed from the workspace or the token "
                "revoked. Install the app again and copy its new token."
            )
        finally:
            listening.cancel()
            revoked.cancel()
            await asyncio.gather(listening, revoked, return_exceptions=True)
            await receiver.close()

    async def _outside(self, channel: str) -> bool:
        """False where Slack does not say, or not in time."""
        try:
            async with asyncio.timeout(OUTSIDE_WITHIN):
                answer = await self._web(self._web.api.conversations_info(channel=channel))
        except PlatformError as error:
            return error.detail in ("channel_not_found", "not_in_channel")
        except TimeoutError:
            return False
        found = answer.get("channel") or {}
        return found.get("is_member") is False and not found.get("is_im")

    async def _whisper(self, place: Thread, person: str, text: str) -> None:
        answer = self._web.api.chat_postEphemeral(
            channel=place.channel, thread_ts=place.root, user=person, text=text, parse="none", link_names=False
        )
        await self._web(answer)

    async def _over_socket(self, receiver: Receiver) -> None:
        self._sockets = SocketMode(
            self._session, self._socket_address, receiver.envelope, self._connected, sockets=self._settings.sockets
        )
        try:
            await self._sockets.run()
        finally:
            self._sockets = None

    async def _over_http(self, receiver: Receiver) -> None:
        secret = self._settings.signing_secret
        if self._endpoints is None or secret is None:
            raise ConfigError('bridges.slack.mode is "http", which needs signing_secret and the HTTP server.')
        with self._endpoints.serve(EVENTS_PATH, partial(receiver.answer, secret=secret.get_secret_value())):
            self._connected()
            await asyncio.Event().wait()

    def _connected(self) -> None:
        us = self._us
        log.info("listening to Slack as %s (%s) in the workspace %s", us.name or "the app", us.user, us.team)

    async def _socket_address(self) -> str:
        token = self._settings.app_token
        if token is None:
            raise ConfigError("bridges.slack.app_token is missing: it starts with xapp-.")
        # not through `self._web`, whose token is another
        web = Web(self._web.api, lambda: None)
        try:
            answer = await web(self._web.api.apps_connections_open(app_token=token.get_secret_value()))
        except PlatformRefused as error:
            raise at_start(error, "app_token", self._settings.api_url) from None
        url = answer.get("url")
        if not isinstance(url, str):
            raise PlatformUnavailable(detail="apps.connections.open answered without a url")
        return url

    # --- writing ------------------------------------------------------------------------------------------------

    def fits(self, text: str) -> bool:
        return format.fits(text)

    def open(
        self,
        thread: ThreadId,
        key: str,
        message: MessageId | None = None,
        *,
        reply_to: MessageId | None = None,
    ) -> Surface:
        """What is answered stands above in the same thread: `reply_to` only tells for whom a stream is."""
        place = Thread.read(thread)

        def edited(message: MessageId | None, shown: str | None) -> SlackSurface:
            return SlackSurface(self._web, place, key, message, shown=shown)

        if self._settings.streaming == "off":
            return edited(message, None)
        return StreamSurface(self._streams, place, key, message, reply_to, edited)

    async def attach(
        self, thread: ThreadId, key: str, name: str, file: Fetched, *, reply_to: MessageId | None = None
    ) -> MessageId:
        """Nothing makes a repeated one harmless; until its last step it cannot be seen."""
        return await enclosing.attach(self._web, self._session, Thread.read(thread), name, file)

    async def find(self, thread: ThreadId, key: str) -> MessageId | None:
        return await find(self._web, Thread.read(thread), key, self._us.user)

    def typing(self, thread: ThreadId, may: May) -> AbstractAsyncContextManager[None]:
        return self._status.writing(Thread.read(thread), may)

    def working(self, thread: ThreadId) -> AbstractAsyncContextManager[None]:
        """In the agent view, whose apps alone have sessions."""
        if self._settings.direct_messages != "threads":
            return nullcontext()
        return self._sessions.working(Thread.read(thread))

    async def sign(self, thread: ThreadId, message: MessageId, *, waits: bool) -> None:
        """See `core.bridge.Signing`."""
        if not _TS.fullmatch(message):
            return
        react = self._web.api.reactions_add if waits else self._web.api.reactions_remove
        try:
            await self._web(react(channel=Thread.read(thread).channel, timestamp=message, name=SIGN))
        except PlatformRefused as refusal:
            if refusal.detail in NOT_THIS_MESSAGE:
                raise MessageMissing(detail=refusal.detail) from None
            if refusal.detail != ("already_reacted" if waits else "no_reaction"):
                raise

    def fetch(self, attachment: Attachment) -> AsyncIterator[bytes]:
        return files.stream(attachment, self._web, self._session, self._token, self._settings.api_url)
