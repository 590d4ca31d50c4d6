"""The names behind ids, looked up once in a while. A name that cannot be had never holds up a message."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Iterable

from bridges.slack.format import clean
from bridges.slack.mrkdwn import Names
from bridges.slack.web import Json, Web
from core.errors import PlatformError

log = logging.getLogger(__name__)

WITHIN = 1.0
"""Seconds for all names of a message together: Slack waits three for the acknowledgement."""
KEEPS = 3600.0
FORGETS_FAILURE = 60.0
MOST = 5_000


class NameBook:
    def __init__(self, web: Web) -> None:
        self._web = web
        self._known: OrderedDict[str, tuple[str | None, float]] = OrderedDict()
        """By id: the name, or None where it could not be had, and until when that holds."""

    async def look_up(self, users: Iterable[str], channels: Iterable[str]) -> Names:
        users, channels = tuple(users), tuple(channels)
        now = asyncio.get_running_loop().time()
        wanted = [(id, self._user) for id in users] + [(id, self._channel) for id in channels]
        missing = [(id, ask) for id, ask in wanted if self._known.get(id, (None, 0.0))[1] <= now]
        if missing:
            tasks = [asyncio.create_task(ask(id)) for id, ask in missing]
            try:
                await asyncio.wait(tasks, timeout=WITHIN)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            for (id, _), task in zip(missing, tasks, strict=True):
                self._remember(id, None if task.cancelled() or task.exception() else task.result(), now)
        return Names(self._names(users), self._names(channels))

    def _names(self, ids: Iterable[str]) -> dict[str, str]:
        return {id: name for id in ids if (name := self._known.get(id, (None, 0.0))[0])}

    def _remember(self, id: str, name: str | None, now: float) -> None:
        before = self._known.get(id, (None, 0.0))[0]
        self._known[id] = (name or before, now + (KEEPS if name else FORGETS_FAILURE))
        self._known.move_to_end(id)
        while len(self._known) > MOST:
            self._known.popitem(last=False)

    async def _user(self, id: str) -> str | None:
        try:
            user: Json = (await self._web(self._web.api.users_info(user=id))).get("user") or {}
        except PlatformError as error:
            log.debug("no name for %s: %s", id, error.detail)
            return None
        profile: Json = user.get("profile") or {}
        candidates = (profile.get("display_name"), profile.get("real_name"), user.get("real_name"), user.get("name"))
        return next((clean(str(name)) for name in candidates if name), None)

    async def _channel(self, id: str) -> str | None:
        try:
            channel: Json = (await self._web(self._web.api.conversations_info(channel=id))).get("channel") or {}
        except PlatformError as error:
            log.debug("no name for %s: %s", id, error.detail)
            return None
        return clean(str(channel.get("name") or "")) or None
