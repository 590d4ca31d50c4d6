from __future__ import annotations

import itertools
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from pydantic import SecretStr

from bridges.endpoints import Endpoints
from bridges.settings import TelegramSettings
from bridges.telegram import TelegramBridge
from bridges.telegram.client import Client
from core.errors import ConfigError
from sandbox.faults import Fault
from sandbox.telegram import TOKEN, TelegramServer
from tests.bridges.telegram.conftest import QUICK
from tests.bridges.telegram.ear import Ear, listening

ANN = "501001"
BOB = "501002"
Hook = tuple[TelegramBridge, Ear, str]


def calls(tg: TelegramServer, name: str) -> list[dict[str, Any]]:
    return [h.data["args"] for h in tg.feed.past if h.kind == "call" and h.data["name"] == name]


# --- polling --------------------------------------------------------------------------------------------------------


async def test_an_update_is_confirmed_only_after_it_is_recorded(tg: TelegramServer, ear: Ear) -> None:
    ear.failures = 2
    await tg.say(ANN, "one")
    await tg.say(ANN, "two")
    await ear.hears(2)
    assert ear.texts == ["one", "two"]
    assert [message.text for message in ear.refused] == ["one", "one"]
    await tg.feed.until(lambda: not tg.pending())


async def test_what_was_recorded_is_not_taken_again_when_the_next_one_fails(
    tg: TelegramServer, bridge: TelegramBridge
) -> None:
    await tg.say(ANN, "one")
    await tg.say(ANN, "two")
    ear = Ear(tg)
    recorded = ear.accept

    async def accept(message: Any) -> None:
        if message.text == "two" and not ear.refused:
            ear.failures = 1
        await recorded(message)

    ear.accept = accept  # type: ignore[method-assign]  # the one thing that differs here
    async with listening(bridge, ear):
        await ear.hears(2)
    assert ear.texts == ["one", "two"]


async def test_one_that_cannot_be_read_blocks_nobody(
    tg: TelegramServer, ear: Ear, caplog: pytest.LogCaptureFixture
) -> None:
    await tg.say(ANN, "before")
    number = tg.poison()
    await tg.say(ANN, "after")
    await ear.hears(2)
    assert ear.texts == ["before", "after"]
    await tg.feed.until(lambda: not tg.pending())
    assert f"update {number} cannot be read" in caplog.text
    assert "not', 'a" not in caplog.text


@pytest.mark.parametrize("kind", ["status", "drop", "lost"])
async def test_a_failing_network_is_waited_out(tg: TelegramServer, ear: Ear, kind: Any) -> None:
    tg.faults.add(Fault("getUpdates", kind, times=3, status=502))
    tg.drop_connections()
    await tg.say(ANN, "still there?")
    await ear.hears()
    assert not tg.faults.waiting


async def test_it_finds_back_after_the_server_was_away_and_misses_nothing() -> None:
    first = await TelegramServer(limits=None).__aenter__()
    settings = TelegramSettings(token=SecretStr(TOKEN), api_url=first.api_url)
    ear = Ear(first)
    async with TelegramBridge(settings, rhythm=QUICK) as bridge, listening(bridge, ear):
        await first.say(ANN, "one")
        await ear.hears()
        await first.feed.until(lambda: not first.pending())
        await first.__aexit__()
        second = TelegramServer(first.port, limits=None)
        second.load(first.dump())
        await second.say(ANN, "two")
        async with second:
            await ear.hears(2)
            surface = bridge.open(ear.messages[1].thread, "key")
            await surface.show("", final=False)
            assert [view.bot for view in second.view(ANN)] == [False, False, True]
    assert ear.texts == ["one", "two"]


async def test_a_429_is_obeyed(tg: TelegramServer, ear: Ear) -> None:
    tg.faults.add(Fault("getUpdates", "status", status=429, retry_after=1))
    tg.drop_connections()
    await tg.say(ANN, "patience")
    await ear.hears()


async def test_a_second_program_is_named_in_the_log(
    tg: TelegramServer, ear: Ear, caplog: pytest.LogCaptureFixture
) -> None:
    await tg.feed.until(lambda: calls(tg, "getUpdates"))
    async with aiohttp.ClientSession() as session:
        rival = await session.get(f"{tg.url}/bot{TOKEN}/getUpdates", params={"timeout": 1})
        rival.close()
    await tg.feed.until(lambda: "another program receives" in caplog.text or None)
    await tg.say(ANN, "mine")
    await ear.hears()


