from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from sandbox.faults import Fault
from sandbox.telegram import TelegramServer
from tests.sandbox.telegram.caller import Caller, Refused, calling

ANN = "501001"
BOB = "501002"
GROUP = "-1001000000001"
FORUM = "-1001000000002"


def texts(updates: list[dict[str, Any]]) -> list[str]:
    return [update["message"].get("text", "") for update in updates]


async def test_updates_come_again_until_a_higher_offset_confirms_them(tg: TelegramServer, bot: Caller) -> None:
    for word in ("one", "two", "three"):
        await tg.say(ANN, word)
    first = await bot("getUpdates", limit=2)
    assert texts(first) == ["one", "two"]
    again = await bot("getUpdates", offset=first[0]["update_id"])
    assert texts(again) == ["one", "two", "three"]
    rest = await bot("getUpdates", offset=first[1]["update_id"] + 1)
    assert texts(rest) == ["three"]
    assert tg.pending() == [rest[0]["update_id"]]
    assert first[1]["update_id"] == first[0]["update_id"] + 1


async def test_a_negative_offset_forgets_all_but_the_newest(tg: TelegramServer, bot: Caller) -> None:
    for word in ("one", "two", "three"):
        await tg.say(ANN, word)
    assert texts(await bot("getUpdates", offset=-1)) == ["three"]


async def test_a_long_poll_waits_for_news(tg: TelegramServer, bot: Caller) -> None:
    poll = asyncio.create_task(bot("getUpdates", timeout=20))
    await tg.feed.until(lambda: any(h.data.get("name") == "getUpdates" for h in tg.feed.past))
    await tg.say(ANN, "news")
    assert texts(await poll) == ["news"]


async def test_a_second_poll_ends_the_first_with_a_conflict(tg: TelegramServer, bot: Caller) -> None:
    first = asyncio.create_task(bot.refused("getUpdates", timeout=20))
    await tg.feed.until(lambda: any(h.data.get("name") == "getUpdates" for h in tg.feed.past))
    second = asyncio.create_task(bot("getUpdates", timeout=20))
    refused = await first
    assert refused.status == 409
    assert refused.description == (
        "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
    )
    await tg.say(ANN, "mine")
    assert texts(await second) == ["mine"]


async def test_asking_for_the_same_at_once_brings_one_at_a_time(tg: TelegramServer, bot: Caller) -> None:
    await tg.say(ANN, "one")
    await tg.say(ANN, "two")
    assert len(await bot("getUpdates")) == 2
    assert len(await bot("getUpdates")) == 1


async def test_the_kinds_that_were_asked_for_stay_asked_for(tg: TelegramServer, bot: Caller) -> None:
    await bot("getUpdates", offset=1, timeout=0, allowed_updates=["message"])
    number = await tg.say(ANN, "one")
    await tg.amend(ANN, number, "corrected")
    updates = await bot("getUpdates", offset=2, timeout=0)
    assert [list(update) for update in updates] == [["update_id", "message"]]


async def test_by_default_some_kinds_are_off(tg: TelegramServer, bot: Caller) -> None:
    assert tg.inject({"message_reaction": {}}) is None
    assert tg.inject({"edited_message": {}}) is not None


@pytest.mark.parametrize(
    ("said", "reached"),
    [
        ("among ourselves", False),
        ("@bot hello", True),
        ("@tide_bot hello", False),
        ("/new", True),
        ("/new@threadbridge_bot", True),
        ("/new@tide_bot", False),
    ],
)
async def test_privacy_mode_hides_what_is_not_for_the_bot(
    tg: TelegramServer, bot: Caller, said: str, reached: bool
) -> None:
    await tg.say(GROUP, said)
    assert bool(tg.pending()) == reached
    async with TelegramServer(privacy=False) as open_group:
        await open_group.say(GROUP, said)
        assert open_group.pending()


