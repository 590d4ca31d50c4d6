"""What polling and the webhook have in common: one update at a time, none of which can stop the others."""

from __future__ import annotations

import logging
from typing import Any

import telegram

from bridges.telegram import buttons, completing
from bridges.telegram.client import Client
from bridges.telegram.inbound import Me, read
from core.aside import Aside
from core.bridge import Accept
from core.errors import PlatformError
from core.model import Message

log = logging.getLogger(__name__)

KINDS = ("message", "callback_query")
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

    def __init__(self, client: Client, me: Me, accept: Accept) -> None:
        self._client = client
        self._bot = client.bot
        self._me = me
        self._accept = accept
        self._answering = Aside()

    async def take(self, raw: dict[str, Any]) -> None:
        """Returns once the update needs no further thought."""
        message = understood(raw, self._bot, self._me)
        not_taken = await self._accept(message) if message is not None else None
        query = raw.get("callback_query")
        if isinstance(query, dict):  # one that is no press of ours is answered too: the app waits for it
            text = buttons.answer(message, not_taken) if message is not None else ""
            self._answering.begin(self._answer(str(query.get("id")), text))

    async def _answer(self, query: str, text: str) -> None:
        """Until then the app shows that the press is on its way. Beside the updates, none of which waits for it."""
        try:
            with self._client.calling():
                await self._client.bot.answer_callback_query(query, text or None)
        except PlatformError as error:
            log.debug("Telegram: a press was not answered (%s)", error.detail)