async def test_two_pollers_lose_nothing_and_both_say_what_is_wrong(
    tg: TelegramServer, settings: TelegramSettings, caplog: pytest.LogCaptureFixture
) -> None:
    """Telegram lets the later one in each time; readiness tells."""
    ears = Ear(tg), Ear(tg)
    async with (
        TelegramBridge(settings, rhythm=QUICK) as first,
        TelegramBridge(settings, rhythm=QUICK) as second,
        listening(first, ears[0]) as one,
        listening(second, ears[1]) as other,
    ):
        await tg.feed.until(lambda: first.unready and second.unready)
        assert "which Telegram grants to one at a time" in str(first.unready)
        sent = [await tg.say(ANN, str(count)) for count in range(5)]
        await tg.feed.until(lambda: not tg.pending())
        assert {message.id for ear in ears for message in ear.messages} == {f"{one}" for one in sent}
        assert not one.done()
        assert not other.done()
    assert 'mode = "webhook"' in caplog.text


async def test_a_server_that_stays_away_is_said_until_it_is_back(tg: TelegramServer, bridge: TelegramBridge) -> None:
    tg.faults.add(Fault("getUpdates", "status", times=3, status=502))
    ear = Ear(tg)
    async with listening(bridge, ear):
        await tg.feed.until(lambda: bridge.unready)
        await tg.say(ANN, "hello")
        await ear.hears()
        assert bridge.unready is None


async def test_a_poller_that_is_alone_again_is_ready(tg: TelegramServer, bridge: TelegramBridge) -> None:
    ear = Ear(tg)
    async with listening(bridge, ear):
        await tg.feed.until(lambda: calls(tg, "getUpdates"))
        tg.drop_connections()
        await tg.feed.until(lambda: bridge.unready)
        await tg.say(ANN, "hello")
        await ear.hears()
        assert bridge.unready is None


async def test_a_webhook_that_is_set_while_it_polls_is_taken_away_again(tg: TelegramServer, ear: Ear) -> None:
    """Also one that whoever set it has left behind."""
    await tg.feed.until(lambda: calls(tg, "getUpdates"))
    async with aiohttp.ClientSession() as session:
        await session.get(f"{tg.url}/bot{TOKEN}/setWebhook", params={"url": "http://127.0.0.1:9/x"})
    await tg.say(ANN, "waiting")
    await ear.hears()
    assert tg.webhook_url == ""


async def test_a_webhook_from_before_is_taken_away(tg: TelegramServer, settings: TelegramSettings) -> None:
    async with aiohttp.ClientSession() as session:
        await session.get(f"{tg.url}/bot{TOKEN}/setWebhook", params={"url": "http://127.0.0.1:9/x"})
    await tg.say(ANN, "waiting")
    ear = Ear(tg)
    async with TelegramBridge(settings, rhythm=QUICK) as bridge, listening(bridge, ear):
        await ear.hears()
    assert tg.webhook_url == ""


async def test_a_server_that_knows_no_webhooks_is_polled_all_the_same(
    tg: TelegramServer, bridge: TelegramBridge
) -> None:
    tg.faults.add(Fault("deleteWebhook", "status", times=1000, status=404))
    ear = Ear(tg)
    async with listening(bridge, ear):
        await tg.say(ANN, "one")
        await ear.hears(1)


async def test_only_messages_are_asked_for_and_the_commands_are_offered(tg: TelegramServer, ear: Ear) -> None:
    await tg.feed.until(lambda: calls(tg, "getUpdates"))
    assert calls(tg, "getUpdates")[0]["allowed_updates"] == '["message", "callback_query"]'
    menus = {scope: [one["command"] for one in menu] for scope, menu in tg.world.commands.items()}
    everywhere = ["new", "stop", "retry", "status", "help"]
    assert menus == {
        "default": everywhere,
        "all_private_chats": everywhere,
        "all_group_chats": ["ask", *everywhere],
    }


async def test_commands_that_are_offered_already_are_not_set_again(tg: TelegramServer, bridge: TelegramBridge) -> None:
    async with listening(bridge, Ear(tg)):
        await tg.feed.until(lambda: calls(tg, "getUpdates"))
    async with listening(bridge, Ear(tg)):
        await tg.feed.until(lambda: len(calls(tg, "getUpdates")) >= 2)
    assert len(calls(tg, "getMyCommands")) == 6
    assert len(calls(tg, "setMyCommands")) == 3
    tg.world.commands["all_group_chats"].pop()
    async with listening(bridge, Ear(tg)):
        await tg.feed.until(lambda: len(calls(tg, "setMyCommands")) == 4)


async def test_a_server_without_menus_is_listened_to_all_the_same(
    tg: TelegramServer, bridge: TelegramBridge, caplog: pytest.LogCaptureFixture
) -> None:
    tg.faults.add(Fault("getMyCommands", "status", times=1000, status=404))
    ear = Ear(tg)
    async with listening(bridge, ear):
        await tg.say(ANN, "one")
        await ear.hears(1)
    assert caplog.text.count("could not be set") == 1


