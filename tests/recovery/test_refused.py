"""A platform refuses an edit because there were too many (429): whichever it is, nothing of the reply is lost or shown
twice. With the real libraries."""

from __future__ import annotations

import asyncio

import pytest

from core.live import LiveReply
from core.pace import Pacer
from sandbox.faults import Fault
from tests.ledger import Ledger
from tests.program import place, replied, world
from tests.recovery.alone import PLACES, bridge_to, thread_in

EDITS = {"slack": "chat.update", "discord": "messages.edit", "telegram": "editMessageText"}


@pytest.mark.parametrize("which", ["first", "middle", "last", "every"])
@pytest.mark.parametrize("name", PLACES)
async def test_a_refused_edit_is_made_up_for(name: str, which: str) -> None:
    async with world() as standing:
        platform = standing.platforms[name]
        where = place(platform, PLACES[name])
        thread = thread_in(standing, name, where, await platform.say(where, "@bot hello"))

        def refuse(*edits: str) -> None:
            if which in (*edits, "every"):
                platform.faults.add(Fault(EDITS[name], "status", status=429, retry_after=1))

        async with bridge_to(standing, name) as bridge:
            reply = LiveReply(bridge, Pacer(bridge.pace), thread, Ledger(), reply_to=None)
            async with asyncio.timeout(40), reply.painting():
                if name == "telegram":  # where an empty message comes first, and its first text is an edit
                    refuse("first")
                reply.append("The first words, ")
                await replied(platform, where, lambda text: "first words" in text)
                if name != "telegram":
                    refuse("first")
                reply.append("then some more, ")
                await replied(platform, where, lambda text: "some more" in text)
                refuse("middle")
                reply.append("and some in the middle, ")
                await replied(platform, where, lambda text: "middle" in text)
                refuse("last")
                reply.append("and the last ones.")
                await reply.finish()
        shown = [view.text for view in platform.view(where) if view.bot]
        assert shown == ["The first words, then some more, and some in the middle, and the last ones."]
        assert not platform.faults.waiting
