"""How long a person waits for the first text, before the upstream counts as unavailable."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from core.errors import UpstreamUnavailable
from core.model import Done, Event, File, Opened, Replace, Status, Text
from core.upstream.http import SILENT


async def until_text(events: AsyncGenerator[Event, None], limit: float) -> AsyncGenerator[Event, None]:
    """The events up to the first text, which has to come within so many seconds (0: no limit); else what was begun is
    ended, and `UpstreamUnavailable` raised. While a status stands, the upstream shows that it works, and the time does
    not run; when it is taken back, the time begins anew."""
    clock = asyncio.get_running_loop().time
    due = clock() + limit if limit else None
    spoke = False
    while not spoke:
        try:
            async with asyncio.timeout_at(due):
                event = await anext(events)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise UpstreamUnavailable(SILENT, detail=f"no text within {limit:g} s") from None
        match event:
            case Text() | Replace() | File() | Done():
                spoke = True
            case Status(label):
                due = clock() + limit if limit and not label else None
            case Opened():
                pass
        yield event
