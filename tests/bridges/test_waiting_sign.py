"""The sign on a message that waits, by the real libraries under the rules of each platform."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from bridges.discord import DiscordBridge
from bridges.discord.thread import Where
from bridges.settings import DiscordSettings, SlackSettings, TelegramSettings
from bridges.slack import SlackBridge
from bridges.slack.thread import Thread
from bridges.telegram import TelegramBridge
from bridges.telegram.thread import Place as Chat
from core.bridge import Bridge, Signing
from core.errors import MessageMissing, PlatformError, PlatformRefused, PlatformUnavailable, SlowDown
from core.model import MessageId, ThreadId
from core.pace import Buckets, Call
from sandbox.discord import TOKEN as DISCORD_TOKEN
from sandbox.discord import DiscordServer
from sandbox.discord.limits import Limits as DiscordLimits
from sandbox.faults import Fault
from sandbox.slack import APP_TOKEN, BOT_TOKEN, SlackServer
from sandbox.slack.limits import Limits as SlackLimits
from sandbox.slack.limits import Meter
from sandbox.stand_in import StandIn
from sandbox.telegram import TOKEN as TELEGRAM_TOKEN
from sandbox.telegram import TelegramServer
from sandbox.telegram.limits import Gate
from sandbox.telegram.limits import Limits as TelegramLimits
from tests.bridges.test_paces import THREADS

GROUP = -1001000000001
SIGNS = {"slack": "hourglass_flowing_sand", "discord": "⏳", "telegram": "👀"}
CALLS = {"slack": "reactions.add", "discord": "reactions", "telegram": "setMessageReaction"}


@dataclass
class Spot:
    """A place where somebody has written, and a bridge that reaches it."""

    platform: StandIn
    bridge: Bridge
    where: str
    thread: ThreadId
    message: MessageId

    async def sign(self, *, waits: bool, message: str | None = None) -> None:
        assert isinstance(self.bridge, Signing)
        await self.bridge.sign(self.thread, MessageId(message or self.message), waits=waits)

    def seen(self) -> tuple[str, ...]:
        return next(view for view in self.platform.view(self.where) if view.id == self.message).reactions

    @property
    def calls(self) -> int:
        return sum(one.kind == "call" for one in self.platform.feed.past)


@asynccontextmanager
async def slack() -> AsyncIterator[Spot]:
    async with SlackServer() as server:
        values = {"bot_token": BOT_TOKEN, "app_token": APP_TOKEN, "api_url": server.api_url}
        where = next(one.id for one in server.places() if one.kind == "channel")
        ts = await server.say(where, "hello")
        async with SlackBridge(SlackSettings.model_validate(values)) as bridge:
            yield Spot(server, bridge, where, Thread("T0SANDBOX1", where, ts).id(), MessageId(ts))


@asynccontextmanager
async def discord() -> AsyncIterator[Spot]:
    async with DiscordServer() as server:
        values = {"token": DISCORD_TOKEN, "api_url": server.api_url, "gateway_url": server.gateway_url}
        guild = server.world.channels[server.lounge].guild
        id = await server.say(server.lounge, "hello")
        async with DiscordBridge(DiscordSettings.model_validate(values)) as bridge:
            thread = Where(int(guild or 0), int(server.lounge)).id()
            yield Spot(server, bridge, server.lounge, thread, MessageId(id))


@asynccontextmanager
async def telegram() -> AsyncIterator[Spot]:
    async with TelegramServer(limits=None) as server:
        values = {"token": TELEGRAM_TOKEN, "api_url": server.api_url}
        id = await server.say(str(GROUP), "hello")
        async with TelegramBridge(TelegramSettings.model_validate(values)) as bridge:
            yield Spot(server, bridge, str(GROUP), Chat(GROUP).thread, MessageId(id))


SPOTS = {"slack": slack, "discord": discord, "telegram": telegram}


@pytest.fixture(params=SPOTS)
async def spot(request: pytest.FixtureRequest) -> AsyncIterator[Spot]:
    async with SPOTS[request.param]() as found:
        if isinstance(found.platform, DiscordServer | SlackServer):
            found.platform.limits = None
        yield found


async def test_it_is_put_on_a_message_and_taken_away_and_twice_does_no_harm(spot: Spot) -> None:
    for _ in range(2):
        await spot.sign(waits=True)
        assert spot.seen() == (SIGNS[spot.platform.name],)
    for _ in range(2):
        await spot.sign(waits=False)
        assert spot.seen() == ()


@pytest.mark.parametrize("id", ["command-7", "interaction-7", "press-17", "operator:7"])
async def test_what_was_asked_without_a_message_gets_none(spot: Spot, id: str) -> None:
    before = spot.calls
    await spot.sign(waits=True, message=id)
    await spot.sign(waits=False, message=id)
    assert spot.calls == before


async def test_where_it_is_not_allowed_that_is_an_error_of_ours(spot: Spot) -> None:
    match spot.platform:
        case SlackServer() as server:
            server.scopes = server.scopes.replace("reactions:write,", "")
        case DiscordServer() as server:
            await server.deny(server.lounge, "ADD_REACTIONS")
        case TelegramServer() as server:
            server.allow_reactions(spot.where, "👍")
        case _:
            raise AssertionError(spot.platform.name)
    with pytest.raises(PlatformRefused):
        await spot.sign(waits=True)
    assert spot.seen() == ()


async def test_a_server_that_knows_no_reactions_refuses_for_good(spot: Spot) -> None:
    """Nothing that passes: else it would be asked again and again."""
    errors = {"slack": "unknown_method", "discord": "0", "telegram": "Not Found"}
    name = spot.platform.name
    spot.platform.faults.add(Fault(CALLS[name], "status", status=404, error=errors[name]))
    with pytest.raises(PlatformRefused):
        await spot.sign(waits=True)


async def test_a_message_that_has_all_that_it_may_have_says_nothing_of_others(spot: Spot) -> None:
    errors = {"slack": "too_many_reactions", "discord": "30010", "telegram": "message to react not found"}
    name = spot.platform.name
    status = 200 if name == "slack" else 400
    spot.platform.faults.add(Fault(CALLS[name], "status", status=status, error=errors[name]))
    with pytest.raises(MessageMissing):
        await spot.sign(waits=True)
    await spot.sign(waits=True)


async def test_a_message_that_is_gone_is_an_error_of_ours(spot: Spot) -> None:
    gone = {"slack": "1.000001", "discord": "1", "telegram": "999999"}[spot.platform.name]
    for waits in (True, False):
        with pytest.raises(PlatformError) as error:
            await spot.sign(waits=waits, message=gone)
        assert not isinstance(error.value, PlatformUnavailable | SlowDown), "trying again is no use"


async def test_a_refusal_to_go_on_so_fast_closes_no_budget_of_replies(spot: Spot) -> None:
    spot.platform.faults.add(Fault(CALLS[spot.platform.name], "status", status=429, retry_after=3))
    with pytest.raises(SlowDown) as error:
        await spot.sign(waits=True)
    last = list(spot.bridge.pace.budgets(spot.thread, "sign"))[-1]
    assert error.value.budget in (None, last.name)
    assert last.name not in {budget.name for budget in spot.bridge.pace.budgets(spot.thread, "edit")}


def signs(pace: Any, thread: ThreadId, seconds: float) -> Iterator[tuple[float, Call]]:
    """When signs go that somebody puts and takes away as fast as may be."""
    buckets, now = Buckets(), 0.0
    while True:
        for call in ("sign", "unsign"):
            budgets = tuple(pace.budgets(thread, call))
            now = max(now, buckets.ready_at(budgets, now, urgent=False))
            if now > seconds:
                return
            buckets.take(budgets, now)
            yield now, call


@pytest.mark.parametrize("name", SPOTS)
def test_as_many_as_the_platform_takes_and_no_more(name: str) -> None:
    pace, thread, _ = THREADS[name]
    told = list(signs(pace, thread, 180.0))
    assert len(told) > 10
    meter, discord, telegram = Meter(), DiscordLimits(), Gate(TelegramLimits())
    for now, call in told:
        match name:
            case "slack":
                method = "reactions.add" if call == "sign" else "reactions.remove"
                assert meter.refused(SlackLimits(), method, now) is None
            case "discord":
                assert discord.take("reactions", "2", now).wait is None
            case _:
                telegram.enter(5, now)


def test_signs_leave_most_of_a_group_to_the_replies() -> None:
    pace, _, group = THREADS["telegram"]
    in_a_minute = len([now for now, _ in signs(pace, group, 600.0)]) / 10
    assert in_a_minute <= 5
