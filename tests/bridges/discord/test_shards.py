"""Several shards, in one process or in several: each is told of its share, and all together lose nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridges.discord import DiscordBridge, catch_up, gateway, shards
from bridges.discord.shards import Gate, Shard
from core.errors import ConfigError
from core.model import Message
from sandbox.discord import DiscordServer
from sandbox.faults import Fault
from tests import virtual_time
from tests.bridges.discord.conftest import Ear, settings


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "RETRY_SECONDS", (0.0, 0.0))
    monkeypatch.setattr(catch_up, "SPACING", 0.0)


@asynccontextmanager
async def process(server: DiscordServer, record: Sequence[Message] = (), **changes: Any) -> AsyncIterator[Ear]:
    """A bridge of its own, as in a process of its own, with all of its shards connected."""
    async with DiscordBridge(settings(server, **changes)) as bridge:
        ear = Ear(bridge, server, record)
        before = server.gateway.connected
        wanted = len(changes.get("shard_ids") or range(changes.get("shards", 1)))
        listening = asyncio.create_task(bridge.listen(ear.accept, ear.recollect))
        try:
            await server.feed.until(lambda: server.gateway.connected >= before + wanted or listening.done())
            yield ear
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


def decks(server: DiscordServer, count: int) -> list[str]:
    """A channel in a guild of each shard."""
    return [
        server.new_channel("deck", server.world.new_guild(f"guild {number}", (number, count)))
        for number in range(count)
    ]


def identified(server: DiscordServer) -> list[list[int]]:
    return [h.data["shard"] for h in server.feed.past if h.kind == "gateway" and h.data["what"] == "identify"]


def reads(server: DiscordServer) -> list[str]:
    return [h.data["channel"] for h in server.feed.past if h.kind == "call" and h.data["name"] == "messages.list"]


@given(st.integers(0, 2**63), st.integers(1, 64))
def test_every_guild_has_one_shard_and_direct_messages_the_first(guild: int, of: int) -> None:
    division = [Shard(number, of) for number in range(of)]
    assert len([shard for shard in division if shard.has(guild)]) == 1
    assert [shard.number for shard in division if shard.has(None)] == [0]


async def test_processes_share_the_servers(server: DiscordServer) -> None:
    """Nothing is lost, and nothing comes to two of them."""
    places = decks(server, 3)
    async with (
        process(server, shards=3, shard_ids=(0, 2)) as first,
        process(server, shards=3, shard_ids=(1,)) as second,
    ):
        direct = await server.say(server.direct, "hello")
        sent = [await server.say(place, "@bot hello") for place in places]
        await first.hears(direct)
        for ear, one in ((first, sent[0]), (second, sent[1]), (first, sent[2])):
            await ear.hears(one)
        assert sorted(first.ids) == sorted([direct, sent[0], sent[2]])
        assert second.ids == [sent[1]]
    assert sorted(identified(server)) == [[0, 3], [1, 3], [2, 3]]


async def test_two_processes_with_the_same_shard_give_what_they_hear_the_same_name(server: DiscordServer) -> None:
    """As while one takes over from the other: what both hand over is recorded once."""
    async with process(server) as leaving, process(server) as coming:
        for place in (server.direct, server.lounge):
            sent = await server.say(place, "@bot hello")
            assert await leaving.hears(sent) == await coming.hears(sent)


async def test_one_process_takes_all_shards_by_default(server: DiscordServer) -> None:
    places = decks(server, 4)
    async with process(server, shards=4) as ear:
        sent = [await server.say(place, "@bot hello") for place in (*places, server.direct)]
        for one in sent:
            await ear.hears(one)
        assert sorted(ear.ids) == sorted(sent)
        surface = ear.bridge.open(ear.heard[0].thread, "k1")
        await surface.show("heard", final=True)
    assert sorted(identified(server)) == [[number, 4] for number in range(4)]


async def test_what_a_shard_missed_is_read_by_that_shard_alone(server: DiscordServer) -> None:
    """After a restart of all."""
    places = decks(server, 2)
    async with process(server, shards=2) as before:
        known = await before.hears(await server.say(server.direct, "hello"))
    missed = [await server.say(place, "@bot missed") for place in places]
    direct = await server.say(server.direct, "missed")
    async with process(server, [known], shards=2, shard_ids=(1,)) as second:
        await second.hears(missed[1])
        assert server.direct not in reads(server)
        assert places[0] not in reads(server)
        async with process(server, [known], shards=2, shard_ids=(0,)) as first:
            for one in (missed[0], direct):
                await first.hears(one)
            assert sorted(first.ids) == sorted([missed[0], direct])
        assert second.ids == [missed[1]]


async def test_a_session_that_is_lost_begins_anew_and_the_others_go_on(server: DiscordServer) -> None:
    """Only what that shard is told of is read."""
    places = decks(server, 2)
    async with process(server, shards=2) as ear:
        for place in (*places, server.direct):
            await ear.hears(await server.say(place, "@bot before"))
        done = len(reads(server))
        server.expire_sessions(1)
        missed = await server.say(places[1], "@bot missed")
        await ear.hears(missed)
        await ear.hears(await server.say(places[0], "@bot after"))
        await ear.hears(await server.say(places[1], "@bot after"))
        assert set(reads(server)[done:]) == {places[1]}
        assert [number for number, _ in identified(server)].count(1) == 2
        assert [number for number, _ in identified(server)].count(0) == 1


async def test_a_connection_that_breaks_is_resumed_by_its_shard(server: DiscordServer) -> None:
    places = decks(server, 2)
    async with process(server, shards=2) as ear:
        for place in places:
            await ear.hears(await server.say(place, "@bot before"))
        server.drop_connections()
        await server.feed.until(lambda: not server.gateway.connected)
        for sent in [await server.say(place, "@bot meanwhile") for place in places]:
            await ear.hears(sent)
    assert len(identified(server)) == 2


# --- beginning -----------------------------------------------------------------------------------------------------


async def test_shards_of_a_process_begin_one_after_the_other(
    server: DiscordServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In each of the buckets that Discord allows, so that none is refused."""
    monkeypatch.setattr(shards, "IDENTIFY_SECONDS", 0.5)
    server.gateway.sharding.identify_seconds = 0.1
    server.gateway.sharding.max_concurrency = 2
    async with process(server, shards=4):
        pass
    assert sorted(identified(server)) == [[number, 4] for number in range(4)]
    assert not refused(server)


