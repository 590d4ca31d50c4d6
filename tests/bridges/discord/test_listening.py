"""Staying connected: recorded before anything else, in order, through lost connections, and not with a wrong token."""

from __future__ import annotations

import asyncio
import logging

import pytest
from aiohttp import web

from bridges.discord import DiscordBridge, gateway
from core.errors import ConfigError
from sandbox.discord import DiscordServer
from sandbox.faults import Fault
from tests.bridges.discord.conftest import Connect, Ear, settings


def seen(server: DiscordServer, what: str) -> int:
    return sum(h.kind == "gateway" and h.data["what"] == what for h in server.feed.past)


async def test_it_says_who_it_is(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    """One line at the connection, and no token in any."""
    with caplog.at_level(logging.INFO):
        async with connect() as ear:
            await ear.hears(await ear.server.say(ear.server.direct, "hi"))
    (line,) = [
        r.getMessage() for r in caplog.records if r.name.startswith("bridges.") and "connected to" in r.getMessage()
    ]
    assert "threadbridge" in line
    assert ear.server.world.bot in line
    assert "sandbox-discord-token" not in caplog.text


async def test_messages_of_a_channel_keep_their_order(ear: Ear, server: DiscordServer) -> None:
    """However slowly they are recorded."""
    ear.gate = asyncio.Event()
    sent = [await server.say(server.direct, f"number {i}") for i in range(20)]
    await ear.until("waiting", sent[0])
    ear.gate.set()
    await ear.until("heard", sent[-1])
    assert ear.ids == sent


async def test_one_channel_does_not_wait_for_another(ear: Ear, server: DiscordServer) -> None:
    ear.gate = asyncio.Event()
    slow = await server.say(server.direct, "slow")
    await ear.until("waiting", slow)
    gate, ear.gate = ear.gate, None
    quick = await server.say(server.lounge, "@bot quick")
    await ear.until("heard", quick)
    assert ear.ids == [quick]
    gate.set()
    await ear.until("heard", slow)


async def test_a_database_that_fails_for_a_while_loses_no_message_and_no_order(ear: Ear, server: DiscordServer) -> None:
    """Discord delivers nothing again by itself, so the bridge waits for the database."""
    ear.failing = 2
    first = await server.say(server.direct, "one")
    await ear.until("failed", first)
    second = await server.say(server.direct, "two")
    await ear.until("heard", second)
    assert ear.ids == [first, second]


async def test_a_database_that_stays_away_loses_a_message_and_says_so(
    ear: Ear, server: DiscordServer, caplog: pytest.LogCaptureFixture
) -> None:
    ear.failing = 3
    lost = await server.say(server.direct, "one")
    kept = await server.say(server.direct, "two")
    await ear.until("heard", kept)
    assert ear.ids == [kept]
    assert f"message {lost} could not be recorded" in caplog.text
    server.redeliver(lost)
    await ear.until("heard", lost)


async def test_a_message_that_comes_twice_has_the_same_name(ear: Ear, server: DiscordServer) -> None:
    """Its taker keeps one of them."""
    sent = await server.say(server.direct, "hello")
    first = await ear.hears(sent)
    server.redeliver(sent)
    marker = await server.say(server.direct, "marker")
    await ear.until("heard", marker)
    assert ear.came[:2] == [first, first]
    assert ear.ids == [sent, marker]


async def test_what_is_said_while_the_connection_is_broken_comes_afterwards(ear: Ear, server: DiscordServer) -> None:
    """The session is resumed, without another IDENTIFY, and nothing is lost or out of order."""
    before = await server.say(server.direct, "before")
    await ear.until("heard", before)
    server.drop_connections()
    await server.feed.until(lambda: not server.gateway.connected)
    during = [await server.say(server.direct, f"during {i}") for i in range(3)]
    await ear.until("heard", during[-1])
    assert ear.ids == [before, *during]
    assert seen(server, "identify") == 1


async def test_a_polite_request_to_reconnect_is_followed(ear: Ear, server: DiscordServer) -> None:
    server.gateway.ask_to_reconnect()
    await server.feed.until(lambda: seen(server, "resume") == 1)
    sent = await server.say(server.direct, "still there?")
    await ear.until("heard", sent)
    assert ear.ids == [sent]


async def test_a_session_that_cannot_be_resumed_begins_anew(
    ear: Ear, server: DiscordServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "RETRY_SECONDS", (0.0, 0.0))
    server.expire_sessions()
    await server.feed.until(lambda: seen(server, "identify") == 2 and server.gateway.connected)
    sent = await server.say(server.direct, "still there?")
    await ear.until("heard", sent)


async def test_a_gateway_that_is_down_at_first_is_tried_again(connect: Connect, server: DiscordServer) -> None:
    server.faults.add(Fault("gateway.connect", "drop"))
    async with connect() as ear:
        sent = await server.say(server.direct, "hello")
        await ear.until("heard", sent)


async def test_a_gateway_that_stays_down_is_said_until_it_is_back(bridge: DiscordBridge, server: DiscordServer) -> None:
    """Not at the first failure: coming back at once often helps."""
    server.faults.add(Fault("gateway.connect", "status", times=2, status=503))
    ear = Ear(bridge, server)
    listening = asyncio.create_task(bridge.listen(ear.accept, ear.recollect))
    await server.feed.until(lambda: bridge.unready)
    assert "shard 0 of 1" in str(bridge.unready)
    await server.feed.until(lambda: server.gateway.connected)
    await ear.hears(await server.say(server.direct, "hello"))
    assert bridge.unready is None
    listening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listening


async def test_a_gateway_whose_path_ends_with_a_slash_is_found(server: DiscordServer) -> None:
    """The configuration takes that slash off."""
    app = web.Application()
    app.router.add_get("/gw/", server.gateway.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"ws://127.0.0.1:{runner.addresses[0][1]}/gw/"
    async with DiscordBridge(settings(server, gateway_url=url)) as bridge:
        ear = Ear(bridge, server)
        listening = asyncio.create_task(bridge.listen(ear.accept, ear.recollect))
        await server.feed.until(lambda: server.gateway.connected)
        await ear.until("heard", await server.say(server.direct, "hello"))
        listening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await listening
    await runner.cleanup()


async def test_an_event_that_nobody_can_read_blocks_nothing(ear: Ear, server: DiscordServer) -> None:
    server.gateway.nonsense("MESSAGE_CREATE", {"id": "not a number"})
    server.gateway.nonsense("GUILD_CREATE", {})
    sent = await server.say(server.direct, "hello")
    await ear.until("heard", sent)


async def test_stopping_waits_for_what_is_being_recorded(server: DiscordServer) -> None:
    """And REST works on, for the replies that are still being written."""
    async with DiscordBridge(settings(server)) as bridge:
        ear = Ear(bridge, server)
        ear.gate = asyncio.Event()
        listening = asyncio.create_task(bridge.listen(ear.accept, ear.recollect))
        await server.feed.until(lambda: server.gateway.connected)
        sent = await server.say(server.direct, "just now")
        await ear.until("waiting", sent)
        listening.cancel()
        await server.feed.until(lambda: not server.gateway.connected)
        assert not listening.done()
        ear.gate.set()
        with pytest.raises(asyncio.CancelledError):
            await listening
        assert ear.ids == [sent]
        surface = bridge.open(ear.heard[0].thread, "k1")
        await surface.show("still here", final=True)
        assert [v.text for v in server.view(server.direct)][-1] == "still here"


async def test_listening_can_begin_again(bridge: DiscordBridge, server: DiscordServer) -> None:
    for text in ("first", "second"):
        ear = Ear(bridge, server)
        listening = asyncio.create_task(bridge.listen(ear.accept, ear.recollect))
        await server.feed.until(lambda: server.gateway.connected)
        await ear.until("heard", await server.say(server.direct, text))
        listening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await listening
        await server.feed.until(lambda: not server.gateway.connected)


async def test_two_bots_with_two_addresses_live_in_one_process(connect: Connect, server: DiscordServer) -> None:
    async with DiscordServer() as elsewhere, connect() as ear, DiscordBridge(settings(elsewhere)) as second:
        other = Ear(second, elsewhere)
        listening = asyncio.create_task(second.listen(other.accept, other.recollect))
        await elsewhere.feed.until(lambda: elsewhere.gateway.connected)
        here = await server.say(server.direct, "here")
        there = await elsewhere.say(elsewhere.direct, "there")
        await ear.until("heard", here)
        await other.until("heard", there)
        assert ear.ids == [here]
        assert other.ids == [there]
        listening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await listening


# --- what cannot work ---------------------------------------------------------------------------------------------


async def test_a_wrong_token_is_said_at_the_start(server: DiscordServer) -> None:
    with pytest.raises(ConfigError, match=r"bridges\.discord\.token") as caught:
        async with DiscordBridge(settings(server, token="wrong-token")):
            pass
    assert "wrong-token" not in caught.value.sentence + caught.value.detail


async def test_a_server_that_is_not_there_is_said_at_the_start(server: DiscordServer) -> None:
    with pytest.raises(ConfigError, match="cannot be reached"):
        async with DiscordBridge(settings(server, api_url="http://127.0.0.1:9/api/v10")):
            pass


async def test_a_server_in_trouble_is_said_at_the_start(server: DiscordServer) -> None:
    server.faults.add(Fault("users.me", "status", status=502))
    with pytest.raises(ConfigError, match="502"):
        async with DiscordBridge(settings(server)):
            pass
    server.faults.add(Fault("users.me", "status", status=429, retry_after=90))
    with pytest.raises(ConfigError, match="90"):
        async with DiscordBridge(settings(server)):
            pass


async def test_an_address_that_is_no_discord_is_said_at_the_start(server: DiscordServer) -> None:
    with pytest.raises(ConfigError, match="404"):
        async with DiscordBridge(settings(server, api_url=server.url + "/somewhere")):
            pass


async def test_a_missing_intent_is_said(bridge: DiscordBridge, server: DiscordServer) -> None:
    server.message_content_allowed = False
    ear = Ear(bridge, server)
    with pytest.raises(ConfigError, match="Message Content Intent"):
        await bridge.listen(ear.accept, ear.recollect)


async def test_a_token_that_is_revoked_later_ends_it(bridge: DiscordBridge, server: DiscordServer) -> None:
    ear = Ear(bridge, server)
    listening = asyncio.create_task(bridge.listen(ear.accept, ear.recollect))
    await server.feed.until(lambda: server.gateway.connected)
    await server.gateway.close(4004)
    with pytest.raises(ConfigError, match=r"no longer takes bridges\.discord\.token"):
        await listening


def test_attempts_get_rarer_and_a_steady_connection_forgives() -> None:
    backoff = gateway.Backoff()
    delays = [backoff.after(0.0) for _ in range(12)]
    assert delays[0] == 0.0
    assert 0.7 < delays[1] < 1.3
    assert all(delay <= gateway.LONGEST_DELAY * 1.25 for delay in delays)
    assert delays[-1] > 40
    assert backoff.after(gateway.STEADY_SECONDS) == 0.0
