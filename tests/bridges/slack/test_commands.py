"""The slash command, over a socket and over HTTP, and the stop button: recorded before anything is acknowledged."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import aiohttp
import pytest
from aiohttp import web
from pydantic import ValidationError

from bridges.endpoints import Endpoints
from bridges.slack import SlackBridge
from bridges.slack.inbound import Identity
from bridges.slack.using import RECEIVED, stopped
from core.errors import DatabaseError
from core.model import Message
from sandbox.faults import Fault
from sandbox.slack import SlackServer
from sandbox.slack.delivery import NotTaken
from sandbox.slack.world import Kind
from tests.bridges.slack.conftest import Heard, listening, settings

CHANNEL, DIRECT = "C0GENERAL1", "D0ANNKERN1"


@pytest.fixture(params=["socket", "http"])
async def either(
    request: pytest.FixtureRequest, slack: SlackServer, bridge: SlackBridge, endpoints: Endpoints
) -> AsyncIterator[Heard]:
    """The bridge listens in either mode."""
    one = Heard(slack)
    if request.param == "socket":
        async with listening(bridge, one):
            yield one
        return
    app = web.Application()
    app.router.add_post("/{path:.*}", endpoints.dispatch)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.events_url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    try:
        async with (
            SlackBridge(settings(slack, mode="http", app_token=None), endpoints=endpoints) as over_http,
            listening(over_http, one),
        ):
            yield one
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("place", [CHANNEL, DIRECT])
async def test_a_question_is_seen_by_everybody(slack: SlackServer, either: Heard, place: str) -> None:
    response = await slack.use(place, "When is low water, @bob? 2 < 3 in #random")
    (said,) = either.messages
    assert (said.command, said.text) == ("", "When is low water, @Bob Moss? 2 < 3 in #random")
    assert (said.author_name, said.channel, said.thread) == ("Ann Kern", place, f"slack:T0SANDBOX1:{place}:")
    assert said.addressed
    assert not said.outsider
    assert response == {"response_type": "in_channel"}


@pytest.mark.parametrize(
    ("typed", "command"),
    [("new", "new"), ("Stop", "stop"), ("retry", "retry"), ("status", "status"), ("help", "help"), ("", "help")],
)
async def test_a_command_is_seen_by_whoever_used_it(
    slack: SlackServer, either: Heard, typed: str, command: str
) -> None:
    response = await slack.use(CHANNEL, typed)
    assert [(one.command, one.text) for one in either.messages] == [(command, "")]
    assert response == {"response_type": "ephemeral", "text": RECEIVED}


@pytest.mark.parametrize("kind", ["channel", "group", "im"])
async def test_where_the_bot_is_not_it_says_so_and_asks_nothing(slack: SlackServer, heard: Heard, kind: Kind) -> None:
    ann = slack.world.user("ann").id
    island = slack.world.add_channel("island", kind, [ann], id="C0ISLAND01")
    response = await slack.use(island.id, "When is low water?")
    assert response["response_type"] == "ephemeral"
    assert "/invite" in response["text"]
    assert not heard.messages


async def test_who_may_not_look_at_channels_asks_all_the_same(slack: SlackServer, heard: Heard) -> None:
    slack.faults.add(Fault("conversations.info", "status", times=100, error="missing_scope"))
    await slack.use(CHANNEL, "When is low water?")
    assert [one.text for one in heard.messages] == ["When is low water?"]


async def test_two_commands_are_two_turns(slack: SlackServer, heard: Heard) -> None:
    for _ in range(2):
        await slack.use(CHANNEL, "status")
    first, second = heard.messages
    assert first.thread == second.thread
    assert first.id != second.id


async def test_what_is_not_recorded_is_not_acknowledged(slack: SlackServer, either: Heard) -> None:
    """Slack tells the person, and does not come again."""
    slack.courier.ack_within = 0.2

    async def fails(_: Message) -> None:
        raise DatabaseError("The database is locked.")

    either.before = fails
    with pytest.raises(NotTaken):
        await slack.use(CHANNEL, "When is low water?")
    assert not either.messages


async def test_a_command_that_slack_did_not_sign_is_refused(slack: SlackServer, endpoints: Endpoints) -> None:
    app = web.Application()
    app.router.add_post("/{path:.*}", endpoints.dispatch)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.events_url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    one = Heard(slack)
    try:
        async with (
            SlackBridge(settings(slack, mode="http", app_token=None), endpoints=endpoints) as bridge,
            listening(bridge, one),
            aiohttp.ClientSession() as session,
        ):
            await slack.use(CHANNEL, "status")
            forged = {"X-Slack-Request-Timestamp": "1", "X-Slack-Signature": "v0=00"}
            form = {"command": "/assistant", "text": "new", "user_id": "U1", "channel_id": CHANNEL}
            async with session.post(slack.events_url, data=form, headers=forged) as answer:
                assert answer.status == 401
    finally:
        await runner.cleanup()
    assert [said.command for said in one.messages] == ["status"]


async def test_the_stop_button_is_the_command_in_its_thread(slack: SlackServer, either: Heard) -> None:
    root = await slack.say(DIRECT, "Tell me everything.")
    await either.all(1)
    slack.press_stop(DIRECT, root)
    await either.all(2)
    asked, stop = either.messages
    assert (stop.command, stop.text, stop.thread) == ("stop", "", asked.thread)
    assert stop.author == asked.author


@pytest.mark.parametrize(("team", "outsider"), [("T0US", False), ("T0GUESTS", True)])
def test_whoever_stops_belongs_to_an_organisation(team: str, outsider: bool) -> None:
    """Or access that is for one's own would let every guest of a shared channel stop answers."""
    event = {"user": "U1", "user_team": team, "channel": "C1", "thread_ts": "1.0", "event_ts": "2.0"}
    body = {"event": event, "is_ext_shared_channel": True}
    us = Identity(team="T0US", user="UBOT", bot="BBOT", name="bot")
    assert stopped(body, us, datetime.now(UTC)).outsider is outsider


async def test_a_stop_that_says_nothing_is_passed_over(slack: SlackServer, heard: Heard) -> None:
    slack.courier.send({"type": "event_callback", "event_id": "Ev1", "event": {"type": "agent_session_stopped"}})
    await slack.say(DIRECT, "still there?")
    assert [said.text for said in await heard.all(2)] == ["still there?"]


@pytest.mark.parametrize("name", ["assistant", "/", "/two words", "/UPPER"])
def test_a_command_has_a_name_that_slack_takes(slack: SlackServer, name: str) -> None:
    with pytest.raises(ValidationError):
        settings(slack, command=name)
