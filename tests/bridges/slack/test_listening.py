"""Connecting, staying connected, and acknowledging only what is recorded."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator
from functools import partial

import aiohttp
import pytest
from aiohttp import web
from pydantic import SecretStr

from bridges.endpoints import Endpoints
from bridges.slack import SlackBridge, socket
from bridges.slack.signature import genuine
from core.errors import ConfigError, DatabaseError
from core.model import Message
from sandbox.faults import Fault
from sandbox.slack import SIGNING_SECRET, SlackServer, server
from sandbox.slack.delivery import Courier
from tests.bridges.slack.conftest import Heard, listening, settings

GENERAL, DIRECT = "C0GENERAL1", "D0ANNKERN1"


async def failing_once(heard: Heard) -> None:
    """The database is away for the first message it is given."""
    failed: list[Message] = []

    async def before(message: Message) -> None:
        if not failed:
            failed.append(message)
            raise DatabaseError

    heard.before = before


def kinds(slack: SlackServer, kind: str) -> list[dict[str, object]]:
    return [one.data for one in slack.feed.past if one.kind == kind]


def connected(slack: SlackServer, times: int) -> bool:
    return len(kinds(slack, "connected")) == times


# --- Socket Mode ------------------------------------------------------------------------------------------------


async def test_what_is_not_recorded_is_not_acknowledged(slack: SlackServer, heard: Heard) -> None:
    """Slack delivers it again, and then it is recorded."""
    slack.courier.ack_within = 1.0
    await failing_once(heard)
    ts = await slack.say(DIRECT, "hello")
    messages = await heard.all(1)
    assert [message.id for message in messages] == [ts]
    assert [one["reason"] for one in kinds(slack, "undelivered")] == ["timeout"]


async def test_the_acknowledgement_waits_for_the_record(slack: SlackServer, heard: Heard) -> None:
    recorded = asyncio.Event()
    given = asyncio.Event()

    async def before(_: Message) -> None:
        given.set()
        await recorded.wait()

    heard.before = before
    await slack.say(DIRECT, "hello")
    await given.wait()
    assert not kinds(slack, "delivered")
    recorded.set()
    await heard.all(1)


async def test_other_channels_do_not_wait_for_a_slow_one(slack: SlackServer, heard: Heard) -> None:
    recorded = asyncio.Event()

    async def before(message: Message) -> None:
        if message.channel == DIRECT:
            await recorded.wait()

    heard.before = before
    await slack.say(DIRECT, "slow")
    await slack.say(GENERAL, "@bot quick")
    messages = await heard.all(2)
    assert {message.text for message in messages} == {"quick"}
    recorded.set()
    await heard.all(3)


@pytest.mark.parametrize("reason", ["warning", "refresh_requested"])
async def test_the_new_connection_is_there_before_the_old_goes(slack: SlackServer, heard: Heard, reason: str) -> None:
    """What is in the air on the old one is acknowledged there, and nothing comes twice or is lost."""
    recorded = asyncio.Event()

    given = asyncio.Event()

    async def before(message: Message) -> None:
        given.set()
        if message.text == "before":
            await recorded.wait()

    heard.before = before
    await slack.say(DIRECT, "before")
    await given.wait()
    await slack.ask_to_leave(reason)
    await slack.feed.until(lambda: len(slack.courier.sockets) == 2)
    recorded.set()
    await slack.say(DIRECT, "after")
    assert [message.text for message in await heard.all(2)] == ["before", "after"]
    assert not kinds(slack, "undelivered")
    assert not kinds(slack, "disconnected")


async def test_a_broken_connection_is_replaced(slack: SlackServer, heard: Heard) -> None:
    for wanted in (2, 3, 4):
        slack.drop_connections()
        await slack.feed.until(partial(connected, slack, wanted))
    await slack.say(DIRECT, "still there?")
    assert [message.text for message in await heard.all(1)] == ["still there?"]


async def test_an_unacknowledged_event_comes_again_over_the_next_connection(slack: SlackServer, heard: Heard) -> None:
    """The connection breaks after the event was sent and before it was recorded."""
    broken = asyncio.Event()

    async def before(_: Message) -> None:
        if not broken.is_set():
            broken.set()
            slack.drop_connections()
            await asyncio.Event().wait()

    heard.before = before
    slack.courier.retry_delays = (0.5, 0.5, 0.5)
    ts = await slack.say(DIRECT, "hello")
    assert {message.id for message in await heard.all(1)} == {ts}


@pytest.mark.parametrize("kind", ["drop", "status"])
async def test_a_socket_that_cannot_be_had_is_asked_for_again(
    slack: SlackServer, bridge: SlackBridge, kind: str
) -> None:
    """With a new address: Slack takes each only once."""
    # the first loss of a connection that was kept open is no failure: aiohttp asks once more itself
    slack.faults.add(Fault("socket", "drop", times=2) if kind == "drop" else Fault("socket", "status", status=503))
    slack.faults.add(Fault("apps.connections.open", "status", skip=1, status=500))
    heard = Heard(slack)
    async with listening(bridge, heard):
        await slack.say(DIRECT, "hello")
        await heard.all(1)
    asked = [one for one in kinds(slack, "call") if one["name"] == "apps.connections.open"]
    assert len(asked) == 3


async def test_listening_can_be_ended_and_begun_again(slack: SlackServer, bridge: SlackBridge) -> None:
    for _ in range(2):
        heard = Heard(slack)
        async with listening(bridge, heard):
            pass
        await slack.feed.until(lambda: not slack.courier.sockets)


async def test_a_process_may_have_several_connections(slack: SlackServer) -> None:
    """Each event comes over one of them, and what breaks one is nothing to the others."""
    heard = Heard(slack)
    async with SlackBridge(settings(slack, sockets=3)) as bridge, listening(bridge, heard):
        await slack.feed.until(lambda: len(slack.courier.sockets) == 3)
        kept = list(slack.courier.sockets)[1:]
        slack.drop_connections(only=0)
        await slack.feed.until(lambda: connected(slack, 4))
        for count in range(6):
            await slack.say(DIRECT, str(count))
        assert sorted(message.text for message in await heard.all(6)) == list("012345")
        assert slack.courier.sockets[:2] == kept
    assert not slack.courier.sockets


async def test_a_connection_that_is_to_leave_is_kept_until_the_next_is_there(
    slack: SlackServer, bridge: SlackBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long that takes; and then not for ever."""
    monkeypatch.setattr(socket, "LINGERS", 0.0)
    heard = Heard(slack)
    async with listening(bridge, heard):
        slack.faults.add(Fault("apps.connections.open", "status", times=2, status=500))
        await slack.ask_to_leave()
        await slack.feed.until(lambda: len(opened(slack)) == 3)
        await slack.say(DIRECT, "meanwhile")
        await heard.all(1)
        assert connected(slack, 1)
        await slack.feed.until(lambda: connected(slack, 2) and kinds(slack, "disconnected"))
        await slack.say(DIRECT, "after")
        assert [message.text for message in await heard.all(2)] == ["meanwhile", "after"]


