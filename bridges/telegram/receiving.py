"""What polling and the webhook have in common: one update at a time, none of which can stop the others."""

from __future__ import annotations

import logging
from typing import Any

import telegram

from bridges.telegram import completing
from bridges.telegram.inbound import Me, read
from core.bridge import Accept
from core.model import Message

log = logging.getLogger(__name__)

KINDS = ("message",)
"""The kinds of updates that are asked for."""


def understood(raw: dict[str, Any], bot: telegram.Bot, me: Me) -> Message | None:
    """What an update says to the bot. One that cannot be read is logged and says nothing: asking for it again would
    only bring it again."""
    try:
        return read(telegram.Update.de_json(completing.update(raw), bot), me)
    except Exception as error:
        # the library raises whatever it stumbles over; its text may hold what the person wrote
        log.error("Telegram: update %s cannot be read and is skipped (%s)", raw.get("update_id"), type(error).__name__)
        return None


class Receiver:
    """Hands over what updates say. Raises what `accept` raises."""

    def __init__(self, bot: telegram.Bot, me: Me, accept: Accept) -> None:
        self._bot = bot
        self._me = me
        self._accept = accept

    async def take(self, raw: dict[str, Any]) -> None:
        """Returns once the update needs no further thought."""
        message = understood(raw, self._bot, self._me)
        if message is not None:
            await self._accept(message)
