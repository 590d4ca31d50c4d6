"""Listeners of the whole program: in shards, with several sockets, and what readiness says of them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from sandbox.telegram import TOKEN
from tests.program import Program, World, place, replied, world


@pytest.fixture
async def standing() -> AsyncIterator[World]:
    async with world() as found:
        yield found


async def test_shards_and_sockets_of_one_program(standing: World, tmp_path: Path) -> None:
    discord, slack = standing.discord, standing.slack
    discord.gateway.sharding.max_concurrency = 2
    decks = [
        discord.new_channel("deck", discord.world.new_guild(f"guild {number}", (number, 2))) for number in range(2)
    ]
    several = {"THREADBRIDGE__BRIDGES__DISCORD__SHARDS": "2", "THREADBRIDGE__BRIDGES__SLACK__SOCKETS": "2"}
    async with Program(("run", "--config", str(standing.config(tmp_path, "goapi"))), several) as program:
        await standing.listening(program)
        await discord.feed.until(lambda: discord.gateway.connected == 2)
        await slack.feed.until(lambda: len(slack.courier.sockets) == 2)
        for deck in (*decks, discord.direct):
            await discord.say(deck, "@bot My name is Rosalind.")
            assert len(await replied(discord, deck, lambda text: "Rosalind" in text)) == 1
        where = place(slack, "channel")
        for _ in range(2):
            await slack.say(where, "@bot My name is Rosalind.")
        assert len(await replied(slack, where, lambda text: "Rosalind" in text, count=2)) == 2
        assert await program.stop() == 0


async def test_readiness_tells_of_a_second_poller(standing: World, tmp_path: Path) -> None:
    async with Program(("run", "--config", str(standing.config(tmp_path, "goapi")))) as program:
        await standing.listening(program)
        found = re.search(r"http://\S+", await program.said("HTTP on "))
        assert found is not None
        await standing.telegram.feed.until(
            lambda: any(h.data.get("name") == "getUpdates" for h in standing.telegram.feed.past), within=40.0
        )
        async with aiohttp.ClientSession() as session:
            rival = asyncio.create_task(
                session.get(f"{standing.telegram.url}/bot{TOKEN}/getUpdates", params={"timeout": 50})
            )
            await program.said("another program receives this bot's messages by polling")
            async with session.get(f"{found[0]}/readyz") as answer:
                assert answer.status == 503
                assert (await answer.json())["reason"].startswith("telegram: another program")
            rival.cancel()
            await asyncio.gather(rival, return_exceptions=True)
