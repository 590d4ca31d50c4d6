"""What an operator does on the console reaches the thread, whichever platform it is on and whichever process has it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import NullPool, create_engine, select

from core import commands
from core.database import parse
from core.statements import TURN
from tests.console.standing import TOKEN, bearer
from tests.program import Program, World, place, replied, world
from tests.recovery.site import ALONE, Role, Site
from tests.visitors import SECTION, Visitors

PLACES = {"slack": "channel", "discord": "channel", "telegram": "group"}
TEXT = "One two three four five six seven eight nine ten eleven twelve."
HELD = 3
"""Words that the upstream writes of any answer while it is held, at most."""
STOPPED = commands.STOPPED.strip("⏹ *")


@dataclass
class Operator:
    """Signed in on the console of one process."""

    session: aiohttp.ClientSession
    address: str
    form_token: str

    async def press(self, path: str, **fields: str) -> str:
        """Sends a form of a page; gives the page that comes after it."""
        form = {"form_token": self.form_token, **fields}
        async with self.session.post(f"{self.address}/console/{path}", data=form) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.text()

    async def known(self, path: str) -> Any:
        async with self.session.get(f"{self.address}/api/v1/{path}", headers=bearer()) as answer:
            assert answer.status == 200, await answer.text()
            return (await answer.json())["data"]

    async def running(self) -> dict[str, dict[str, Any]]:
        """The turn that is being answered, by platform."""
        return {turn["bridge"]: turn for turn in (await self.known("live"))["turns"] if turn["state"] == "running"}


@asynccontextmanager
async def at_the_console_of(program: Program) -> AsyncIterator[Operator]:
    found = re.search(r"http://[\d.]+:\d+", await program.said("HTTP on "))
    assert found
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        async with session.post(f"{found[0]}/console/login", data={"token": TOKEN}) as answer:
            token = re.search(r'name="form_token" value="(\w+)"', await answer.text())
        assert token
        yield Operator(session, found[0], token[1])


@dataclass
class Crowd:
    """One thread on each platform and in the web."""

    world: World
    begun: dict[str, str]
    """The first message of each."""

    def where(self, name: str) -> str:
        return place(self.world.platforms[name], PLACES[name]) if name in PLACES else "tides"

    async def say(self, text: str, author: str = "ann") -> None:
        for name, one in self.world.talking.items():
            said = text if name == "web" else f"@bot {text}"
            parent = self.begun.get(name) if name == "slack" else None
            message = await one.say(self.where(name), said, author=author, parent=parent)
            self.begun.setdefault(name, message)

    async def read(self, condition: Callable[[str], object], count: int = 1) -> None:
        """Waits until so many messages of the bot are like that, everywhere."""
        for name, one in self.world.talking.items():
            await replied(one, self.where(name), condition, count)

    async def ask_and_hold(self) -> None:
        """Asks, and waits until the answers have begun."""
        self.world.upstream.hold_after = HELD
        await self.say(f"echo: {TEXT}")
        await self.read(lambda text: text.startswith("One") and len(text.split()) <= HELD)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("roles", "database_url"),
    [(ALONE, "sqlite"), (("listen", "work"), "postgresql")],
    ids=["one process", "listener and worker"],
    indirect=["database_url"],
)
async def test_what_an_operator_does_is_seen_on_every_platform(
    roles: tuple[Role, ...], database_url: str, tmp_path: Path
) -> None:
    async with world() as them:
        config = them.config(tmp_path, "goapi", database=database_url, extra=SECTION)
        config.write_text(config.read_text("utf-8").replace("[http]", f'[http]\nadmin_token = "{TOKEN}"'), "utf-8")
        async with Site(them, config, roles) as site, Visitors(site.first) as them.web:
            await site.ready()
            async with at_the_console_of(site.first()) as operator:
                await act(operator, Crowd(them, {}))
            for program in site.programs:
                assert await program.stop() == 0
                assert "Traceback" not in "\n".join(program.log)
    engine = create_engine(parse(database_url), poolclass=NullPool)
    with engine.connect() as connection:
        prompts = set(connection.execute(select(TURN.c.prompt)).scalars())
    assert "echo: heard" in prompts
    assert "echo: not heard" not in prompts


async def act(operator: Operator, people: Crowd) -> None:
    everywhere = people.world.talking.keys()

    # stop
    await people.ask_and_hold()
    turns = await operator.running()
    assert turns.keys() == everywhere
    for turn in turns.values():
        assert "told to stop" in await operator.press(f"turns/{turn['id']}/stop")
    await people.read(lambda text: STOPPED in text)

    # retry
    people.world.upstream.hold_after = None
    conversations = {name: turn["conversationId"] for name, turn in turns.items()}
    for conversation in conversations.values():
        assert "asked again" in await operator.press(f"conversations/{conversation}/retry")
    await people.read(lambda text: text == TEXT)

    # new
    first = {name: await operator.known(f"conversations/{one}") for name, one in conversations.items()}
    for conversation in conversations.values():
        await operator.press(f"conversations/{conversation}/new")
    await people.read(lambda text: "A new conversation begins here" in text)
    await people.say("echo: of the second")
    await people.read(lambda text: text == "of the second")
    asked = {one.id: one.messages[-2].text for one in people.world.upstream.conversations}
    assert {asked[one["upstreamId"]] for one in first.values()} == {f"echo: {TEXT}"}

    # rebind
    for one in first.values():
        await operator.press(f"conversations/{one['id']}/rebind", upstream="main", upstream_id=one["upstreamId"])
    await people.say("echo: of the first again")
    await people.read(lambda text: text == "of the first again")
    asked = {one.id: one.messages[-2].text for one in people.world.upstream.conversations}
    assert {asked[one["upstreamId"]] for one in first.values()} == {"echo: of the first again"}

    # ban
    await people.ask_and_hold()
    for name, turn in (await operator.running()).items():
        await operator.press("people/ban", bridge=name, author=turn["author"])
    await people.read(lambda text: STOPPED in text, count=2)
    people.world.upstream.hold_after = None
    await people.say("echo: not heard")
    await people.say("echo: heard", author="bob")
    await people.read(lambda text: text == "heard")
