"""The real program, killed again and again while it answers on three platforms and in the web at once, and started
again each time: one process on SQLite, or a listener and two workers on PostgreSQL, one of which dies while the others
go on.

A round is one message on each of them and up to four kills, for a turn that takes down five runners is given up. A
kill strikes at something that the program has just made happen (see `moments.Moment`). The seed and the number of a
round give its moments; what the program is doing elsewhere just then is the machine's to decide.

`THREADBRIDGE_KILLS=300` is for a long run by hand, `THREADBRIDGE_SEED` for other moments.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import random
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import URL

from core.database import parse
from sandbox.upstream import prose
from tests.program import WITHIN, Kind, Program, World, place, replied, world
from tests.recovery.conftest import NewDatabase
from tests.recovery.moments import Killer, Moment, Record, kept, moments, record
from tests.recovery.site import ALONE, APART, Role, Site
from tests.visitors import SECTION, Visitors

log = logging.getLogger(__name__)

ON_SQLITE, ON_POSTGRESQL = (int(os.environ.get("THREADBRIDGE_KILLS", default)) for default in (5, 3))
"""Kills."""
SEED = os.environ.get("THREADBRIDGE_SEED", "threadbridge")
KINDS: tuple[Kind, ...] = ("goapi", "gptbots")
LENGTHS = (300, 700)
"""Words: one message on each platform, and several on some."""
SECONDS = 1.5
"""That the upstream takes to write one of them."""
PLACEHOLDERS = ("…", "")
"""What stands there before there are words; in the web, nothing."""


def asked(length: int) -> str:
    return f"@bot long {length}"


@dataclass
class Chat:
    """One platform's part in a round."""

    world: World
    name: str
    where: str
    length: int
    asked: str = ""
    followed: str = ""
    recorded: bool = False
    """Was it on record once? Then it always is."""
    conversation: str | None = None

    @property
    def direct(self) -> bool:
        return self.name != "web" and self.where == place(self.world.platforms[self.name], "direct")

    @property
    def visitors(self) -> Visitors:
        assert isinstance(self.world.web, Visitors)
        return self.world.web

    @property
    def texts(self) -> list[str]:
        return [view.text for view in self.world.talking[self.name].view(self.where) if view.bot]

    @property
    def written(self) -> list[str]:
        """Without placeholders."""
        return _written(self.texts)

    def stands(self, database: URL) -> list[str]:
        """What the platform has. A reader of the web, whose platform is the database, may not have heard of it yet."""
        return kept(database) if self.name == "web" else self.texts

    def says(self, words: list[str]) -> bool:
        return _words(" ".join(self.texts)) == words

    async def ask(self) -> None:
        self.asked = await self.world.talking[self.name].say(self.where, self._said(asked(self.length)))

    async def ask_on(self) -> None:
        """In the same thread."""
        parent = self.asked if self.name == "slack" else None
        text = self._said("@bot echo: and after that")
        self.followed = await self.world.talking[self.name].say(self.where, text, parent=parent)

    def _said(self, text: str) -> str:
        return text.removeprefix("@bot ") if self.name == "web" else text

    async def deliver_again(self) -> None:
        match self.name:
            case "slack":
                self.world.slack.redeliver(self.where, self.asked)
            case "discord":
                self.world.discord.redeliver(self.asked)
            case "web":
                self.visitors.redeliver(self.where, self.asked)
            case _:
                await self.world.telegram.redeliver(self.where, self.asked)

    @property
    def acknowledged(self) -> bool:
        """Has the program said that it has the message? On Discord nobody says that, and a message that is not on
        record is found in the history later."""
        match self.name:
            case "slack":
                return bool(self.asked) and not self.world.slack.courier.pending
            case "telegram":
                return bool(self.asked) and not self.world.telegram._updates.waiting
            case "web":
                return self.asked in self.visitors.taken
            case _:
                return self.recorded