async def test_replies_to_the_bot_and_service_messages_get_through_privacy(tg: TelegramServer, bot: Caller) -> None:
    ours = await bot("sendMessage", chat_id=int(GROUP), text="a")
    await tg.say(GROUP, "to you", parent=str(ours["message_id"]))
    await tg.serve_notice(GROUP, {"new_chat_title": "Harbour"})
    reply, notice = await bot("getUpdates")
    assert reply["message"]["reply_to_message"]["message_id"] == ours["message_id"]
    assert reply["message"]["message_thread_id"] == ours["message_id"]
    assert "is_topic_message" not in reply["message"]
    assert notice["message"]["new_chat_title"] == "Harbour"


async def test_topics_are_marked_as_topics(tg: TelegramServer, bot: Caller) -> None:
    place = tg.add_topic(FORUM, "Winter")
    await tg.say(place, "@bot here")
    await tg.say(FORUM, "@bot in general")
    created, said, general = [update["message"] for update in await bot("getUpdates")]
    assert created["forum_topic_created"]["name"] == "Winter"
    assert (said["message_thread_id"], said["is_topic_message"]) == (created["message_id"], True)
    assert said["reply_to_message"]["message_id"] == created["message_id"]
    assert "message_thread_id" not in general
    assert place in [one.id for one in tg.places()]


async def test_mentions_are_entities_with_utf16_offsets(tg: TelegramServer, bot: Caller) -> None:
    await tg.say(GROUP, "😀 @bot hello")
    [update] = await bot("getUpdates")
    assert update["message"]["text"] == "😀 @threadbridge_bot hello"
    assert update["message"]["entities"] == [{"type": "mention", "offset": 3, "length": 17}]


async def test_message_ids_count_up_by_chat_or_for_all_small_ones(tg: TelegramServer) -> None:
    assert [await tg.say(place, "a") for place in (ANN, BOB, ANN)] == ["1", "2", "3"]
    assert [await tg.say(place, "a") for place in (GROUP, GROUP, FORUM)] == ["1", "2", "4"]


# --- webhook --------------------------------------------------------------------------------------------------------


