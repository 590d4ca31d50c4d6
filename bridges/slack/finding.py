"""Posts of ours are found again by the key in their metadata. A stream gets its own when it ends: until then it is
known by having none."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator
from typing import Any

from bridges.slack import streams
from bridges.slack.errors import NotStreaming
from bridges.slack.thread import Thread
from bridges.slack.web import Json, Web
from core.errors import PlatformError, PlatformUnavailable, SlowDown
from core.model import MessageId

log = logging.getLogger(__name__)

EVENT_TYPE = "threadbridge_part"
"""The `event_type` of the metadata that carries the key of a part."""
LOOKS_BACK = 86_400.0
"""Seconds: a post of ours that is older is not looked for."""
PAGE = 200
PAGES = 10


def metadata(key: str) -> dict[str, Any]:
    return {"event_type": EVENT_TYPE, "event_payload": {"key": key}}


async def find(web: Web, place: Thread, key: str, us: str) -> MessageId | None:
    """Reads the newest day of the thread. Raises `SlowDown` or `PlatformUnavailable` where that may pass: then nobody
    knows yet. None also where the app may not read the channel. `us`: our user."""
    unnamed = None
    try:
        async for message in _posts(web, place):
            if message.get("user", us) != us or not isinstance(message.get("ts"), str):
                continue
            if _key(message) == key:
                return MessageId(message["ts"])
            if not message.get("metadata") and message["ts"] != place.root:
                unnamed = max(unnamed or "", message["ts"])
        if unnamed is None or place.root is None:
            return None
        return MessageId(unnamed) if await _left_open(web, place, unnamed, key) else None
    except (SlowDown, PlatformUnavailable):
        raise
    except PlatformError as error:
        log.warning("cannot look for a message in %s: %s", place.id(), error.detail)
        return None


async def _left_open(web: Web, place: Thread, ts: str, key: str) -> bool:
    """Is this a stream that nobody ended? A thread has one answer at a time, so it is then the one that is looked for,
    and gets the key with its end. Slack ends a stream itself after a while, and one as old as that may have been."""
    try:
        await streams.stop(web, place, MessageId(ts), metadata=metadata(key))
    except NotStreaming:
        return time.time() - float(ts) > streams.LIFE
    return True


async def _posts(web: Web, place: Thread) -> AsyncIterator[Json]:
    cursor = ""
    oldest = f"{time.time() - LOOKS_BACK:.6f}"
    for _ in range(PAGES):
        page = await _page(web, place, oldest, cursor)
        for message in page.get("messages") or ():
            yield message
        cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
        if not cursor:
            return


async def _page(web: Web, place: Thread, oldest: str, cursor: str) -> Json:
    within: dict[str, Any] = {
        "channel": place.channel,
        "oldest": oldest,
        "limit": PAGE,
        "cursor": cursor or None,
        "include_all_metadata": True,
    }
    if place.root is None:
        return await web(web.api.conversations_history(**within))
    return await web(web.api.conversations_replies(ts=place.root, **within))


def _key(message: Json) -> str | None:
    said = message.get("metadata") or {}
    if said.get("event_type") != EVENT_TYPE:
        return None
    return (said.get("event_payload") or {}).get("key")
