"""Whose question is answered where: in a channel Slack wants to know for whom a stream is."""

from __future__ import annotations

import logging
from collections import OrderedDict

from bridges.slack.thread import Thread
from bridges.slack.web import Web
from core.errors import PlatformError
from core.model import Message, MessageId

log = logging.getLogger(__name__)

MOST = 10_000

Asker = tuple[str, str]
"""Team and user."""


class Askers:
    """Remembers who wrote what this process heard; other messages are read from Slack."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._known: OrderedDict[tuple[str, str], Asker] = OrderedDict()
        """By channel and message, or root for whoever asked last in that thread."""

    def heard(self, message: Message) -> None:
        """Somebody wrote something."""
        place = Thread.read(message.thread)
        if not message.outsider:  # whose own team would have to be known
            self._keep(place, message.id, (place.team, message.author))

    async def find(self, place: Thread, message: MessageId | None) -> Asker | None:
        """The author of a message; without one, of whom an answer in this thread was last for. None if nobody can
        tell."""
        if message is None:
            return self._known.get((place.channel, f"{place.root}:last"))
        asker = self._known.get((place.channel, message)) or await self._read(place, message)
        if asker is not None:
            self._keep(place, message, asker)
            self._keep(place, f"{place.root}:last", asker)
        return asker

    async def _read(self, place: Thread, message: MessageId) -> Asker | None:
        try:
            page = await self._web(
                self._web.api.conversations_replies(
                    channel=place.channel, ts=place.root or message, oldest=message, latest=message, inclusive=True
                )
            )
        except PlatformError as error:
            log.debug("cannot read who asked in %s: %s", place.channel, error.detail)
            return None
        for found in page.get("messages") or ():
            if found.get("ts") == message and isinstance(found.get("user"), str):
                team = found.get("user_team") or found.get("source_team") or found.get("team") or place.team
                return str(team), found["user"]
        return None

    def _keep(self, place: Thread, message: str, asker: Asker) -> None:
        key = (place.channel, message)
        self._known[key] = asker
        self._known.move_to_end(key)
        if len(self._known) > MOST:
            self._known.popitem(last=False)