def opened(slack: SlackServer) -> list[dict[str, object]]:
    return [one for one in kinds(slack, "call") if one["name"] == "apps.connections.open"]


async def test_too_many_connections_are_named_and_the_others_go_on(
    slack: SlackServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """And where one becomes free, it is taken."""
    monkeypatch.setattr(server, "MOST_SOCKETS", 1)
    heard = Heard(slack)
    async with SlackBridge(settings(slack, sockets=2)) as bridge, listening(bridge, heard):
        await slack.feed.until(lambda: len(kinds(slack, "too_many")) == 2)
        await slack.say(DIRECT, "hello")
        await heard.all(1)
        assert bridge.unready is None
        assert "lower bridges.slack.sockets" in caplog.text
        monkeypatch.setattr(server, "MOST_SOCKETS", 2)
        await slack.feed.until(lambda: len(slack.courier.sockets) == 2)


async def test_socket_mode_that_is_switched_off_is_said(
    slack: SlackServer, heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    """It is looked whether it is on again."""
    await slack.ask_to_leave("link_disabled")
    await slack.feed.until(lambda: connected(slack, 2))
    assert "Socket Mode is switched off" in caplog.text


async def test_no_connection_at_all_is_trouble_until_there_is_one(
    slack: SlackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "MOST_SOCKETS", 0)
    heard = Heard(slack)
    async with SlackBridge(settings(slack)) as bridge:
        task = asyncio.create_task(bridge.listen(heard.accept))
        # the second comes after the first was understood
        await slack.feed.until(lambda: len(kinds(slack, "too_many")) == 2)
        assert "ten Socket Mode connections" in str(bridge.unready)
        monkeypatch.setattr(server, "MOST_SOCKETS", 10)
        await slack.feed.until(lambda: slack.courier.sockets)
        await slack.say(DIRECT, "hello")
        await heard.all(1)
        assert bridge.unready is None
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_what_one_process_does_not_record_another_one_does(slack: SlackServer, heard: Heard) -> None:
    """A process that hangs, with the connection open."""
    slack.courier.ack_within = 0.2
    stuck, other = asyncio.Event(), Heard(slack)

    async def before(_: Message) -> None:
        stuck.set()
        await asyncio.Event().wait()

    heard.before = before
    async with SlackBridge(settings(slack)) as second:
        await slack.say(DIRECT, "hello")
        await stuck.wait()
        task = asyncio.create_task(second.listen(other.accept))
        assert [message.text for message in await other.all(1)] == ["hello"]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_several_bridges_share_the_events(slack: SlackServer, heard: Heard) -> None:
    """Each event goes to one of the connections."""
    other = Heard(slack)
    async with SlackBridge(settings(slack)) as second:
        task = asyncio.create_task(second.listen(other.accept))
        await slack.feed.until(lambda: len(slack.courier.sockets) == 2)
        for count in range(6):
            await slack.say(DIRECT, str(count))
        await heard.all(6)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert sorted(message.text for message in heard.messages + other.messages) == list("012345")
    assert heard.messages
    assert other.messages


# --- HTTP -------------------------------------------------------------------------------------------------------


@pytest.fixture
async def http(slack: SlackServer, endpoints: Endpoints) -> AsyncIterator[Heard]:
    """The bridge listens over HTTP, and Slack knows where."""
    app = web.Application()
    app.router.add_post("/{path:.*}", endpoints.dispatch)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.events_url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    heard = Heard(slack)
    async with (
        SlackBridge(settings(slack, mode="http", app_token=None), endpoints=endpoints) as bridge,
        listening(bridge, heard),
    ):
        yield heard
    await runner.cleanup()


async def test_events_over_http(slack: SlackServer, http: Heard) -> None:
    ts = await slack.say(GENERAL, "@bot hello")
    assert {message.id for message in await http.all(2)} == {ts}


async def test_what_is_not_recorded_is_not_acknowledged_over_http(slack: SlackServer, http: Heard) -> None:
    await failing_once(http)
    ts = await slack.say(DIRECT, "hello")
    assert [message.id for message in await http.all(1)] == [ts]
    assert [one["reason"] for one in kinds(slack, "undelivered")] == ["http_error"]


async def post(slack: SlackServer, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    assert slack.events_url is not None
    async with (
        aiohttp.ClientSession() as session,
        session.post(slack.events_url, data=body, headers=headers) as response,
    ):
        return response.status, await response.text()


async def test_the_address_is_verified_by_slack(slack: SlackServer, http: Heard) -> None:
    body = json.dumps({"type": "url_verification", "token": "old", "challenge": "3eZbrw1aB"}).encode()
    status, answer = await post(slack, body, slack.courier.signed(body))
    assert (status, json.loads(answer)) == (200, {"challenge": "3eZbrw1aB"})


FORGED: list[dict[str, str]] = [
    {},
    {"X-Slack-Signature": "v0=" + "0" * 64},
    {"X-Slack-Signature": "v0=é"},
    {"X-Slack-Signature": ""},
    {"X-Slack-Request-Timestamp": "soon"},
    {"X-Slack-Request-Timestamp": "٣"},
    {"X-Slack-Request-Timestamp": "9" * 400},
    {"X-Slack-Request-Timestamp": "-1"},
]


@pytest.mark.parametrize("forged", FORGED, ids=str)
async def test_what_slack_did_not_sign_is_refused(
    slack: SlackServer, http: Heard, forged: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever is wrong with it; and the body of a stranger is not logged."""
    body = b'{"type":"event_callback","event":{"text":"forged text"}}'
    headers = slack.courier.signed(body) | forged if forged else {"Content-Type": "application/json"}
    status, _ = await post(slack, body, headers)
    assert status == 401
    assert "forged text" not in caplog.text
    assert http.messages == []


async def test_an_old_request_is_refused(slack: SlackServer, http: Heard) -> None:
    """It may have been recorded by somebody and sent again."""
    body = b'{"type":"url_verification","challenge":"x"}'
    for age in (-400, 400):
        assert (await post(slack, body, slack.courier.signed(body, time.time() + age)))[0] == 401
    assert (await post(slack, body, slack.courier.signed(body, time.time() - 200)))[0] == 200


@pytest.mark.parametrize("body", [b"\xff\xfe", b"{", b"", b"[]"], ids=str)
async def test_a_signed_body_that_is_no_event_does_no_harm(slack: SlackServer, http: Heard, body: bytes) -> None:
    status, _ = await post(slack, body, slack.courier.signed(body))
    assert status in (400, 404, 500)
    await slack.say(DIRECT, "still there?")
    await http.all(1)


def test_a_signature_is_of_the_body_and_the_time() -> None:
    courier = Courier(SlackServer().feed, SIGNING_SECRET)
    headers = courier.signed(b"body", 1_700_000_000)
    assert genuine(SIGNING_SECRET, headers, b"body", 1_700_000_100)
    assert not genuine(SIGNING_SECRET, headers, b"bodY", 1_700_000_100)
    assert not genuine("other", headers, b"body", 1_700_000_100)
    assert not genuine(SIGNING_SECRET, headers | {"X-Slack-Request-Timestamp": "1700000001"}, b"body", 1_700_000_100)


# --- starting, and what can never work ----------------------------------------------------------------------------


async def started(slack: SlackServer, **changes: object) -> str:
    """The sentence that an operator reads instead of a start."""
    with pytest.raises(ConfigError) as error:
        await SlackBridge(settings(slack, **changes)).__aenter__()
    return error.value.sentence


async def test_a_wrong_bot_token(slack: SlackServer) -> None:
    sentence = await started(slack, bot_token=SecretStr("xoxb-wrong"))
    assert "bridges.slack.bot_token" in sentence
    assert "invalid_auth" in sentence
    assert "xoxb-wrong" not in sentence


async def test_tokens_that_were_swapped(slack: SlackServer) -> None:
    assert "bot_token holds an app-level token" in await started(slack, bot_token=SecretStr("xapp-sandbox"))
    assert "app_token holds a bot token" in await started(slack, app_token=SecretStr("xoxb-sandbox"))


async def test_an_unreachable_server(slack: SlackServer) -> None:
    assert "does not answer" in await started(slack, api_url="http://127.0.0.1:9/api")
    assert "does not answer" in await started(slack, api_url=slack.url + "/nothing/here")


async def test_a_missing_scope(slack: SlackServer) -> None:
    slack.scopes = "app_mentions:read"
    assert "lacks the scope chat:write" in await started(slack)


async def test_a_scope_that_would_be_good_is_logged(slack: SlackServer, caplog: pytest.LogCaptureFixture) -> None:
    slack.scopes = slack.scopes.replace("files:read,", "")
    async with SlackBridge(settings(slack)):
        assert "lacks the scope files:read" in caplog.text


async def test_a_wrong_app_token(slack: SlackServer) -> None:
    async with SlackBridge(settings(slack, app_token=SecretStr("xapp-wrong"))) as bridge:
        with pytest.raises(ConfigError, match=r"bridges\.slack\.app_token") as error:
            await bridge.listen(Heard(slack).accept)
    assert "xapp-wrong" not in error.value.sentence + error.value.detail


async def test_an_app_token_that_is_revoked_ends_the_listening(slack: SlackServer, bridge: SlackBridge) -> None:
    async with listening(bridge, Heard(slack)) as task:
        slack.app_token = "xapp-new"
        slack.drop_connections()
        with pytest.raises(ConfigError, match="app_token"):
            await task


async def test_a_bot_token_that_is_revoked_ends_the_listening(slack: SlackServer, bridge: SlackBridge) -> None:
    """Found out by the next call, or told by an event."""
    async with listening(bridge, Heard(slack)) as task:
        slack.bot_token = "xoxb-new"
        await slack.say(DIRECT, "hello")
        with pytest.raises(ConfigError, match="bot_token"):
            await task


async def test_a_removed_app_ends_the_listening(slack: SlackServer, bridge: SlackBridge) -> None:
    async with listening(bridge, Heard(slack)) as task:
        body = {"type": "event_callback", "event_id": "Ev1", "event": {"type": "app_uninstalled"}}
        slack.courier.send(body)
        with pytest.raises(ConfigError, match="removed from the workspace"):
            await task


async def test_the_log_says_who_the_bot_is_and_no_secret(slack: SlackServer, caplog: pytest.LogCaptureFixture) -> None:
    """Not even at the lowest level, with everything going wrong."""
    caplog.set_level(logging.DEBUG)
    heard = Heard(slack)
    async with SlackBridge(settings(slack)) as bridge:
        slack.faults.add(Fault("socket", "status", status=503))
        async with listening(bridge, heard):
            slack.drop_connections()
            await slack.feed.until(partial(connected, slack, 2))
            await slack.say(DIRECT, "a private word")
            await heard.all(1)
    assert "U0THREADBR" in caplog.text
    for secret in ("xoxb-sandbox", "xapp-sandbox", SIGNING_SECRET, "ticket=", "a private word"):
        assert secret not in caplog.text
