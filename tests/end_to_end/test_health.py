"""The whole program's health: the network of one platform goes, first silently, then for all to see, and comes back."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bridges.app import run
from bridges.discord import gateway
from bridges.settings import Settings
from bridges.slack import socket as sockets
from bridges.telegram import TelegramBridge
from bridges.telegram.rhythm import Rhythm
from core import backlog
from core.loading import load
from sandbox.discord import DiscordServer
from tests.network import network_to
from tests.program import WITHIN, World, place, replied, world

PLACES = {"slack": "channel", "discord": "channel", "telegram": "direct"}


@pytest.fixture(autouse=True)
def _quick_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (gateway, sockets):
        monkeypatch.setattr(module, "SIGN_SECONDS", 1.0)
    monkeypatch.setattr(TelegramBridge.__init__, "__kwdefaults__", {"endpoints": None, "rhythm": Rhythm(poll=1.0)})
    monkeypatch.setattr(backlog, "FRESH", 0.0)


class Asked:
    """The program's pages."""

    def __init__(self, session: aiohttp.ClientSession, port: int) -> None:
        self._session = session
        self._address = f"http://127.0.0.1:{port}"

    async def health(self) -> dict[str, Any]:
        async with self._session.get(f"{self._address}/readyz") as answer:
            found: dict[str, Any] = await answer.json()
            assert (answer.status == 200) == (found["status"] == "ready")
            return found

    async def readiness(self, which: str) -> tuple[int, str]:
        async with self._session.get(f"{self._address}/readyz/{which}") as answer:
            return answer.status, (await answer.json())["status"]

    async def until(self, condition: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        async with asyncio.timeout(40):
            while not condition(found := await self.health()):  # noqa: ASYNC110 - time has to pass, which nobody tells
                await asyncio.sleep(0.05)
            return found

    async def metric(self, line: str) -> float:
        async with self._session.get(f"{self._address}/metrics") as answer:
            found = re.search(rf"^{re.escape(line)} (\S+)$", await answer.text(), re.MULTILINE)
        assert found is not None, line
        return float(found[1])


@asynccontextmanager
async def running(config: Path) -> AsyncIterator[Asked]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environ = {"THREADBRIDGE__HTTP__PORT": str(port), "THREADBRIDGE__HEALTH__DEAF_AFTER": "4"}
    stop = asyncio.Event()
    task = asyncio.create_task(run(load(Settings, config, environ), stop))
    try:
        async with aiohttp.ClientSession() as session:
            yield Asked(session, port)
    finally:
        stop.set()
        await task


async def until_listening(standing: World) -> None:
    await standing.slack.feed.until(lambda: standing.slack.courier.sockets)
    await standing.discord.feed.until(lambda: standing.discord.gateway.connected)
    calls = standing.telegram.feed
    await calls.until(lambda: any(h.data.get("name") == "getUpdates" for h in calls.past))


@pytest.mark.parametrize("name", PLACES)
async def test_a_listener_whose_network_goes(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with world() as standing, network_to(standing.platforms[name].port) as network:
        config = standing.config(tmp_path, "goapi")
        config.write_text(network.through(config.read_text("utf-8")), "utf-8")
        # sockets go through it too, those that are taken up again as well
        direct, home = standing.slack.socket_url, standing.discord.gateway_url
        monkeypatch.setattr(standing.slack, "socket_url", lambda: network.through(direct()))
        monkeypatch.setattr(DiscordServer, "gateway_url", network.through(home))
        standing.slack.courier.retry_delays = (0.5,) * 100
        async with running(config) as asked:
            await until_listening(standing)
            await asked.until(lambda health: health["status"] == "ready")

            network.hold()
            found = await asked.until(lambda health: not health["listeners"][name]["ok"])
            assert re.search(rf"{name}: no sign of life for \d+ s", found["reason"])
            assert await asked.readiness("any") == (200, "degraded")
            for one in PLACES:
                assert await asked.readiness(one) == ((503, "not ready") if one == name else (200, "ready"))

            network.cut()
            platform = standing.platforms[name]
            where = place(platform, PLACES[name])
            await platform.say(where, "@bot My name is Rosalind.")
            await asked.until(lambda health: re.search("tried again|trying again", health.get("reason", "")))
            for other in PLACES.keys() - {name}:
                elsewhere = standing.platforms[other]
                there = place(elsewhere, PLACES[other])
                await elsewhere.say(there, "@bot My name is Edsger.")
                assert len(await replied(elsewhere, there, lambda text: "Edsger" in text)) == 1
            assert await asked.metric(f'threadbridge_listening{{platform="{name}"}}') == 0

            network.mend()
            assert len(await replied(platform, where, lambda text: "Rosalind" in text)) == 1
            found = await asked.until(lambda health: health["status"] == "ready")
            assert found["listeners"][name]["seconds_since_message_in"] >= 0
            assert found["delivery"][name]["seconds_since_edit_out"] >= 0
            assert await asked.metric(f'threadbridge_accepted_total{{platform="{name}"}}') == 1
            answered = f'threadbridge_turns_total{{outcome="answered",platform="{name}",upstream="main"}}'
            async with asyncio.timeout(WITHIN):  # its end is on record a moment after its text is shown
                while await asked.metric(answered) != 1:  # noqa: ASYNC110 - nobody tells of a count
                    await asyncio.sleep(0.05)
