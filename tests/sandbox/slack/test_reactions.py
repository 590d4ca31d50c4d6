"""Reactions by the real client of Slack, under Slack's rules."""

from __future__ import annotations

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import BOT_TOKEN, SlackServer
from sandbox.slack.reactions import EACH
from sandbox.slack.world import BOT_USER

GENERAL = "C0GENERAL1"


@pytest.fixture
def client(slack: SlackServer) -> AsyncWebClient:
    return AsyncWebClient(BOT_TOKEN, base_url=slack.api_url + "/")


async def test_a_reaction_is_seen_lasts_and_goes(slack: SlackServer, client: AsyncWebClient) -> None:
    ts = await slack.say(GENERAL, "hello")
    await client.reactions_add(channel=GENERAL, timestamp=ts, name="eyes")
    [message] = (await client.conversations_history(channel=GENERAL))["messages"]
    assert message["reactions"] == [{"name": "eyes", "users": [BOT_USER], "count": 1}]
    slack.load(slack.dump())
    assert slack.view(GENERAL)[0].reactions == ("eyes",)
    await client.reactions_remove(channel=GENERAL, timestamp=ts, name="eyes")
    assert slack.view(GENERAL)[0].reactions == ()
    [message] = (await client.conversations_history(channel=GENERAL))["messages"]
    assert "reactions" not in message
    assert [one.kind for one in slack.feed.past if one.kind == "reaction"] == ["reaction", "reaction"]


async def test_what_slack_refuses(slack: SlackServer, client: AsyncWebClient) -> None:
    ts = await slack.say(GENERAL, "hello")
    await client.reactions_add(channel=GENERAL, timestamp=ts, name="eyes")
    for call, at, name, error in [
        (client.reactions_add, ts, "eyes", "already_reacted"),
        (client.reactions_remove, ts, "tada", "no_reaction"),
        (client.reactions_add, ts, ":eyes:", "invalid_name"),
        (client.reactions_add, "1.000001", "eyes", "message_not_found"),
        (client.reactions_add, "", "eyes", "no_item_specified"),
    ]:
        with pytest.raises(SlackApiError) as refused:
            await call(channel=GENERAL, timestamp=at, name=name)
        assert refused.value.response["error"] == error


async def test_one_person_has_so_many_on_a_message(slack: SlackServer, client: AsyncWebClient) -> None:
    ts = await slack.say(GENERAL, "hello")
    for number in range(EACH):
        await client.reactions_add(channel=GENERAL, timestamp=ts, name=f"emoji{number}")
    with pytest.raises(SlackApiError) as refused:
        await client.reactions_add(channel=GENERAL, timestamp=ts, name="eyes")
    assert refused.value.response["error"] == "too_many_reactions"
