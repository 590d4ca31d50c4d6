"""Listeners and workers as processes of their own on one PostgreSQL, with the real libraries, on three platforms at
once: killed, frozen, cut off, restarted one after the other, and with the database going away under them."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import URL, NullPool, create_engine, select

from core import commands
from core.database import parse
from core.statements import TURN
from sandbox.stand_in import StandIn, View
from tests.cut import shut, way_to
from tests.program import WITHIN, Program, World, place, replied, world
from tests.recovery.conftest import NewDatabase
from tests.recovery.moments import record
from tests.recovery.site import APART, Site

pytestmark = pytest.mark.timeout(400)

PLACES = {"slack": "channel", "discord": "channel", "telegram": "direct"}
TEXT = "One two three four five six seven eight nine ten eleven twelve."
COUNT = "@bot How many messages?"
"""Is answered with another number each time that it is asked in one conversation."""
FIRST, SECOND = (f"This is message {number} of our conversation." for number in (1, 2))
HELD = 3
"""Words that an upstream that is held writes of any answer, at most."""
WORDS_PER_SECOND = 8
"""So that there are always replies that grow while people write on and on."""


@pytest.fixture
async def standing() -> AsyncIterator[World]:
    async with world() as found:
        found.slack.courier.retry_delays = (0.5,) * 60
        yield found


def views(standing: World, name: str) -> list[View]:
    platform = standing.platforms[name]
    return [view for view in platform.view(place(platform, PLACES[name])) if view.bot]


def texts(standing: World) -> dict[str, list[str]]:
    return {name: [view.text for view in views(standing, name)] for name in PLACES}


async def shown(standing: World, condition: Callable[[str], bool], count: int = 1) -> None:
    """Waits until the bot has written so many messages like that on each platform."""
    for name, platform in standing.platforms.items():
        await replied(platform, place(platform, PLACES[name]), condition, count)


async def say(standing: World, text: str, command: str | None = None) -> None:
    """On each platform; as an answer where a thread has been begun there."""
    for name, platform in standing.platforms.items():
        where = place(platform, PLACES[name])
        earlier = [view for view in platform.view(where) if not view.bot]
        parent = earlier[0].id if name == "slack" and earlier else None
        await platform.say(where, command if name == "telegram" and command else text, parent=parent)


async def begun(standing: World, asked: str) -> dict[str, list[str]]:
    """Asks on each platform, and waits until the answers have begun and are held; gives the ids of their messages."""
    standing.upstream.hold_after = HELD
    await say(standing, asked)
    await shown(standing, lambda text: 1 < len(text.split()) <= HELD)
    return {name: [view.id for view in views(standing, name)] for name in PLACES}


def ids(standing: World) -> dict[str, list[str]]:
    return {name: [view.id for view in views(standing, name)] for name in PLACES}


def no_faults(site: Site) -> None:
    assert "Traceback" not in site.log()


async def test_what_a_killed_worker_was_writing_is_finished_by_another_in_the_same_messages(
    standing: World, tmp_path: Path, new_database: NewDatabase
) -> None:
    database = new_database()
    config = standing.config(tmp_path, "goapi", database=database)
    async with Site(standing, config, ("listen", "work")) as site:
        await site.ready()
        messages = await begun(standing, f"@bot echo: {TEXT}")
        conversations = [record(parse(database), name).conversation for name in PLACES]
        other = await site.add("work")
        await other.said("working:")
        site.programs[1].send(signal.SIGKILL)
        assert await site.programs[1].ended() == -9
        standing.upstream.hold_after = None
        await shown(standing, lambda text: text == TEXT)
        assert ids(standing) == messages
        await say(standing, "@bot echo: next")
        await shown(standing, lambda text: text == "next")
        assert texts(standing) == {name: [TEXT, "next"] for name in PLACES}
        assert [record(parse(database), name).conversation for name in PLACES] == conversations
        assert sorted(one.id for one in standing.upstream.conversations) == sorted(map(str, conversations))
        no_faults(site)


async def test_a_worker_that_was_frozen_does_no_harm_when_it_goes_on(
    standing: World, tmp_path: Path, new_database: NewDatabase
) -> None:
    """It wakes up with the whole of the answer that it was reading in its hands."""
    config = standing.config(tmp_path, "goapi", database=new_database())
    async with Site(standing, config, ("listen", "work")) as site:
        await site.ready()
        messages = await begun(standing, COUNT)
        frozen, _ = site.programs[1], await site.add("work")
        frozen.send(signal.SIGSTOP)
        standing.upstream.hold_after = None
        await shown(standing, lambda text: text == SECOND)
        before = {name: [(view.id, view.text) for view in views(standing, name)] for name in PLACES}
        frozen.send(signal.SIGCONT)
        # by its clock, or by the database, if its heart beats before it looks at the clock
        await frozen.said("begins anew", "Another runner has taken this turn")
        await say(standing, "@bot echo: next")
        await shown(standing, lambda text: text == "next")
        # its buttons go, as the next answer has some
        after = {name: [(view.id, view.text) for view in views(standing, name)][:1] for name in PLACES}
        assert after == before
        assert {name: found[:1] for name, found in ids(standing).items()} == messages
        assert texts(standing) == {name: [SECOND, "next"] for name in PLACES}
        assert not ever_shown(standing, FIRST)
        no_faults(site)


async def test_a_worker_that_is_cut_off_from_the_database_shows_nothing_more_and_comes_back(
    standing: World, tmp_path: Path, new_database: NewDatabase
) -> None:
    url = parse(new_database())
    config = standing.config(tmp_path, "goapi", database=url.render_as_string(hide_password=False))
    async with way_to(url) as way, Site(standing, config, ("listen",)) as site:
        (own := tmp_path / "cut").mkdir()
        through = standing.config(own, "goapi", database=way.url.render_as_string(hide_password=False))
        cut = await site.add("work", through)
        await site.ready()
        messages = await begun(standing, COUNT)
        other = await site.add("work")
        await other.said("working:")
        way.hold()
        await cut.said("its lease is lost")
        standing.upstream.hold_after = None
        await shown(standing, lambda text: text == SECOND)
        way.mend()
        assert await other.stop() == 0
        await say(standing, "@bot echo: next")
        await shown(standing, lambda text: text == "next")
        assert {name: found[:1] for name, found in ids(standing).items()} == messages
        assert texts(standing) == {name: [SECOND, "next"] for name in PLACES}
        assert not ever_shown(standing, FIRST)
        no_faults(site)


def ever_shown(standing: World, words: str) -> list[str]:
    """Whatever the bot has shown at any time with these words in it."""
    seen = [h.data["view"] for one in standing.platforms.values() for h in one.feed.past if "view" in h.data]
    return [view["text"] for view in seen if view["bot"] and words in view["text"]]


@dataclass
class Stream:
    """Somebody who writes on and on in one place, with a few answers outstanding."""

    platform: StandIn
    where: str
    url: URL
    said: list[str] = field(default_factory=list)
    outstanding: int = 3
    enough: bool = False
    root: str | None = None

    @property
    def answers(self) -> list[str]:
        return [view.text for view in self.platform.view(self.where) if view.bot]

    @property
    def finished(self) -> int:
        return len([text for text in self.answers if text in self.said])

    async def run(self) -> None:
        while not self.enough:
            await self.say()
            await self.until(len(self.said) - self.outstanding)
        await self.until(len(self.said))
        recorded = prompts(self.url, self.platform.name)
        assert self.answers == recorded
        # What Slack could not deliver it tries again, after what was said later.
        assert (sorted if self.platform.name == "slack" else list)(recorded) == self.said

    async def say(self) -> None:
        text = f"number {len(self.said):04} of what is said here"
        self.said.append(text)
        root = await self.platform.say(self.where, f"@bot echo: {text}", parent=self.root)
        if self.platform.name == "slack":
            self.root = self.root or root

    async def until(self, count: int) -> None:
        await self.platform.feed.until(lambda: self.finished >= count, within=WITHIN)


def streams(standing: World, url: URL) -> list[Stream]:
    return [Stream(one, place(one, PLACES[name]), url) for name, one in standing.platforms.items()]


def prompts(url: URL, platform: str) -> list[str]:
    """What was asked, in the order of the record."""
    engine = create_engine(url, poolclass=NullPool)
    asked = select(TURN.c.prompt).where(TURN.c.bridge == platform).order_by(TURN.c.id)
    with engine.connect() as connection:
        return [prompt.removeprefix("echo: ") for prompt in connection.execute(asked).scalars()]


@asynccontextmanager
async def people_write(standing: World, folder: Path, url: URL) -> AsyncIterator[tuple[Site, list[Stream]]]:
    """On each platform, one thing after the other; the block waits for what they have begun when it is enough."""
    standing.upstream.speed = WORDS_PER_SECOND
    writing = streams(standing, url)
    config = standing.config(folder, "goapi", database=url.render_as_string(hide_password=False))
    async with Site(standing, config, APART) as site, asyncio.TaskGroup() as tasks:
        await site.ready()
        for one in writing:
            tasks.create_task(one.run())
        yield site, writing


async def test_programs_are_restarted_one_after_the_other_while_people_write(
    standing: World, tmp_path: Path, new_database: NewDatabase
) -> None:
    url = parse(new_database())
    async with people_write(standing, tmp_path, url) as (site, writing):
        for program in [*site.programs[1:], site.programs[0]]:
            for one in writing:
                await one.until(one.finished + 1)
            assert await program.stop() == 0
            assert "Traceback" not in "\n".join(program.log)
            await site.replace(program)
            await site.ready()
        for one in writing:
            await one.until(one.finished + 1)
            one.enough = True


async def test_the_database_goes_away_and_comes_back_while_people_write(
    standing: World, tmp_path: Path, new_database: NewDatabase
) -> None:
    url = parse(new_database())
    async with people_write(standing, tmp_path, url) as (site, writing):
        for one in writing:
            await one.until(1)
        with shut(url):
            for one in writing:
                await one.say()
            for worker in site.programs[1:]:
                await worker.said("The heartbeat did not reach the database")
        for one in writing:
            await one.until(len(one.said) + 1)
            one.enough = True
    for program in site.programs:
        assert "Traceback" not in "\n".join(program.log)


async def test_two_whole_programs_share_one_postgresql_and_a_stop_reaches_whichever_has_the_turn(
    standing: World, tmp_path: Path, new_database: NewDatabase
) -> None:
    config = standing.config(tmp_path, "goapi", database=new_database())
    async with Site(standing, config, ("run", "run")) as site:
        await site.ready()
        messages = await begun(standing, f"@bot echo: {TEXT}")
        await say(standing, "@bot stop", "/stop")
        await shown(standing, lambda text: "Stopped." in text)
        standing.upstream.hold_after = None
        await shown(standing, lambda text: text == commands.STOP_ANSWERED)
        await say(standing, "@bot echo: next")
        await shown(standing, lambda text: text == "next")
        assert {name: found[:1] for name, found in ids(standing).items()} == messages
        for name, (stopped, *others) in texts(standing).items():
            assert stopped.startswith("One two"), name
            assert others == [commands.STOP_ANSWERED, "next"], name
        no_faults(site)


@pytest.mark.parametrize("role", ["listen", "work"])
async def test_one_half_of_the_program_refuses_a_sqlite_file(standing: World, tmp_path: Path, role: str) -> None:
    said = await refusal(role, "--config", str(standing.config(tmp_path, "goapi")))
    assert said == (
        f"threadbridge: threadbridge {role} is for several processes, which cannot share a SQLite file. "
        "Set database.url to postgresql://USER@HOST/NAME, or use threadbridge run."
    )


async def test_a_second_process_on_one_sqlite_file_is_refused(standing: World, tmp_path: Path) -> None:
    config = standing.config(tmp_path, "goapi")
    async with Program(("run", "--config", str(config))) as program:
        await standing.listening(program)
        said = await refusal("run", "--config", str(config))
        assert "runs on" in said
        assert "already. Stop it first, or use PostgreSQL for several processes." in said
        assert program.running


async def refusal(*arguments: str) -> str:
    async with Program(arguments) as program:
        assert await program.ended() == 1
    assert "Traceback" not in "\n".join(program.log)
    return program.log[-1]
