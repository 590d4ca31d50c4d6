"""Reactions by discord.py, under Discord's rules."""

from __future__ import annotations

from collections.abc import AsyncIterator

import discord
import pytest

from sandbox.discord import TOKEN, DiscordServer
from sandbox.discord.reactions import EMOJI


@pytest.fixture
async def client(server: DiscordServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[discord.Client]:
    monkeypatch.setattr(discord.http.Route, "BASE", server.api_url)
    server.limits = None
    async with discord.Client(intents=discord.Intents.none()) as client:
        await client.login(TOKEN)
        yield client


async def test_a_reaction_is_seen_lasts_and_goes(server: DiscordServer, client: discord.Client) -> None:
    place = client.get_partial_messageable(int(server.lounge))
    id = int(await server.say(server.lounge, "hello"))
    for _ in range(2):
        await place.get_partial_message(id).add_reaction("👀")
    [seen] = (await place.fetch_message(id)).reactions
    assert (seen.emoji, seen.count, seen.me) == ("👀", 1, True)
    server.load(server.dump())
    assert server.view(server.lounge)[0].reactions == ("👀",)
    assert client.user is not None
    for _ in range(2):
        await place.get_partial_message(id).remove_reaction("👀", client.user)
    assert server.view(server.lounge)[0].reactions == ()


async def test_what_discord_refuses(server: DiscordServer, client: discord.Client) -> None:
    message = client.get_partial_messageable(int(server.lounge)).get_partial_message(
        int(await server.say(server.lounge, "hello"))
    )
    with pytest.raises(discord.HTTPException) as refused:
        await message.add_reaction("eyes")
    assert refused.value.code == 10014
    for number in range(EMOJI):
        await message.add_reaction(chr(0x1F400 + number))
    with pytest.raises(discord.HTTPException) as refused:
        await message.add_reaction("👀")
    assert refused.value.code == 30010
    await server.deny(server.lounge, "ADD_REACTIONS")
    with pytest.raises(discord.Forbidden):
        await message.add_reaction("👋")