async def test_a_token_that_is_revoked_ends_the_listening(tg: TelegramServer, bridge: TelegramBridge) -> None:
    async with listening(bridge, Ear(tg)) as task:
        await tg.feed.until(lambda: calls(tg, "getUpdates"))
        tg.faults.add(Fault("getUpdates", "status", status=401))
        await tg.say(ANN, "wakes the poll")
        with pytest.raises(ConfigError, match="no longer accepts"):
            await task


# --- webhook --------------------------------------------------------------------------------------------------------


async def test_a_webhook_receives_too(tg: TelegramServer, hook: Hook) -> None:
    _, ear, address = hook
    await tg.say(ANN, "by webhook")
    [message] = await ear.hears()
    assert (message.text, tg.webhook_url) == ("by webhook", f"{address}/telegram/webhook")
    await tg.feed.until(lambda: not tg.pending())


async def test_a_webhook_says_ok_only_after_recording(tg: TelegramServer, hook: Hook) -> None:
    _, ear, _ = hook
    ear.failures = 3
    await tg.say(ANN, "one")
    await tg.say(ANN, "two")
    await ear.hears(2)
    assert ear.texts == ["one", "two"]
    deliveries = [h.data["status"] for h in tg.feed.past if h.kind == "delivery"]
    assert deliveries[:3] == [503, 503, 503]


async def test_one_that_cannot_be_read_does_not_block_its_chat(tg: TelegramServer, hook: Hook) -> None:
    _, ear, _ = hook
    tg.poison(ANN)
    await tg.say(ANN, "after")
    await ear.hears()
    assert ear.texts == ["after"]


async def test_nobody_else_can_speak_as_telegram(tg: TelegramServer, hook: Hook, settings: TelegramSettings) -> None:
    _, ear, address = hook
    client = Client(TOKEN, tg.api_url)
    secret = client.webhook_secret
    await client.close()
    update = {"update_id": 1, "message": {}}
    async with aiohttp.ClientSession() as session:
        for said, body, status in (
            ({}, update, 403),
            ({"X-Telegram-Bot-Api-Secret-Token": "ä"}, update, 403),
            ({"X-Telegram-Bot-Api-Secret-Token": secret[:-1]}, update, 403),
            ({"X-Telegram-Bot-Api-Secret-Token": secret}, update, 200),
            ({"X-Telegram-Bot-Api-Secret-Token": secret}, [1], 400),
        ):
            async with session.post(f"{address}/telegram/webhook", json=body, headers=said) as response:
                assert response.status == status
        headers = {"X-Telegram-Bot-Api-Secret-Token": secret}
        async with session.post(f"{address}/telegram/webhook", data=b"{not json", headers=headers) as response:
            assert response.status == 400
    assert ear.messages == []
    assert TOKEN not in secret


async def test_a_webhook_that_was_taken_over_is_taken_back(
    tg: TelegramServer, hook: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    _, ear, address = hook
    async with aiohttp.ClientSession() as session:
        await session.get(f"{tg.url}/bot{TOKEN}/deleteWebhook")
    await tg.say(ANN, "where are you?")
    await tg.feed.until(lambda: tg.webhook_url == f"{address}/telegram/webhook")
    await ear.hears()
    assert "taken over" in caplog.text


@pytest.fixture
async def balanced() -> AsyncIterator[tuple[str, list[Endpoints]]]:
    """The one address of several receivers, which get its requests in turn."""
    receivers: list[Endpoints] = []
    turns = itertools.count()

    async def dispatch(request: web.Request) -> web.StreamResponse:
        if not receivers:
            raise web.HTTPBadGateway
        return await receivers[next(turns) % len(receivers)].dispatch(request)

    app = web.Application()
    app.router.add_post("/{path:.*}", dispatch)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}", receivers
    await runner.cleanup()


async def test_any_number_of_receivers_share_one_address(
    tg: TelegramServer, settings: TelegramSettings, balanced: tuple[str, list[Endpoints]]
) -> None:
    """They agree on the secret; starting loses nothing that waits; one that stops leaves the webhook to the others; and
    what one cannot record, another one does."""
    address, receivers = balanced
    hooked = settings.model_copy(update={"mode": "webhook", "public_url": address})
    waiting = await tg.say(ANN, "waiting")
    ears = Ear(tg), Ear(tg), Ear(tg)

    def heard() -> list[str]:
        return sorted(message.id for ear in ears for message in ear.messages)

    async with AsyncExitStack() as stack:
        for ear in ears[:2]:
            receivers.append(Endpoints())
            bridge = await stack.enter_async_context(TelegramBridge(hooked, endpoints=receivers[-1], rhythm=QUICK))
            await stack.enter_async_context(listening(bridge, ear))
        last = Endpoints()
        async with TelegramBridge(hooked, endpoints=last, rhythm=QUICK) as third, listening(third, ears[2]):
            receivers.append(last)
            await tg.feed.until(lambda: len(calls(tg, "getWebhookInfo")) >= 3)
            ears[0].failures = 1
            sent = [waiting, *[await tg.say(place, "hello") for place in (ANN, BOB) * 6]]
            await tg.feed.until(lambda: not tg.pending())
            assert heard() == sorted(sent)
            assert all(ear.messages for ear in ears)
            assert ears[0].refused
            receivers.remove(last)
        sent.append(await tg.say(ANN, "and now?"))
        await tg.feed.until(lambda: not tg.pending())
        assert heard() == sorted(sent)
    assert tg.webhook_url == f"{address}/telegram/webhook"
    assert not calls(tg, "deleteWebhook")
    assert {"drop_pending_updates"}.isdisjoint(key for one in calls(tg, "setWebhook") for key in one)