@dataclass
class Endpoint:
    url: str = ""
    got: list[tuple[str, str]] = field(default_factory=list)
    """Chat and text of each delivery, and the secret in `secrets`."""
    secrets: list[str] = field(default_factory=list)
    answers: dict[str, list[web.Response]] = field(default_factory=dict)
    """What to answer to the deliveries of a chat, one after the other; then 200."""

    async def answer(self, request: web.Request) -> web.Response:
        update = json.loads(await request.read())
        chat = str(update["message"]["chat"]["id"])
        self.got.append((chat, update["message"]["text"]))
        self.secrets.append(request.headers.get("X-Telegram-Bot-Api-Secret-Token", ""))
        return self.answers[chat].pop(0) if self.answers.get(chat) else web.Response()


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    endpoint = Endpoint()
    app = web.Application()
    app.router.add_post("/hook", endpoint.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    endpoint.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield endpoint
    await runner.cleanup()


async def test_a_webhook_gets_what_waited_and_what_comes(tg: TelegramServer, bot: Caller, endpoint: Endpoint) -> None:
    await tg.say(ANN, "before")
    assert await bot("setWebhook", url=endpoint.url, secret_token="s3cret")
    await tg.say(ANN, "after")
    await tg.feed.until(lambda: not tg.pending() and len(endpoint.got) == 2)
    assert endpoint.got == [(ANN, "before"), (ANN, "after")]
    assert set(endpoint.secrets) == {"s3cret"}
    info = await bot("getWebhookInfo")
    assert (info["url"], info["pending_update_count"], info["max_connections"]) == (endpoint.url, 0, 40)


async def test_a_failure_holds_back_its_own_chat_only_and_keeps_the_order(
    tg: TelegramServer, bot: Caller, endpoint: Endpoint
) -> None:
    endpoint.answers[ANN] = [web.Response(status=500) for _ in range(4)]
    await bot("setWebhook", url=endpoint.url)
    for word in ("one", "two"):
        await tg.say(ANN, word)
    await tg.say(BOB, "aside")
    await tg.feed.until(lambda: not tg.pending())
    assert [text for chat, text in endpoint.got if chat == ANN] == ["one"] * 5 + ["two"]
    assert endpoint.got.index((BOB, "aside")) < len(endpoint.got) - 1
    assert "500" in (await bot("getWebhookInfo"))["last_error_message"]


async def test_an_endpoint_may_say_when_to_try_again(tg: TelegramServer, bot: Caller, endpoint: Endpoint) -> None:
    endpoint.answers[ANN] = [web.Response(status=503, headers={"Retry-After": "1"})]
    await bot("setWebhook", url=endpoint.url)
    await tg.say(ANN, "one")
    await tg.feed.until(lambda: not tg.pending())
    times = [h.at for h in tg.feed.past if h.kind == "delivery"]
    assert times[1] - times[0] >= 0.9


async def test_polling_and_a_webhook_exclude_each_other(tg: TelegramServer, bot: Caller, endpoint: Endpoint) -> None:
    poll = asyncio.create_task(bot.refused("getUpdates", timeout=20))
    await tg.feed.until(lambda: any(h.data.get("name") == "getUpdates" for h in tg.feed.past))
    await bot("setWebhook", url=endpoint.url)
    assert (await poll).description == "Conflict: terminated by setWebhook request"
    refused = await bot.refused("getUpdates")
    assert refused.status == 409
    assert "use deleteWebhook" in refused.description
    await bot("deleteWebhook")
    await tg.say(ANN, "polled")
    assert texts(await bot("getUpdates")) == ["polled"]


async def test_webhooks_are_set_once_a_second_at_most(bot: Caller, endpoint: Endpoint) -> None:
    answers = await asyncio.gather(*(bot("setWebhook", url=endpoint.url) for _ in range(2)), return_exceptions=True)
    [refused] = [answer for answer in answers if isinstance(answer, Refused)]
    assert (refused.status, refused.parameters) == (429, {"retry_after": 1})


async def test_webhooks_are_checked(bot: Caller) -> None:
    assert (await bot.refused("setWebhook", url="gopher://x")).status == 400


async def test_a_webhook_with_a_bad_secret_is_refused(bot: Caller) -> None:
    assert (await bot.refused("setWebhook", url="http://127.0.0.1:9/x", secret_token="no spaces")).status == 400


# --- lasting --------------------------------------------------------------------------------------------------------


async def test_the_world_outlives_a_restart(tg: TelegramServer, bot: Caller) -> None:
    await tg.attach(ANN, "photo", b"0123456789" * 5, caption="Look")
    await tg.say(f"{FORUM}:2", "@bot here")
    said = await bot("sendMessage", chat_id=int(ANN), text="a **b**")
    [first, second] = await bot("getUpdates")
    await bot("getUpdates", offset=second["update_id"])
    state = json.loads(json.dumps(tg.dump()))
    async with TelegramServer(limits=None) as other:
        other.load(state)
        assert other.view(ANN) == tg.view(ANN)
        assert other.places() == tg.places()
        async with calling(other) as again:
            assert await again("getUpdates") == [second]
            file = first["message"]["photo"][-1]
            assert (await again("getFile", file_id=file["file_id"]))["file_size"] == 50
            edited = await again("editMessageText", chat_id=int(ANN), message_id=said["message_id"], text="c")
            assert edited["text"] == "c"
            await other.say(ANN, "next")
            assert [update["update_id"] for update in await again("getUpdates", offset=second["update_id"] + 1)] == [
                second["update_id"] + 1
            ]


async def test_a_server_that_goes_down_keeps_nobody_waiting(bot: Caller) -> None:
    async with TelegramServer() as tg:
        bot.url = tg.url
        poll = asyncio.create_task(bot.refused("getUpdates", timeout=50))
        await tg.feed.until(lambda: any(h.data.get("name") == "getUpdates" for h in tg.feed.past))
    assert (await poll).status == 500


async def test_a_lost_answer_to_a_poll_loses_no_update(tg: TelegramServer, bot: Caller) -> None:
    await tg.say(ANN, "one")
    tg.faults.add(Fault("getUpdates", "lost"))
    with pytest.raises(aiohttp.ClientError):
        await bot("getUpdates")
    assert texts(await bot("getUpdates")) == ["one"]
