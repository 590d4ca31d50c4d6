"""Each platform's own way to ask, and to stop an answer while it grows: within a second, and what came stays."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from sandbox.slack import SlackServer
from sandbox.stand_in import StandIn
from tests.program import Program, World, place, replied, world

WITHIN = 1.0
"""Seconds until a stop shows."""
LONG = "long 500"


@pytest.fixture
async def standing() -> AsyncIterator[World]:
    async with world() as found:
        # no answer gets to its end by itself
        found.upstream.hold_after = 40
        yield found


async def stops(platform: StandIn, where: str, stop: Callable[[], Awaitable[object]]) -> None:
    """Stops the answer that grows there, once some of it is shown."""
    (growing,) = await replied(platform, where, lambda text: len(text.split()) > 20)
    begun = time.monotonic()
    await stop()
    (ended,) = await replied(platform, where, lambda text: "Stopped." in text and len(text.split()) > 20)
    assert time.monotonic() - begun < WITHIN
    assert ended.split()[:15] == growing.split()[:15]


async def test_an_answer_is_stopped_on_each_platform_in_its_own_way(standing: World, tmp_path: Path) -> None:
    slack, discord, telegram = standing.slack, standing.discord, standing.telegram
    async with Program(("run", "--config", str(standing.config(tmp_path, "goapi")))) as program:
        await standing.listening(program)
        await discord.feed.until(lambda: discord.world.commands)

        lounge = discord.lounge
        await discord.use(lounge, "ask", question=LONG)
        await stops(discord, lounge, lambda: discord.use(lounge, "stop"))

        general = place(slack, "channel")
        await slack.use(general, LONG)
        await stops(slack, general, lambda: slack.use(general, "stop"))

        direct = place(slack, "direct")
        root = await slack.say(direct, LONG)
        await stops(slack, direct, lambda: press(slack, direct, root))

        group = place(telegram, "group")
        await telegram.say(group, f"/ask@threadbridge_bot {LONG}")
        await stops(telegram, group, lambda: telegram.say(group, "/stop@threadbridge_bot"))
        assert await program.stop() == 0


async def press(slack: SlackServer, where: str, root: str) -> None:
    slack.press_stop(where, root)


async def test_another_assistant_is_chosen_on_each_platform_in_its_own_way(standing: World, tmp_path: Path) -> None:
    standing.upstream.hold_after = None
    other = (
        f'[upstreams.second]\nkind = "openai"\nbase_url = "{standing.upstream.base_url("openai")}"\nmodel = "other"\n'
    )
    config = standing.config(tmp_path, "goapi", extra=other)
    chosen = {f"THREADBRIDGE__BRIDGES__{name}__UPSTREAMS": "second" for name in ("SLACK", "DISCORD", "TELEGRAM")}
    async with Program(("run", "--config", str(config)), chosen) as program:
        await standing.listening(program)
        await standing.discord.feed.until(lambda: any(one["name"] == "use" for one in standing.discord.world.commands))
        await standing.telegram.say(place(standing.telegram, "direct"), "/use second")
        await standing.discord.use(standing.discord.lounge, "use", name="second")
        general = place(standing.slack, "channel")
        await standing.slack.use(general, "/use second")
        for platform in standing.platforms.values():
            where = {"discord": standing.discord.lounge, "slack": general}.get(platform.name, "501001")
            await replied(platform, where, lambda text: "second answers here" in text)
        assert await program.stop() == 0
