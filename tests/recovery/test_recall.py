"""The real program, killed in mid-answer: where the upstream goes on writing, the answer is shown and nothing is asked
twice. On each platform, all at once."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from sandbox.upstream.mygptassistants_stream import IdIn
from tests.program import Kind, Program, World, place, replied, world

PLACES = {"slack": "channel", "discord": "channel", "telegram": "direct"}
WAYS: tuple[tuple[Kind, IdIn, str], ...] = (
    ("gptbots", "first", "before the start"),
    ("gptbots", "first", "after the start"),
    ("mygptassistants", "last", "before the start"),
    ("mygptassistants", "first", "after the start"),
)
"""A kind of upstream, where its stream names the conversation, and when it finishes the answer."""


def story(name: str) -> str:
    return " ".join(f"{name}{number}" for number in range(60))


def questions(standing: World) -> list[str]:
    said = [said.text for one in standing.upstream.conversations for said in one.messages if said.role == "user"]
    return sorted(said)


def answered(standing: World) -> bool:
    return [one.messages[-1].role for one in standing.upstream.conversations] == ["assistant"] * len(PLACES)


def looked(standing: World) -> bool:
    """Has the program looked into the record of each conversation?"""
    read = [one for one in standing.upstream.feed.past if str(one.data.get("name")).endswith(".history")]
    return len(read) >= len(PLACES)


@pytest.mark.parametrize(("kind", "id_in", "finished"), WAYS)
async def test_a_question_is_asked_once_though_the_program_is_killed_in_mid_answer(
    tmp_path: Path, kind: Kind, id_in: IdIn, finished: str
) -> None:
    async with world() as standing:
        upstream = standing.upstream
        upstream.mygptassistants.id_in = id_in
        upstream.finishes_abandoned, upstream.hold_after = True, 20
        where = {name: place(platform, PLACES[name]) for name, platform in standing.platforms.items()}
        config = str(standing.config(tmp_path, kind))
        async with Program(("run", "--config", config)) as program:
            await standing.listening(program)
            for name, platform in standing.platforms.items():
                await platform.say(where[name], f"@bot echo: {story(name)}")
            for name, platform in standing.platforms.items():
                await replied(platform, where[name], re.compile(rf"\b{name}10\b").search)
            assert await program.stop(signal.SIGKILL) == -9
        if finished == "before the start":
            upstream.hold_after = None
            await upstream.feed.until(lambda: answered(standing))
        async with Program(("run", "--config", config)) as program:
            if finished == "after the start":
                await upstream.feed.until(lambda: looked(standing), within=40.0)
                upstream.hold_after = None
            for name, platform in standing.platforms.items():
                await replied(platform, where[name], story(name).__eq__)
            await program.said("running:")
            assert await program.stop() == 0
        for name, platform in standing.platforms.items():
            assert [view.text for view in platform.view(where[name]) if view.bot] == [story(name)]
        assert questions(standing) == sorted(f"echo: {story(name)}" for name in PLACES)
