"""Each platform converses with each kind of upstream, and the conversation goes on, also after a restart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.program import KINDS, Kind, Program, World, place, replied, world

MENTIONED = {"slack": "channel", "discord": "channel", "telegram": "group"}


@pytest.fixture
async def standing() -> AsyncIterator[World]:
    async with world() as found:
        yield found


async def converse(standing: World, name: str, restarted: asyncio.Event, first: asyncio.Barrier) -> None:
    platform = standing.platforms[name]
    where = place(platform, MENTIONED[name])
    root = await platform.say(where, "@bot My name is Rosalind.")
    [first_reply] = await replied(platform, where, lambda text: "Rosalind" in text)
    assert not first_reply.endswith("…")
    parent = root if name == "slack" else None
    await platform.say(where, "@bot What is my name?", parent=parent)
    await replied(platform, where, lambda text: "Rosalind" in text, count=2)
    await first.wait()
    await restarted.wait()
    await platform.say(where, "@bot And what is my name now?", parent=parent)
    await replied(platform, where, lambda text: "Rosalind" in text, count=3)


@pytest.mark.parametrize("kind", KINDS)
async def test_each_platform_converses_with_each_kind_of_upstream(standing: World, tmp_path: Path, kind: Kind) -> None:
    config = str(standing.config(tmp_path, kind))
    restarted, first = asyncio.Event(), asyncio.Barrier(4)
    async with asyncio.TaskGroup() as tasks:
        async with Program(("run", "--config", config)) as program:
            await standing.listening(program)
            for name in standing.platforms:
                tasks.create_task(converse(standing, name, restarted, first))
            await first.wait()
            assert await program.stop() == 0
            assert "Traceback" not in "\n".join(program.log)
        again = await Program(("run", "--config", config)).__aenter__()
        await standing.listening(again)
        restarted.set()
    await again.__aexit__(None, None, None)
    conversations = [one for one in standing.upstream.conversations if one.kind == kind]
    if kind != "openai":
        assert sorted(one.turns for one in conversations) == [3, 3, 3]


@pytest.mark.parametrize("name", ["slack", "discord", "telegram"])
async def test_direct_messages_are_answered(standing: World, tmp_path: Path, name: str) -> None:
    async with Program(("run", "--config", str(standing.config(tmp_path, "goapi")))) as program:
        await standing.listening(program)
        platform = standing.platforms[name]
        where = place(platform, "direct")
        await platform.say(where, "echo: *one* and `two`")
        await replied(platform, where, lambda text: "one" in text and "two" in text)
        assert await program.stop() == 0


async def test_it_runs_on_postgresql_after_db_upgrade(standing: World, tmp_path: Path, postgresql: str) -> None:
    import psycopg

    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute("CREATE DATABASE whole_program")
    address = postgresql.replace("/postgres?", "/whole_program?")
    config = str(standing.config(tmp_path, "gptbots", database=address))
    async with Program(("run", "--config", config)) as program:
        assert await program.ended() == 1
        assert "Run: threadbridge db upgrade" in program.log[-1]
    async with Program(("db", "upgrade", "--config", config)) as program:
        assert await program.ended() == 0
    async with Program(("run", "--config", config)) as program:
        await standing.listening(program)
        where = place(standing.telegram, "direct")
        await standing.telegram.say(where, "echo: on PostgreSQL")
        await replied(standing.telegram, where, lambda text: "on PostgreSQL" in text)
        assert await program.stop() == 0
