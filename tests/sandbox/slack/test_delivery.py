"""The stand-in delivers events as Slack does: to one connection, again when they are not acknowledged."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, SlackServer
from sandbox.slack.world import BOT_USER, FOREIGN_TEAM, TEAM
from tests.sandbox.slack.conftest import Raw

GENERAL, DIRECT = "C0GENERAL1", "D0ANNKERN1"


def kinds(slack: SlackServer, kind: str) -> list[dict[str, Any]]:
    return [one.data for one in slack.feed.past if one.kind == kind]


async def take(ws: aiohttp.ClientWebSocketResponse, *, acknowledge: bool = True) -> dict[str, Any]:
    envelope: dict[str, Any] = await ws.receive_json(timeout=10)
    if acknowledge:
        await ws.send_json({"envelope_id": envelope["envelope_id"]})
    return envelope


async def test_a_mention_is_two_events_of_one_message(raw: Raw) -> None:
    ws = await raw.socket()
    ts = await raw.slack.say(GENERAL, "@bot hello")
    payloads = [(await take(ws))["payload"] for _ in range(2)]
    first, second = (payload["event"] for payload in payloads)
    assert {first["type"], second["type"]} == {"app_mention", "message"}
    assert first["ts"] == second["ts"] == ts
    assert first["text"] == second["text"] == f"<@{BOT_USER}> hello"
    assert payloads[0]["event_id"] != payloads[1]["event_id"]
    assert payloads[0]["team_id"] == TEAM


async def test_a_direct_message_is_one_event_without_a_thread(raw: Raw) -> None:
    ws = await raw.socket()
    await raw.slack.say(DIRECT, "hello @bot")
    event = (await take(ws))["payload"]["event"]
    assert (event["type"], event["channel_type"]) == ("message", "im")
    assert "thread_ts" not in event
    await raw.slack.say(DIRECT, "more", parent=event["ts"])
    reply = (await take(ws))["payload"]["event"]
    assert (reply["thread_ts"], reply["parent_user_id"]) == (event["ts"], "U0ANNKERN1")


async def test_the_app_hears_itself_and_what_changes(raw: Raw) -> None:
    """Its own messages carry its bot id; edits and deletions come as messages with a subtype."""
    ws = await raw.socket()
    ts = (await raw.json("chat.postMessage", channel=GENERAL, text="one"))["ts"]
    await raw.json("chat.update", channel=GENERAL, ts=ts, text="two")
    await raw.json("chat.delete", channel=GENERAL, ts=ts)
    events = [(await take(ws))["payload"]["event"] for _ in range(3)]
    assert [event.get("subtype") for event in events] == [None, "message_changed", "message_deleted"]
    assert events[0]["bot_id"] == events[0]["bot_profile"]["id"]
    assert (events[1]["message"]["text"], events[1]["previous_message"]["text"]) == ("two", "one")


async def test_a_person_of_another_organisation(raw: Raw) -> None:
    ws = await raw.socket()
    raw.slack.invite_foreigner(GENERAL)
    await raw.slack.say(GENERAL, "hello", author="eve")
    payload = (await take(ws))["payload"]
    assert payload["is_ext_shared_channel"]
    assert (payload["event"]["team"], payload["event"]["user_team"]) == (FOREIGN_TEAM, FOREIGN_TEAM)


async def test_what_is_not_acknowledged_comes_again(raw: Raw) -> None:
    """Three times, and says why; then it is given up."""
    raw.slack.courier.ack_within = 0.05
    raw.slack.courier.retry_delays = (0.0, 0.02, 0.02)
    ws = await raw.socket()
    await raw.slack.say(DIRECT, "hello")
    envelopes = [await take(ws, acknowledge=False) for _ in range(4)]
    assert [one["retry_attempt"] for one in envelopes] == [0, 1, 2, 3]
    assert [one["retry_reason"] for one in envelopes] == ["", "timeout", "timeout", "timeout"]
    assert len({one["payload"]["event_id"] for one in envelopes}) == 1
    assert len({one["envelope_id"] for one in envelopes}) == 4
    await raw.slack.feed.until(lambda: kinds(raw.slack, "given_up"))
    assert raw.slack.courier.pending == {}


async def test_what_a_broken_connection_had_goes_to_another(raw: Raw) -> None:
    ws = await raw.socket()
    await raw.slack.say(DIRECT, "hello")
    await take(ws, acknowledge=False)
    other = await raw.socket()
    await ws.close()
    envelope = await take(other)
    assert envelope["retry_attempt"] == 1
    await raw.slack.feed.until(lambda: kinds(raw.slack, "delivered"))


async def test_what_one_connection_does_not_acknowledge_goes_to_another(raw: Raw) -> None:
    raw.slack.courier.ack_within = 0.05
    sockets = [await raw.socket(), await raw.socket()]
    raw.slack.courier.retry_delays = (0.0, 60.0, 60.0)
    await raw.slack.say(DIRECT, "hello")
    attempts = sorted([(await take(ws, acknowledge=False))["retry_attempt"] for ws in sockets])
    assert attempts == [0, 1]


async def test_each_event_goes_to_one_connection(raw: Raw) -> None:
    sockets = [await raw.socket(), await raw.socket()]
    for text in ("one", "two"):
        await raw.slack.say(DIRECT, text)
    said = [(await take(ws))["payload"]["event"]["text"] for ws in sockets]
    assert sorted(said) == ["one", "two"]


async def test_an_eleventh_connection_is_refused(raw: Raw) -> None:
    kept = [await raw.socket() for _ in range(10)]
    url = (await raw.json("apps.connections.open", token=APP_TOKEN))["url"]
    ws = await raw.session.ws_connect(url)
    assert await ws.receive_json() == {"type": "disconnect", "reason": "too_many_websockets"}
    assert len(kept) == len(raw.slack.courier.sockets)


async def test_an_address_is_good_for_one_connection(raw: Raw) -> None:
    url = (await raw.json("apps.connections.open", token=APP_TOKEN))["url"]
    await raw.session.ws_connect(url)
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await raw.session.ws_connect(url)


async def test_a_connection_is_asked_to_leave(raw: Raw) -> None:
    ws = await raw.socket()
    await raw.slack.ask_to_leave("warning")
    assert (await ws.receive_json())["reason"] == "warning"
    await raw.slack.ask_to_leave()
    assert (await ws.receive_json())["reason"] == "refresh_requested"
    other = await raw.socket()
    for text in ("one", "two"):
        await raw.slack.say(DIRECT, text)
        assert (await take(other))["payload"]["event"]["text"] == text


async def test_a_message_can_be_delivered_again(raw: Raw) -> None:
    ws = await raw.socket()
    ts = await raw.slack.say(DIRECT, "hello")
    first = await take(ws)
    raw.slack.redeliver(DIRECT, ts)
    second = await take(ws)
    assert second["payload"] == first["payload"]
    assert second["retry_attempt"] == 1


async def test_what_was_not_delivered_is_after_a_restart(raw: Raw) -> None:
    raw.slack.courier.retry_delays = (60.0, 60.0, 60.0)
    await raw.slack.say(DIRECT, "hello")
    await raw.slack.feed.until(lambda: kinds(raw.slack, "undelivered"))
    state = raw.slack.dump()
    later = SlackServer()
    later.load(state)
    later.courier.retry_delays = (0.5, 2.0, 10.0)
    async with later:
        ws = await Raw(later, raw.session).socket()
        assert (await take(ws))["payload"]["event"]["text"] == "hello"


async def test_signed_over_http(slack: SlackServer) -> None:
    """Checked by the SDK's verifier; a refusal brings it again, with the headers that say so."""
    slack.courier.retry_delays = (0.0, 0.0, 0.0)
    requests: list[tuple[dict[str, str], bool]] = []

    async def answer(request: web.Request) -> web.Response:
        body = await request.read()
        headers = dict(request.headers)
        requests.append((headers, SignatureVerifier(SIGNING_SECRET).is_valid_request(body, headers)))
        return web.Response(status=500 if len(requests) == 1 else 200)

    app = web.Application()
    app.router.add_post("/events", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.events_url = f"http://127.0.0.1:{runner.addresses[0][1]}/events"
    await slack.say(DIRECT, "hello")
    await slack.feed.until(lambda: kinds(slack, "delivered"))
    assert [valid for _, valid in requests] == [True, True]
    assert "X-Slack-Retry-Num" not in requests[0][0]
    assert requests[1][0]["X-Slack-Retry-Num"] == "1"
    assert requests[1][0]["X-Slack-Retry-Reason"] == "http_error"
    await runner.cleanup()


async def test_bolt_itself_connects(slack: SlackServer) -> None:
    """The unmodified library, as it comes: connect, hear, answer, reconnect, hear."""
    slack.courier.retry_delays = (0.2, 0.2, 0.2)
    async with aiohttp.ClientSession() as session:
        client = AsyncWebClient(token=BOT_TOKEN, base_url=f"{slack.api_url}/", session=session)
        app = AsyncApp(client=client)
        heard: list[str] = []

        @app.event("message")
        async def message(event: dict[str, Any], say: Any) -> None:
            heard.append(event["text"])
            await say(text=f"you said {event['text']}", thread_ts=event["ts"])

        handler = AsyncSocketModeHandler(app, APP_TOKEN, ping_interval=0.2)
        await handler.connect_async()  # type: ignore[no-untyped-call]  # the library's
        await slack.say(DIRECT, "hello")
        await slack.feed.until(lambda: "you said hello" in [view.text for view in slack.view(DIRECT)])
        await slack.ask_to_leave()
        await slack.feed.until(lambda: len(kinds(slack, "connected")) == 2)
        await slack.say(DIRECT, "again")
        await slack.feed.until(lambda: "you said again" in [view.text for view in slack.view(DIRECT)])
        await handler.close_async()  # type: ignore[no-untyped-call]  # the library's
    assert heard == ["hello", "again"]