def chats(standing: World, dice: random.Random, length: int) -> list[Chat]:
    kinds = {
        "slack": "channel",
        "discord": dice.choice(("channel", "direct")),
        "telegram": "direct" if length > 300 else dice.choice(("group", "direct")),
    }
    found = [Chat(standing, name, place(standing.platforms[name], kind), length) for name, kind in kinds.items()]
    return [*found, Chat(standing, "web", "tides", length)]


# --- without kills --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, int], list[str]]:
    """The messages of each whole reply, by platform and length."""
    return asyncio.run(_undisturbed({length: tmp_path_factory.mktemp("undisturbed") for length in LENGTHS}))


async def _undisturbed(folders: dict[int, Path]) -> dict[tuple[str, int], list[str]]:
    found = await asyncio.gather(*(_undisturbed_of(length, folder) for length, folder in folders.items()))
    return {place: texts for one in found for place, texts in one.items()}


async def _undisturbed_of(length: int, folder: Path) -> dict[tuple[str, int], list[str]]:
    words = _words(re.sub(r"^```.*$", "", prose.long(length), flags=re.M))
    async with world() as standing:
        config = standing.config(folder, "goapi", extra=SECTION)
        async with Program(("run", "--config", str(config))) as program, Visitors(lambda: program) as standing.web:
            await standing.listening(program)
            asked = chats(standing, random.Random(0), length)
            for chat in asked:
                await chat.ask()
            for chat in asked:
                await standing.talking[chat.name].feed.until(partial(chat.says, words), within=WITHIN)
            assert await program.stop() == 0
    return {(chat.name, length): chat.texts for chat in asked}


def _written(texts: list[str]) -> list[str]:
    return [text for text in texts if text not in PLACEHOLDERS]


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


# --- with kills -----------------------------------------------------------------------------------------------------


@dataclass
class Round:
    site: Site
    database: URL
    chats: list[Chat]
    whole: dict[tuple[str, int], list[str]]
    stages: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How far each platform's turn was at a kill, and who was killed."""
    kills: int = 0

    def complete(self) -> bool:
        return all(chat.written == self.whole[chat.name, chat.length] for chat in self.chats)

    async def run(self, planned: list[Moment]) -> None:
        """Leaves all programs ended."""
        killer = Killer(self.site.world)
        await self.site.ready()
        for moment in (*planned, None):
            if not self.kills:
                await self._ask_what_is_told_to_nobody()
            victim = killer.aim(self.site.programs, moment)
            if not self.kills:
                await self._ask()
            if not await killer.until(self.complete):
                return await self._end()
            assert victim is not None
            assert await victim.ended() == -9
            assert all(one.running for one in self.site.programs if one is not victim)
            self.kills += 1
            self.stages[victim.arguments[0], "(killed)"] += 1
            for chat in self.chats:
                self._look(chat)
            await self.site.replace(victim)
        raise AssertionError("the last program was not to be killed")

    async def _ask_what_is_told_to_nobody(self) -> None:
        """A first direct message on Discord is in no list afterwards: it has to be on record before anybody dies."""
        for chat in self.chats:
            if chat.name == "discord" and chat.direct:
                await chat.ask()
                await self.site.programs[0].said("turn accepted")
                chat.recorded = True

    async def _ask(self) -> None:
        """The first kills may strike before a message is recorded: it is delivered again then, or read."""
        for chat in self.chats:
            if not chat.asked:
                await chat.ask()

    def _look(self, chat: Chat) -> None:
        """What has to hold at the moment of a kill. Others may go on meanwhile: what is seen first has to be true of
        what is seen later."""
        acknowledged, texts = chat.acknowledged, chat.stands(self.database)
        found = record(self.database, chat.name)
        now = chat.stands(self.database)
        whole = _written(now) == self.whole[chat.name, chat.length]
        self.stages[chat.name, _stage(now, found, whole=whole)] += 1
        assert len(found.states) <= 1
        assert found.states or not acknowledged, f"{chat.name} was told of a record that is not there (I1)"
        chat.recorded = bool(found.states)
        if found.states == ("answered",):
            assert whole, f"{chat.name}: answered, and not shown (I6)"
        if _written(texts):
            assert found.conversation is not None, f"{chat.name}: shown, and the conversation not kept (I3)"
        if chat.conversation is not None:
            assert found.conversation == chat.conversation
        chat.conversation = found.conversation

    async def _end(self) -> None:
        """What was asked is delivered once more, and then something else is asked, whose answer comes after that."""
        await self.site.ready()
        for chat in self.chats:
            await chat.deliver_again()
            await chat.ask_on()
        for chat in self.chats:
            await replied(self.site.world.talking[chat.name], chat.where, lambda text: text == "and after that")
            if chat.name == "web":
                await chat.visitors.agree()
        for program in self.site.programs:
            assert await program.stop() == 0
            assert "Traceback" not in "\n".join(program.log)
        for chat in self.chats:
            found = record(self.database, chat.name)
            assert chat.written == [*self.whole[chat.name, chat.length], "and after that"], chat.name
            placeholders = len(chat.texts) - len(chat.written)
            assert placeholders <= (self.kills if chat.name == "telegram" else 0), chat.name
            self.stages[chat.name, "(placeholders left over)"] += placeholders
            assert found.states == ("answered", "answered"), chat.name
            assert chat.conversation in (None, found.conversation), chat.name


