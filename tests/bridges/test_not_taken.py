"""A press that came to nothing: on each platform whoever pressed reads why, and nobody else does."""

from __future__ import annotations

import asyncio

import pytest

from core.bridge import Bridge, Offering
from core.controls import Control, NotTaken, finished
from core.model import Message, ThreadId
from sandbox.playground.mirror import listens
from sandbox.stand_in import StandIn, View
from tests.bridges.test_signs import PLATFORMS, bridge_to, recollect
from tests.program import WITHIN, World, place, world

WHY = "This was not taken. I only answer people whom my operator has let in."


class Ear:
    """Takes messages, and no presses."""

    def __init__(self, note: str) -> None:
        self.note = note
        self.threads: asyncio.Queue[ThreadId] = asyncio.Queue()
        self.pressed: asyncio.Queue[str] = asyncio.Queue()

    async def accept(self, message: Message) -> NotTaken | None:
        if message.about is None:
            self.threads.put_nowait(message.thread)
            return None
        self.pressed.put_nowait(message.command)
        return NotTaken(self.note)


async def rated(standing: World, bridge: Bridge, ear: Ear, name: str) -> str:
    """Somebody writes, is answered, and presses a thumb; gives the press's id."""
    platform: StandIn = standing.platforms[name]
    where = place(platform, "direct")
    await platform.feed.until(lambda: any(listens(name, one) for one in platform.feed.past), within=WITHIN)
    await platform.say(where, "hello")
    surface = bridge.open(await ear.threads.get(), "k1")
    assert isinstance(surface, Offering)
    surface.offer(finished(7, answered=True))
    while surface.shown != "Hello." or not surface.offered:
        await surface.show("Hello.", final=True)

    def thumbs() -> list[tuple[View, str]]:
        return [(view, one) for view in platform.view(where) for one in view.buttons if "👍" in one]

    await platform.feed.until(thumbs, within=WITHIN)
    view, label = thumbs()[0]
    return await platform.press(where, view.id, label)


async def told(standing: World, name: str, press: str) -> str | None:
    """What the person reads of a press; None: nothing."""
    match name:
        case "telegram":
            answers = standing.telegram.methods.presses.answers
            await standing.telegram.feed.until(lambda: press in answers, within=WITHIN)
            return answers[press] or None
        case "discord":
            made = standing.discord.interactions[press]
            await standing.discord.feed.until(lambda: made.response, within=WITHIN)
            data = (made.response or {}).get("data")
            assert data is None or data["flags"] & 1 << 6, "nobody else reads it"
            return data["content"] if data is not None else None
        case _:
            heard = [one.data["text"] for one in standing.slack.feed.past if one.kind == "whisper"]
            return heard[0] if heard else None


@pytest.mark.parametrize("name", PLATFORMS)
@pytest.mark.parametrize("note", [WHY, ""])
async def test_whoever_pressed_in_vain_reads_why_and_is_not_thanked(name: str, note: str) -> None:
    async with world() as standing:
        ear = Ear(note)
        async with bridge_to(standing, name) as bridge:
            listening = asyncio.create_task(bridge.listen(ear.accept, recollect))
            try:
                press = await rated(standing, bridge, ear, name)
                assert await ear.pressed.get() == Control.GOOD
                if name == "slack" and note:
                    await standing.slack.feed.until(
                        lambda: [one for one in standing.slack.feed.past if one.kind == "whisper"], within=WITHIN
                    )
                assert await told(standing, name, press) == (note or None)
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)