async def test_from_polling_to_a_webhook_and_back(
    tg: TelegramServer, settings: TelegramSettings, balanced: tuple[str, list[Endpoints]]
) -> None:
    """What is said in between is kept by Telegram."""
    address, receivers = balanced
    receivers.append(Endpoints())
    modes = [
        settings,
        settings.model_copy(update={"mode": "webhook", "public_url": address}),
        settings,
    ]
    ear, sent = Ear(tg), []
    for number, mode in enumerate(modes, 1):
        sent.append(await tg.say(ANN, "in between"))
        async with TelegramBridge(mode, endpoints=receivers[0], rhythm=QUICK) as bridge, listening(bridge, ear):
            sent.append(await tg.say(ANN, "now"))
            await ear.hears(2 * number)
            await tg.feed.until(lambda: not tg.pending())
    assert [message.id for message in ear.messages] == sent


async def test_an_address_that_telegram_does_not_take_is_a_mistake_in_the_config(tg: TelegramServer) -> None:
    settings = TelegramSettings(
        token=SecretStr(TOKEN), api_url=tg.api_url, mode="webhook", public_url="wss://bot.example"
    )
    async with TelegramBridge(settings, endpoints=Endpoints(), rhythm=QUICK) as bridge:
        with pytest.raises(ConfigError, match="public_url"):
            await bridge.listen(Ear(tg).accept)
    async with TelegramBridge(settings, rhythm=QUICK) as bridge:
        with pytest.raises(ConfigError, match="HTTP server"):
            await bridge.listen(Ear(tg).accept)


# --- the token ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["100001:not-the-real-one", "nonsense", "", "100001:with space", "0:x"])
async def test_a_wrong_token_is_a_mistake_in_the_config(tg: TelegramServer, token: str) -> None:
    settings = TelegramSettings(token=SecretStr(token), api_url=tg.api_url)
    with pytest.raises(ConfigError, match=r"bridges\.telegram\.token") as caught:
        await TelegramBridge(settings).__aenter__()
    assert not token or token not in f"{caught.value} {caught.value.detail}"


async def test_a_server_that_is_not_there_or_something_else_is_a_mistake_in_the_config(tg: TelegramServer) -> None:
    for api_url in (
        "http://127.0.0.1:9",
        "http://user:hunter2@127.0.0.1:9",
        "http://127.0.0.1:x",
        f"{tg.url}/elsewhere",
    ):
        with pytest.raises(ConfigError, match=r"bridges\.telegram\.api_url") as caught:
            await TelegramBridge(TelegramSettings(token=SecretStr(TOKEN), api_url=api_url)).__aenter__()
        assert TOKEN not in f"{caught.value} {caught.value.detail}"
        assert "hunter2" not in f"{caught.value} {caught.value.detail}"


async def test_no_secret_reaches_a_log(
    tg: TelegramServer, settings: TelegramSettings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    def awaited(mode: str) -> bool:
        return len(calls(tg, "getUpdates" if mode == "polling" else "getWebhookInfo")) >= 2

    webhook = settings.model_copy(update={"mode": "webhook", "public_url": "http://127.0.0.1:9"})
    for one in (settings, webhook):
        ear = Ear(tg)
        async with TelegramBridge(one, endpoints=Endpoints(), rhythm=QUICK) as bridge, listening(bridge, ear):
            tg.faults.add(Fault("getUpdates", "drop"))
            tg.faults.add(Fault("setWebhook", "status", status=502))
            await tg.feed.until(partial(awaited, one.mode))
    client = Client(TOKEN, tg.api_url)
    secret = client.webhook_secret
    await client.close()
    assert "/bot[secret]/getMe" in caplog.text
    assert "connected as @threadbridge_bot" in caplog.text
    assert TOKEN not in caplog.text
    assert "sandbox-telegram-token" not in caplog.text
    assert secret not in caplog.text
