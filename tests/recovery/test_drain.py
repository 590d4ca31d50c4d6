"""Being told to stop while replies grow: they are finished if there is time, else by the next start in their place."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.database import parse
from sandbox.stand_in import View
from tests.program import Program, World, place, replied, world
from tests.recovery.moments import record

TEXT = "One two three four five six seven eight nine ten eleven twelve."
HELD = 6
"""Words that are written when the program is told to stop."""
PLACES = {"slack": "channel", "discord": "channel", "telegram": "direct"}
SIGNALS = (signal.SIGTERM, signal.SIGINT)


@pytest.fixture
async def standing() -> AsyncIterator[World]:
    async with world() as found:
        found.upstream.hold_after = HELD
        yield found


def views(standing: World, name: str) -> list[View]:
    platform = standing.platforms[name]
    return [view for view in platform.view(place(platform, PLACES[name])) if view.bot]


async def ask(standing: World) -> None:
    """On each platform, and waits until the answers are being written."""
    for name, platform in standing.platforms.items():
        await platform.say(place(platform, PLACES[name]), f"@bot echo: {TEXT}")
    for name, platform in standing.platforms.items():
        await replied(platform, place(platform, PLACES[name]), lambda text: text.startswith("One two"))
        assert TEXT not in [view.text for view in views(standing, name)]


async def told(standing: World, program: Program, number: signal.Signals) -> None:
    """Tells it to stop, and waits until it listens no more."""
    program.send(number)
    await standing.slack.feed.until(lambda: not standing.slack.courier.sockets)
    await standing.discord.feed.until(
        lambda: any(one.data.get("what") == "disconnected" for one in standing.discord.feed.past)
    )


def configured(standing: World, folder: Path, drain_within: float) -> str:
    return str(standing.config(folder, "goapi", extra=f"[relay]\ndrain_within = {drain_within}"))


def states(folder: Path) -> list[tuple[str, ...]]:
    return [record(parse(f"sqlite:///{folder}/threadbridge.db"), name).states for name in PLACES]


@pytest.mark.parametrize("number", SIGNALS)
async def test_replies_that_grow_are_finished_and_nothing_else_is_begun(
    standing: World, tmp_path: Path, number: signal.Signals
) -> None:
    config = configured(standing, tmp_path, 60)
    where = place(standing.telegram, PLACES["telegram"])
    async with Program(("run", "--config", config)) as program:
        await standing.listening(program)
        await ask(standing)
        await standing.telegram.say(where, "echo: and then")  # waits behind the first one
        await standing.telegram.feed.until(lambda: not standing.telegram._updates.waiting)
        await told(standing, program, number)
        await standing.telegram.say(where, "echo: and at last")  # nobody listens any more
        standing.upstream.hold_after = None
        assert await program.ended() == 0
        assert "Traceback" not in "\n".join(program.log)
    assert [[view.text for view in views(standing, name)] for name in PLACES] == [[TEXT]] * 3
    assert states(tmp_path) == [("answered",), ("answered",), ("answered", "waiting")]
    async with Program(("run", "--config", config)) as program:
        await replied(standing.telegram, where, lambda text: text == "and at last")
        assert await program.stop(number) == 0
    assert [view.text for view in views(standing, "telegram")] == [TEXT, "and then", "and at last"]


@pytest.mark.parametrize("number", SIGNALS)
async def test_what_takes_longer_is_finished_by_the_next_start_in_the_same_message(
    standing: World, tmp_path: Path, number: signal.Signals
) -> None:
    config = configured(standing, tmp_path, 0.2)
    async with Program(("run", "--config", config)) as program:
        await standing.listening(program)
        await ask(standing)
        assert await program.stop(number) == 0
        await program.said("3 turns were not finished in time")
        assert "Traceback" not in "\n".join(program.log)
    await _finished_by_the_next(standing, tmp_path, config)


@pytest.mark.parametrize("patient", [True, False])
async def test_told_a_second_time_it_ends_at_once_and_the_next_start_finishes(
    standing: World, tmp_path: Path, patient: bool
) -> None:
    """Both while it waits for its replies, and before it has stopped listening."""
    config = configured(standing, tmp_path, 600)
    async with Program(("run", "--config", config)) as program:
        await standing.listening(program)
        await ask(standing)
        if patient:
            await told(standing, program, signal.SIGTERM)
        else:
            program.send(signal.SIGTERM)
        assert await program.stop(signal.SIGINT) == 0  # which waits for a fraction of those 600 s
        assert "Traceback" not in "\n".join(program.log)
    await _finished_by_the_next(standing, tmp_path, config)


async def _finished_by_the_next(standing: World, folder: Path, config: str) -> None:
    left = {name: views(standing, name) for name in PLACES}
    assert [[view.text.startswith("One two") for view in found] for found in left.values()] == [[True]] * 3
    assert not any("⚠️" in view.text for found in left.values() for view in found)
    assert states(folder) == [("waiting",)] * 3
    standing.upstream.hold_after = None
    async with Program(("run", "--config", config)) as program:
        for name, platform in standing.platforms.items():
            await replied(platform, place(platform, PLACES[name]), lambda text: text == TEXT)
        assert await program.stop() == 0
    for name, found in left.items():
        assert [(view.id, view.text) for view in views(standing, name)] == [(view.id, TEXT) for view in found]
    assert states(folder) == [("answered",)] * 3


async def test_with_nothing_to_do_it_ends_at_once(standing: World, tmp_path: Path) -> None:
    async with Program(("run", "--config", configured(standing, tmp_path, 600))) as program:
        await standing.listening(program)
        assert await program.stop() == 0
        assert "Traceback" not in "\n".join(program.log)
