"""Receiving by `getUpdates`. An update is confirmed by asking for those after it, so we ask only after recording."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from typing import Any

from bridges.telegram.client import Client
from bridges.telegram.errors import AddressUnknown, Elsewhere, TokenRefused
from bridges.telegram.receiving import KINDS, Receiver
from bridges.telegram.rhythm import Rhythm
from core.errors import ConfigError, DatabaseError, PlatformError, SlowDown

log = logging.getLogger(__name__)


async def poll(client: Client, receiver: Receiver, rhythm: Rhythm, report: Callable[[str | None], None]) -> None:
    """Until cancelled. Raises `ConfigError` if the token is revoked. `report` is told what keeps messages away, unless
    it is over at once, and None with each poll that is answered."""
    offset = 0
    ready = failed = False
    delays = rhythm.delays()
    while True:
        try:
            if not ready:
                await _take_back_webhook(client)
                ready = True
            with client.calling():
                batch = await client.bot.raw_updates(offset, rhythm.poll, KINDS)
            report(None)
            failed = False
            for raw in batch:
                offset = await _taken(raw, receiver, offset)
            delays = rhythm.delays()
        except DatabaseError as error:
            log.error("Telegram: a message could not be recorded and will be asked for again (%s)", error)
            await asyncio.sleep(next(delays))
        except PlatformError as error:
            sentence, wait = _trouble(error, next(delays), rhythm)
            elsewhere = isinstance(error, Elsewhere)
            log.log(logging.ERROR if elsewhere else logging.WARNING, "Telegram: %s (%s)", sentence, error.detail)
            if elsewhere or failed:
                report(sentence)
            failed = True
            if isinstance(error, Elsewhere) and error.by_webhook:
                ready = False
            await asyncio.sleep(wait)


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


def _trouble(error: PlatformError, delay: float, rhythm: Rhythm) -> tuple[str, float]:
    """What is wrong, and the seconds until the next try. Raises `ConfigError` where there can be none."""
    match error:
        case TokenRefused():
            raise ConfigError(
                "Telegram no longer accepts bridges.telegram.token. Ask @BotFather for the present one.",
                detail=error.detail,
            )
        case SlowDown():
            return f"the server asks to wait {error.retry_after:.0f} s before the next poll.", error.retry_after
        case Elsewhere():
            wait = rhythm.conflict * random.uniform(0.75, 1.25)
            how = "by a webhook" if error.by_webhook else "by polling, which Telegram grants to one at a time"
            return (
                f"another program receives this bot's messages {how}. Stop it, give this one a bot of its "
                f'own, or run both with mode = "webhook" and the same public_url. Taken back in {wait:.0f} s.',
                wait,
            )
        case _:
            return f"the server does not answer; trying again in {delay:.1f} s.", delay
