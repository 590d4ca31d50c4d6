"""R8: what is said while the program is down is answered after the start, in order and once."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.discord import DiscordServer
from tests.program import Program, World, replied, world


@pytest.fixture
async def standing() -> AsyncIterator[World]:
    async with world() as found:
        yield found


def answers(discord: DiscordServer, place: str, parent: str | None) -> list[str]:
    return [one.text for one in discord.view(place) if one.bot and one.parent == parent]


async def test_what_is_said_on_discord_while_the_program_is_down_is_answered(
    standing: World, tmp_path: Path, database_url: str
) -> None:
    """After a kill, and after the next start it is not answered again."""
    discord = standing.discord
    direct, lounge = discord.direct, discord.lounge
    config = str(standing.config(tmp_path, "openai", database=database_url))
    async with Program(("run", "--config", config)) as program:
        await standing.listening(program)
        thread = await discord.start_thread(await discord.say(lounge, "shall we sail?"), "sailing")
        await discord.say(thread, "this is not for the bot")
        await discord.say(direct, "echo: before")
        await replied(discord, direct, lambda text: text == "before")
        await program.stop(signal.SIGKILL)
    for number in range(3):
        await discord.say(direct, f"echo: missed {number}")
    await discord.say(lounge, "@bot echo: missed")
    await discord.say(thread, "@bot echo: missed")
    await discord.say(thread, "echo: follow-up")
    expected = {
        (direct, None): ["before", "missed 0", "missed 1", "missed 2"],
        (lounge, None): ["missed"],
        (thread, thread): ["missed", "follow-up"],
    }
    for run in ("first", "second"):
        async with Program(("run", "--config", config)) as program:
            await standing.listening(program)
            for (place, _), texts in expected.items():
                # what was missed in a place comes before what is new there
                await discord.say(place, f"@bot echo: {run}")
                await replied(discord, place, lambda text, run=run: text == run)  # type: ignore[misc]
                texts.append(run)
            assert await program.stop() == 0
        for (place, parent), texts in expected.items():
            assert answers(discord, place, parent) == texts
