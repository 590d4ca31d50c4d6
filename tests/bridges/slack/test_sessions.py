"""Slack's own stop button: there while an answer is written, and gone with its end."""

from __future__ import annotations

import pytest

from bridges.slack import SlackBridge, sessions
from sandbox.faults import Fault
from sandbox.slack import SlackServer
from tests.bridges.slack.conftest import settings
from tests.bridges.slack.test_surface import GENERAL, thread

CALL = "agents.sessions.setStatus"


@pytest.fixture(autouse=True)
def _no_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "FIRST_DELAY", 0.0)


@pytest.fixture
async def root(slack: SlackServer) -> str:
    return await slack.say(GENERAL, "question")


def told(slack: SlackServer) -> list[str]:
    return [one.data["status"] for one in slack.feed.past if one.kind == "session"]


async def until(slack: SlackServer, *statuses: str) -> None:
    await slack.feed.until(lambda: told(slack) == list(statuses))


def tried(slack: SlackServer) -> int:
    return sum(one.kind == "call" and one.data["name"] == CALL for one in slack.feed.past)


async def test_it_is_there_while_an_answer_is_written(slack: SlackServer, bridge: SlackBridge, root: str) -> None:
    async with bridge.working(thread(root)):
        await until(slack, "processing")
    await until(slack, "processing", "active")


async def test_the_next_turn_of_a_thread_keeps_its_button(slack: SlackServer, bridge: SlackBridge, root: str) -> None:
    slack.faults.add(Fault(CALL, "slow", seconds=0.05))
    async with bridge.working(thread(root)):
        pass
    async with bridge.working(thread(root)):
        await until(slack, "processing", "active", "processing")
    await until(slack, "processing", "active", "processing", "active")


@pytest.mark.parametrize(
    "fault",
    [
        Fault(CALL, "status", status=429, retry_after=0),
        Fault(CALL, "status", status=500),
        Fault(CALL, "drop"),
        Fault(CALL, "lost"),
    ],
)
async def test_the_end_is_told_until_slack_has_heard_it(
    slack: SlackServer, bridge: SlackBridge, root: str, fault: Fault
) -> None:
    async with bridge.working(thread(root)):
        await until(slack, "processing")
        slack.faults.add(fault)
    await slack.feed.until(lambda: told(slack)[-1] == "active")


async def test_a_beginning_that_may_have_been_heard_is_ended(
    slack: SlackServer, bridge: SlackBridge, root: str
) -> None:
    slack.faults.add(Fault(CALL, "lost"))
    async with bridge.working(thread(root)):
        await until(slack, "processing")
    await until(slack, "processing", "active")


async def test_an_app_that_is_no_agent_is_not_asked_again(slack: SlackServer, bridge: SlackBridge, root: str) -> None:
    slack.agent = False
    for _ in range(3):
        async with bridge.working(thread(root)):
            await slack.feed.until(lambda: tried(slack) == 1)
        await bridge._sessions.close()
    assert tried(slack) == 1


async def test_a_server_that_does_not_know_sessions_is_left_alone(
    slack: SlackServer, bridge: SlackBridge, root: str
) -> None:
    slack.faults.add(Fault(CALL, "status", status=404, times=1000))
    for _ in range(10):
        async with bridge.working(thread(root)):
            pass
        await bridge._sessions.close()
    assert 0 < tried(slack) <= 2 * sessions.DOUBTS


async def test_a_thread_that_is_gone_says_nothing_of_others(slack: SlackServer, bridge: SlackBridge, root: str) -> None:
    async with bridge.working(thread("1.000001")):
        await slack.feed.until(lambda: tried(slack) == 1)
    await bridge._sessions.close()
    async with bridge.working(thread(root)):
        await until(slack, "processing")


async def test_outside_the_agent_view_there_is_none(slack: SlackServer, root: str) -> None:
    async with SlackBridge(settings(slack, direct_messages="one")) as bridge, bridge.working(thread(root)):
        pass
    assert tried(slack) == 0


async def test_a_session_is_ended_when_the_program_ends(slack: SlackServer, root: str) -> None:
    async with SlackBridge(settings(slack)) as bridge, bridge.working(thread(root)):
        await until(slack, "processing")
    assert told(slack) == ["processing", "active"]
