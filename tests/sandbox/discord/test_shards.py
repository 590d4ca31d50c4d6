"""The gateway divides its guilds over shards, and demands what Discord demands of them."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.discord import DiscordServer
from tests.sandbox.discord.conftest import Api, Dial


async def test_each_shard_is_told_of_its_guilds_and_the_first_of_direct_messages(
    dial: Dial, server: DiscordServer
) -> None:
    channels = []
    for number in range(2):
        guild = server.world.new_guild(f"guild {number}", (number, 2))
        channels.append(server.new_channel("deck", guild))
    clients = [await dial(), await dial()]
    for number, client in enumerate(clients):
        ready = (await client.identify(shard=[number, 2]))["d"]
        assert ready["shard"] == [number, 2]
        assert ready["guilds"]
        assert {(int(guild["id"]) >> 22) % 2 for guild in ready["guilds"]} == {number}
    sent = [await server.say(place, "hello") for place in (*channels, server.direct)]
    told = [
        [(await client.event("MESSAGE_CREATE"))["d"]["id"] for _ in range(times)]
        for client, times in zip(clients, (2, 1), strict=True)
    ]
    assert told == [[sent[0], sent[2]], [sent[1]]]


@pytest.mark.parametrize("shard", [[1, 1], [-1, 2], [0, 0], "0,1", [0]], ids=str)
async def test_a_shard_that_cannot_be_is_closed(dial: Dial, shard: Any) -> None:
    client = await dial()
    await client.ask_in(shard=shard)
    assert await client.close_code() == 4010


async def test_too_few_shards_are_closed(dial: Dial, api: Api, server: DiscordServer) -> None:
    server.gateway.sharding.required = 3
    too_few: list[dict[str, Any]] = [{}, {"shard": [0, 2]}]
    for more in too_few:
        client = await dial()
        await client.ask_in(**more)
        assert await client.close_code() == 4011
    assert (await api("GET", "/gateway/bot")).data["shards"] == 3
    await (await dial()).identify(shard=[2, 3])


async def test_shards_begin_one_after_the_other_in_each_bucket(dial: Dial, api: Api, server: DiscordServer) -> None:
    server.gateway.sharding.max_concurrency = 2
    server.gateway.sharding.identify_seconds = 60
    for number in range(2):
        await (await dial()).identify(shard=[number, 4])
    third = await dial()
    await third.ask_in(shard=[2, 4])
    assert await third.receive() == {"op": 9, "d": False, "s": None, "t": None}
    limit = (await api("GET", "/gateway/bot")).data["session_start_limit"]
    assert limit["max_concurrency"] == 2