async def test_a_shard_that_comes_too_soon_after_another_process_comes_again(
    server: DiscordServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "RETRY_SECONDS", (0.05, 0.1))
    server.gateway.sharding.identify_seconds = 0.5
    async with AsyncExitStack() as stack:
        ears = await asyncio.gather(
            *(stack.enter_async_context(process(server, shards=2, shard_ids=(number,))) for number in range(2))
        )
        await server.feed.until(lambda: server.gateway.connected == 2)
        await ears[0].hears(await server.say(server.direct, "hello"))
    assert refused(server)


def refused(server: DiscordServer) -> int:
    return sum(h.kind == "gateway" and h.data["what"] == "too_soon" for h in server.feed.past)


@pytest.mark.parametrize(("buckets", "times"), [(1, [0, 5.2, 10.4, 15.6]), (2, [0, 0, 5.2, 5.2]), (16, [0] * 4)])
def test_a_gate_is_as_wide_as_discord_says(buckets: int, times: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "IDENTIFY_SECONDS", 5.2)

    async def begin(entrance: Gate, number: int) -> float:
        async with entrance.passing(Shard(number, 4)):
            return asyncio.get_running_loop().time()

    async def main() -> list[float]:
        entrance = Gate(buckets)
        return await asyncio.gather(*(begin(entrance, number) for number in range(4)))

    assert virtual_time.run(main()) == pytest.approx(times)


@pytest.mark.parametrize("fault", [Fault("gateway.bot", "status", status=404), Fault("gateway.bot", "drop", times=2)])
async def test_a_server_that_does_not_say_how_many_may_begin_is_listened_to(
    server: DiscordServer, fault: Fault
) -> None:
    server.faults.add(fault)
    async with process(server, shards=2) as ear:
        await ear.hears(await server.say(server.direct, "hello"))


# --- what cannot work ---------------------------------------------------------------------------------------------


async def test_a_bot_that_needs_more_shards_is_told_so(server: DiscordServer) -> None:
    server.gateway.sharding.required = 2
    async with DiscordBridge(settings(server)) as bridge:
        ear = Ear(bridge, server)
        with pytest.raises(ConfigError, match=r"raise bridges\.discord\.shards"):
            await bridge.listen(ear.accept, ear.recollect)


async def test_one_shard_that_can_never_work_ends_the_listening(server: DiscordServer) -> None:
    async with DiscordBridge(settings(server, shards=2)) as bridge:
        ear = Ear(bridge, server)
        listening = asyncio.create_task(bridge.listen(ear.accept, ear.recollect))
        await server.feed.until(lambda: server.gateway.connected == 2)
        await server.gateway.close(4010)
        with pytest.raises(ConfigError, match=r"bridges\.discord\.shard_ids"):
            await listening
        await server.feed.until(lambda: not server.gateway.connected)
