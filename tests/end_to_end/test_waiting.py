"""A person sees that their message waits: on each platform, with one process or several, and if they are killed."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from sandbox.stand_in import StandIn
from tests.postgresql import copied
from tests.program import WITHIN, Program, World, place, replied, world

PLACES = {"slack": "channel", "discord": "channel", "telegram": "direct"}
SIGNS = {"slack": "hourglass_flowing_sand", "discord": "⏳", "telegram": "👀"}
TEXT = "One two three four five six seven eight nine ten eleven twelve."
HELD = 3


@pytest.fixture
async def standing() -> AsyncIterator[World]:
    async with world() as found:
        yield found


def of(standing: World, name: str) -> tuple[StandIn, str]:
    platform = standing.platforms[name]
    return platform, place(platform, PLACES[name])


async def say(standing: World, text: str) -> dict[str, str]:
    """On each platform; where threads are a conversation each, in the one that has begun."""
    said = {}
    for name in PLACES:
        platform, where = of(standing, name)
        earlier = [view for view in platform.view(where) if not view.bot]
        parent = earlier[0].id if name == "slack" and earlier else None
        said[name] = await platform.say(where, f"@bot {text}", parent=parent)
    return said


async def until(standing: World, messages: dict[str, str], condition: Callable[[str, tuple[str, ...]], bool]) -> None:
    """Waits until it is true of the reactions to these messages on each platform."""
    for name, message in messages.items():
        platform, where = of(standing, name)

        def holds(name: str = name, message: str = message, where: str = where) -> bool:
            [view] = [view for view in standing.platforms[name].view(where) if view.id == message]
            return condition(name, view.reactions)

        await platform.feed.until(holds, within=WITHIN)


async def signed(standing: World, messages: dict[str, str]) -> None:
    await until(standing, messages, lambda name, reactions: reactions == (SIGNS[name],))


async def unsigned(standing: World, messages: dict[str, str]) -> None:
    await until(standing, messages, lambda name, reactions: not reactions)


async def begun(standing: World) -> dict[str, str]:
    """Asks on each platform, and waits until the answers have begun and are held."""
    standing.upstream.hold_after = HELD
    said = await say(standing, f"echo: {TEXT}")
    for name in PLACES:
        await replied(*of(standing, name), lambda text: 1 < len(text.split()) <= HELD)
    return said


async def answered(standing: World, words: str) -> None:
    standing.upstream.hold_after = None
    for name in PLACES:
        await replied(*of(standing, name), lambda text: text == words)


async def test_in_one_process(standing: World, tmp_path: Path) -> None:
    config = standing.config(tmp_path, "goapi")
    async with Program(("run", "--config", str(config))) as program:
        await standing.listening(program)
        first = await begun(standing)
        second = await say(standing, "echo: high tide")
        await signed(standing, second)
        await unsigned(standing, first)
        await answered(standing, "high tide")
        await unsigned(standing, second)
        assert await program.stop() == 0
    assert not any("could not be put" in line for line in program.log)


async def test_where_it_is_switched_off_nobody_reacts(standing: World, tmp_path: Path) -> None:
    config = standing.config(tmp_path, "goapi")
    off = {f"THREADBRIDGE__BRIDGES__{name.upper()}__WAITING_SIGN": "false" for name in PLACES}
    async with Program(("run", "--config", str(config)), off) as program:
        await standing.listening(program)
        await begun(standing)
        second = await say(standing, "echo: high tide")
        await answered(standing, "high tide")
        await unsigned(standing, second)
        assert await program.stop() == 0
    assert not [one for name in PLACES for one in standing.platforms[name].feed.past if one.kind == "reaction"]


async def test_where_it_is_not_allowed_that_is_said_once(standing: World, tmp_path: Path) -> None:
    standing.slack.scopes = standing.slack.scopes.replace("reactions:write,", "")
    await standing.discord.deny(standing.discord.lounge, "ADD_REACTIONS")
    config = standing.config(tmp_path, "goapi")
    async with Program(("run", "--config", str(config))) as program:
        await standing.listening(program)
        assert "reactions:write" in await program.said("the Slack app lacks the scope")
        await begun(standing)
        for text in ("echo: high tide", "echo: low tide"):
            await say(standing, text)
        for name in ("slack", "discord"):
            await program.said(f"{name}: the sign that a message waits could not be put on it")
        await answered(standing, "low tide")
        assert await program.stop() == 0
    complaints = [line for line in program.log if "the sign that a message waits" in line]
    assert len(complaints) == 2, complaints
    assert not [line for line in program.log if "Traceback" in line]


async def test_listener_and_worker_apart_and_the_listener_killed(
    standing: World, tmp_path: Path, postgresql: str
) -> None:
    database = copied(postgresql, "waiting_apart")
    config = ("--config", str(standing.config(tmp_path, "goapi", database=database)))
    async with Program(("listen", *config)) as listener, Program(("work", *config)) as worker:
        await standing.listening(listener)
        await worker.said("working:")
        await begun(standing)
        second = await say(standing, "echo: high tide")
        await signed(standing, second)
        listener.send(signal.SIGKILL)
        assert await listener.ended() == -9
        await answered(standing, "high tide")
        await unsigned(standing, second)
        assert await worker.stop() == 0


async def test_killed_while_messages_wait(standing: World, tmp_path: Path) -> None:
    config = ("--config", str(standing.config(tmp_path, "goapi")))
    async with Program(("run", *config)) as program:
        await standing.listening(program)
        await begun(standing)
        second = await say(standing, "echo: high tide")
        await signed(standing, second)
        program.send(signal.SIGKILL)
        assert await program.ended() == -9
    async with Program(("run", *config)) as program:
        await standing.listening(program)
        await answered(standing, "high tide")
        await unsigned(standing, second)
        assert await program.stop() == 0
