"""Receiving by webhook: Telegram delivers a message again until it is told that it arrived, which is once it is
recorded."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging

from aiohttp import web

from bridges.endpoints import Endpoints
from bridges.telegram.client import Client
from bridges.telegram.errors import Elsewhere, TokenRefused
from bridges.telegram.receiving import KINDS, Receiver
from bridges.telegram.rhythm import Rhythm
from core.errors import ConfigError, DatabaseError, PlatformError, PlatformRefused, SlowDown

log = logging.getLogger(__name__)

PATH = "/telegram/webhook"
SECRET = "X-Telegram-Bot-Api-Secret-Token"  # the name of a header


class Webhook:
    """The endpoint, and the arrangement with Telegram to call it."""

    def __init__(self, client: Client, receiver: Receiver, public_url: str, rhythm: Rhythm) -> None:
        self._client = client
        self._receiver = receiver
        self._url = public_url.rstrip("/") + PATH
        self._rhythm = rhythm
        self._last_error = 0.0

    async def listen(self, endpoints: Endpoints) -> None:
        """Until cancelled. The webhook stays set afterwards, so that Telegram keeps what comes in meanwhile. Raises
        `ConfigError` if Telegram does not take the address or the token."""
        with endpoints.serve(PATH, self.answer):
            delays = self._rhythm.delays()
            arranged = False
            while True:
                try:
                    if not arranged:
                        await self._arrange()
                        arranged = True
                    await asyncio.sleep(self._rhythm.check)
                    arranged = await self._in_order()
                    delays = self._rhythm.delays()
                except PlatformError as error:
                    await asyncio.sleep(self._wait(error, next(delays)))

    async def answer(self, request: web.Request) -> web.Response:
        """One update. 200 only after it is recorded, or if there is nothing to record."""
        said = request.headers.get(SECRET, "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(said, self._client.webhook_secret.encode()):
            return web.Response(status=403)
        try:
            raw = json.loads(await request.read())
        except ValueError:
            return web.Response(status=400)
        if not isinstance(raw, dict):
            return web.Response(status=400)
        try:
            await self._receiver.take(raw)
        except DatabaseError as error:
            log.error("Telegram: a message could not be recorded and will be delivered again (%s)", error)
            return web.Response(status=503)
        return web.Response()

    async def _arrange(self) -> None:
        with self._client.calling():
            await self._client.bot.set_webhook(
                self._url, secret_token=self._client.webhook_secret, allowed_updates=KINDS
            )
        log.info("Telegram: delivers to %s", self._url)

    async def _in_order(self) -> bool:
        """Does Telegram still call us? Says in the log what it complains of."""
        with self._client.calling():
            info = await self._client.bot.get_webhook_info()
        if info.url != self._url:
            log.error(
                "Telegram: another program has taken over this bot's messages (%s). Stop it, or give this one a bot of "
                "its own. They are taken back now",
                "by polling" if not info.url else "by a webhook elsewhere",
            )
            return False
        failed = info.last_error_date.timestamp() if info.last_error_date else 0.0
        if failed > self._last_error:
            self._last_error = failed
            log.warning(
                "Telegram: delivery to %s failed: %s", self._url, self._client.safe(info.last_error_message or "")
            )
        return True

    def _wait(self, error: PlatformError, delay: float) -> float:
        match error:
            case TokenRefused():
                raise ConfigError(
                    "Telegram no longer accepts bridges.telegram.token. Ask @BotFather for the present one.",
                    detail=error.detail,
                )
            case PlatformRefused() if not isinstance(error, Elsewhere) and "resolve" not in error.detail.lower():
                raise ConfigError(
                    "Telegram does not take bridges.telegram.public_url as a webhook: it has to be an https address "
                    "on port 443, 80, 88 or 8443 that can be reached from outside.",
                    detail=error.detail,
                )
            case SlowDown():
                return error.retry_after
            case _:
                log.warning("Telegram does not answer (%s); trying again in %.1f s", error.detail, delay)
                return delay
