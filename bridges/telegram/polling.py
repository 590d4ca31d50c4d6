"""Receiving by `getUpdates`. An update is confirmed by asking for those after it, so we ask only after recording."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from bridges.telegram.client import Client
from bridges.telegram.errors import AddressUnknown, Elsewhere, TokenRefused
from bridges.telegram.receiving import KINDS, Receiver
from bridges.telegram.rhythm import Rhythm
from core.errors import ConfigError, DatabaseError, PlatformError, SlowDown

log = logging.getLogger(__name__)


async def poll(client: Client, receiver: Receiver, rhythm: Rhythm) -> None:
    """Until cancelled. Raises `ConfigError` if the token is revoked."""
    offset = 0
    ready = False
    delays = rhythm.delays()
    while True:
        try:
            if not ready:
                await _take_back_webhook(client)
                ready = True
            with client.calling():
                batch = await client.bot.raw_updates(offset, rhythm.poll, KINDS)
            for raw in batch:
                offset = await _taken(raw, receiver, offset)
            delays = rhythm.delays()
        except DatabaseError as error:
            log.error("Telegram: a message could not be recorded and will be asked for again (%s)", error)
            await asyncio.sleep(next(delays))
        except PlatformError as error:
            await asyncio.sleep(_wait(error, next(delays), rhythm))


async def _take_back_webhook(client: Client) -> None:
    """Updates go either way, never both. A server that knows no webhooks has none to take back."""
    try:
        with client.calling():
            await client.bot.delete_webhook()
    except AddressUnknown as error:
        log.debug("Telegram: no webhook to take back (%s)", error.detail)


async def _taken(raw: dict[str, Any], receiver: Receiver, offset: int) -> int:
    """The next offset. What is recorded moves it, and so does what nobody can read."""
    number = raw.get("update_id")
    if not isinstance(number, int):
        log.error("Telegram: an update without a number is skipped")
        return offset
    await receiver.take(raw)  # a lower number than before as well: they begin anew after a week without updates
    return number + 1


def _wait(error: PlatformError, delay: float, rhythm: Rhythm) -> float:
    """Seconds until the next try. Raises `ConfigError` where there can be none."""
    match error:
        case TokenRefused():
            raise ConfigError(
                "Telegram no longer accepts bridges.telegram.token. Ask @BotFather for the present one.",
                detail=error.detail,
            )
        case SlowDown():
            log.warning("Telegram asks to wait %.0f s before the next poll", error.retry_after)
            return error.retry_after
        case Elsewhere():
            log.error(
                "Telegram: another program receives this bot's messages, by polling or by a webhook. Stop it, or give "
                "this one a bot of its own. Trying again in %.0f s (%s)",
                rhythm.conflict,
                error.detail,
            )
            return rhythm.conflict
        case _:
            log.warning("Telegram does not answer (%s); trying again in %.1f s", error.detail, delay)
            return delay
