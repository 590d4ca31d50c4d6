"""A part that was intended before a kill, of which no message is recorded, and that is not wanted any more: the answer
is shorter when it is asked for again. On the real bridges."""

from __future__ import annotations

import asyncio

import pytest

from core.live import LiveReply
from core.pace import Pacer
from core.tables import Part
from tests.ledger import Ledger
from tests.program import place, world
from tests.recovery.alone import PLACES, bridge_to, thread_in


@pytest.mark.parametrize("created", [False, True])
@pytest.mark.parametrize("name", PLACES)
async def test_what_is_not_wanted_is_not_left_over(name: str, created: bool) -> None:
    async with world() as standing:
        platform = standing.platforms[name]
        where = place(platform, PLACES[name])
        root = await platform.say(where, "@bot hello")
        thread = thread_in(standing, name, where, root)
        if created:
            async with bridge_to(standing, name) as bridge:
                await bridge.open(thread, "key1").show("The rest of a longer answer", final=True)
        async with bridge_to(standing, name) as bridge:
            left = [Part(turn_id=1, position=position, key=f"key{position}") for position in (0, 1)]
            reply = LiveReply(bridge, Pacer(bridge.pace), thread, Ledger(), reply_to=None, adopted=left)
            async with asyncio.timeout(20), reply.painting():
                reply.append("Short.")
                await reply.finish()
        shown = [view.text for view in platform.view(where) if view.bot]
        if name == "telegram" and created:  # which can find nothing, and so creates only placeholders
            assert sorted(shown) == ["Short.", "…"]
        else:
            assert shown == ["Short."]
