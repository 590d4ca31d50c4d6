"""Telegram, by python-telegram-bot's `Bot` without its `Application`, which confirms updates before anyone has
recorded them."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Self

from telegram.constants import ChatAction, ReactionEmoji

from bridges.endpoints import Endpoints
from bridges.settings import TelegramSettings
from bridges.telegram import format as formatting
from bridges.telegram.client import Client
from bridges.telegram.draft import Drafts, DraftSurface
from bridges.telegram.enclosing import LARGEST, attach
from bridges.telegram.errors import AddressUnknown, TokenRefused
from bridges.telegram.files import fetched
from bridges.telegram.inbound import Me
from bridges.telegram.menu import offer
from bridges.telegram.pace import PACE
from bridges.telegram.polling import poll
from bridges.telegram.receiving import Receiver
from bridges.telegram.rhythm import Rhythm
from bridges.telegram.surface import TelegramSurface
from bridges.telegram.thread import read
from bridges.telegram.webhook import PATH as WEBHOOK_PATH
from bridges.telegram.webhook import Webhook
from core.bridge import Accept, May, Recollect, Surface
from core.errors import ConfigError, PlatformError, PlatformRefused, SlowDown
from core.fetching import Fetched
from core.model import Attachment, MessageId, ThreadId
from core.pace import Pace

log = logging.getLogger(__name__)

SIGN = ReactionEmoji.EYES
"""That a message waits: of the few emoji that bots may react with, none is an hourglass
(https://core.telegram.org/bots/api#reactiontypeemoji)."""


class TelegramBridge:
    """Implements `core.bridge.Bridge`. `endpoints` is needed where `settings.mode` is `webhook`."""

    name = "telegram"
    largest_file = LARGEST

    def __init__(
        self,
        settings: TelegramSettings,
        *,
        endpoints: Endpoints | None = None,
        rhythm: Rhythm = Rhythm(),  # noqa: B008 - frozen
    ) -> None:
        self._settings = settings
        self._endpoints = endpoints
        if endpoints is not None and settings.mode == "webhook":
            endpoints.expect(WEBHOOK_PATH)
        self._rhythm = rhythm
        self._connection: Client | None = None
        self._me: Me | None = None
        self._moved: dict[int, int] = {}
        self._unready: str | None = None
        self._drafts = Drafts()
        self._heard_at: float | None = None

    @property
    def pace(self) -> Pace:
        return PACE

    # --- life ---------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        self._connection = Client(self._settings.token.get_secret_value(), self._settings.api_url)
        try:
            self._me = await self._introduced()
        except BaseException:
            await self._connection.close()
            raise
        log.info("Telegram: connected as @%s (%d)", self._me.username, self._me.id)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    @property
    def _client(self) -> Client:
        if self._connection is None:
            raise RuntimeError("a bridge has to be entered before it is used")
        return self._connection

    async def _introduced(self) -> Me:
        address = re.sub(r"//[^/@]*@", "//", self._settings.api_url)  # a proxy's password may stand in it
        try:
            with self._client.calling():
                user = await self._client.bot.get_me()
        except (TokenRefused, AddressUnknown) as error:
            raise ConfigError(
                f"{address} does not accept bridges.telegram.token. Ask @BotFather for the token of "
                "your bot, and look at bridges.telegram.api_url if you have set that.",
                detail=error.detail,
            ) from None
        except PlatformError as error:
            raise ConfigError(
                f"Telegram cannot be reached at {address}. Look at the network, and at "
                "bridges.telegram.api_url if you have set that.",
                detail=error.detail,
            ) from None
        return Me(int(user.id), user.username or "")

    @property
    def unready(self) -> str | None:
        """Never by webhook: a receiver that is taken out of its balancer could not be delivered to."""
        return self._unready

    @property
    def heard_at(self) -> float | None:
        return self._heard_at

    def _report(self, sentence: str | None) -> None:
        self._unready = sentence
        if sentence is None:
            self._heard_at = time.monotonic()

    async def listen(self, accept: Accept, _: Recollect | None = None) -> None:
        """Nothing has to be recollected: Telegram delivers again what was not acknowledged."""
        if self._me is None:
            raise RuntimeError("a bridge has to be entered before it listens")
        receiver = Receiver(self._client, self._me, accept)
        await offer(self._client, choices=bool(self._settings.upstreams))
        if self._settings.mode == "polling":
            self._heard_at = time.monotonic()  # as if: from here on one is to be expected
            try:
                await poll(self._client, receiver, self._rhythm, self._report)
            finally:
                self._heard_at = None
            return
        if self._endpoints is None or self._settings.public_url is None:
            raise ConfigError(
                'bridges.telegram.mode is "webhook": that needs public_url and the HTTP server of Threadbridge.'
            )
        await Webhook(self._client, receiver, self._settings.public_url, self._rhythm).listen(self._endpoints)

    # --- speaking -----------------------------------------------------------------------------------------------

    def fits(self, text: str) -> bool:
        return formatting.fits(text)

    def open(
        self,
        thread: ThreadId,
        key: str,
        message: MessageId | None = None,
        *,
        reply_to: MessageId | None = None,
    ) -> Surface:
        place = read(thread)
        surface = TelegramSurface(self._client, self._moved, place, message, reply_to)
        if self._settings.drafts and place.private:
            return DraftSurface(self._client, self._drafts, place, key, surface)
        return surface

    async def attach(
        self, thread: ThreadId, key: str, name: str, file: Fetched, *, reply_to: MessageId | None = None
    ) -> MessageId:
        """Nothing makes a repeated one harmless: see `find`."""
        return await attach(self._client, self._moved, read(thread), name, file, reply_to)

    async def find(self, thread: ThreadId, key: str) -> MessageId | None:
        """Always None: Telegram lets bots look up nothing that they have posted."""
        return None

    def typing(self, thread: ThreadId, may: May) -> AbstractAsyncContextManager[None]:
        return self._typing(thread, may)

    @asynccontextmanager
    async def _typing(self, thread: ThreadId, may: May) -> AsyncIterator[None]:
        task = asyncio.create_task(self._keep_typing(thread, may))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _keep_typing(self, thread: ThreadId, may: May) -> None:
        place = read(thread)
        while True:
            wait = self._rhythm.typing
            await may()
            try:
                with self._client.calling(place.chat):
                    await self._client.bot.send_chat_action(
                        self._moved.get(place.chat, place.chat), ChatAction.TYPING, message_thread_id=place.topic
                    )
            except SlowDown as error:
                wait = max(wait, error.retry_after)
            except PlatformError as error:
                log.debug("Telegram: no sign of typing (%s)", error.detail)
            if not place.private:
                return  # a group has 20 calls a minute for everything, and the placeholder stands there
            await asyncio.sleep(wait)

    async def sign(self, thread: ThreadId, message: MessageId, *, waits: bool) -> None:
        """See `core.bridge.Signing`."""
        if not message.isdecimal():
            return
        chat = read(thread).chat
        try:
            # a refusal to go on so fast is for reactions, as far as can be told: replies go on
            with self._client.calling():
                await self._client.bot.set_message_reaction(
                    self._moved.get(chat, chat), int(message), (SIGN,) if waits else ()
                )
        except AddressUnknown as error:  # a server that is older than reactions
            raise PlatformRefused(detail=error.detail) from None

    def fetch(self, attachment: Attachment) -> AsyncIterator[bytes]:
        return fetched(self._client, attachment)