def _stage(texts: list[str], found: Record, *, whole: bool) -> str:
    if found.states != ("running",):
        return found.states[0] if found.states else "not recorded"
    if not texts:
        return "running, nothing there"
    return "running, all there" if whole else "running, half there" if _written(texts) else "running, a placeholder"


async def trial(
    roles: tuple[Role, ...],
    kills: int,
    database: Callable[[Path], str],
    undisturbed: dict[tuple[str, int], list[str]],
    folder: Path,
) -> None:
    """Rounds until there were kills enough; `database` makes one for each, which may lie in a folder of its own."""
    killed, stages = 0, Counter[tuple[str, str]]()
    for number in itertools.count():
        if killed >= kills:
            break
        dice = random.Random(f"{SEED} {number}")
        kind, length = KINDS[number % len(KINDS)], dice.choice(LENGTHS)
        planned = moments(dice, min(4, kills - killed))
        (own := folder / str(number)).mkdir()
        address = database(own)
        async with world(speed=length / SECONDS) as standing:
            standing.slack.courier.retry_delays = (0.5,) * 120
            standing.upstream.finishes_abandoned = True
            config = standing.config(own, kind, database=address, extra=SECTION)
            async with Site(standing, config, roles) as site, Visitors(site.first) as standing.web:
                one = Round(site, parse(address), chats(standing, dice, length), undisturbed)
                try:
                    await one.run(planned)
                except (AssertionError, TimeoutError) as error:
                    error.add_note(f"seed {SEED!r}, round {number} ({kind}, {length} words), kills {one.kills}:")
                    error.add_note(f"{planned}\n{site.log()}")
                    raise
        killed += one.kills
        stages += one.stages
        log.info("round %d (%s, %d words): %d kills at %s", number, kind, length, one.kills, planned)
    for (name, stage), count in sorted(stages.items()):
        log.info("%s, %s: %d", name, stage, count)


@pytest.mark.timeout(300 + 60 * ON_SQLITE)
async def test_one_whole_reply_comes_whenever_the_program_is_killed(
    undisturbed: dict[tuple[str, int], list[str]], tmp_path: Path
) -> None:
    await trial(ALONE, ON_SQLITE, lambda own: f"sqlite:///{own}/threadbridge.db", undisturbed, tmp_path)


@pytest.mark.timeout(300 + 60 * ON_POSTGRESQL)
async def test_one_whole_reply_comes_whichever_of_many_programs_is_killed(
    undisturbed: dict[tuple[str, int], list[str]], tmp_path: Path, new_database: NewDatabase
) -> None:
    await trial(APART, ON_POSTGRESQL, lambda _: new_database(), undisturbed, tmp_path)
