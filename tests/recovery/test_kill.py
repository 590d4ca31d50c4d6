"""The real program, killed again and again while it answers on three platforms at once, and started again each time.

A round is one message on each platform and up to four kills, for a turn that takes down five runners is given up. A
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
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from sandbox.upstream import prose
from tests.program import Kind, Program, World, place, replied, world
from tests.recovery.moments import Killer, Moment, Record, moments, record

log = logging.getLogger(__name__)

KILLS = int(os.environ.get("THREADBRIDGE_KILLS", "5"))
SEED = os.environ.get("THREADBRIDGE_SEED", "threadbridge")
KINDS: tuple[Kind, ...] = ("goapi", "gptbots")
LENGTHS = (300, 700)
"""Words: one message on each platform, and several on some."""
SECONDS = 1.5
"""That the upstream takes to write one of them."""
PLACEHOLDER = "…"


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
    conversation: str | None = None

    @property
    def texts(self) -> list[str]:
        return [view.text for view in self.world.platforms[self.name].view(self.where) if view.bot]

    @property
    def written(self) -> list[str]:
        """Without placeholders."""
        return [text for text in self.texts if text != PLACEHOLDER]

    def says(self, words: list[str]) -> bool:
        return _words(" ".join(self.texts)) == words

    async def ask(self) -> None:
        self.asked = await self.world.platforms[self.name].say(self.where, asked(self.length))

    async def ask_on(self) -> None:
        """In the same thread."""
        parent = self.asked if self.name == "slack" else None
        text = "@bot echo: and after that"
        self.followed = await self.world.platforms[self.name].say(self.where, text, parent=parent)

    async def deliver_again(self) -> None:
        match self.name:
            case "slack":
                self.world.slack.redeliver(self.where, self.asked)
            case "discord":
                self.world.discord.redeliver(self.asked)
            case _:
                await self.world.telegram.redeliver(self.where, self.asked)

    @property
    def acknowledged(self) -> bool:
        """Has the program said that it has the message? On Discord nobody says that."""
        match self.name:
            case "slack":
                return bool(self.asked) and not self.world.slack.courier.pending
            case "telegram":
                return bool(self.asked) and not self.world.telegram._updates.waiting
            case _:
                return bool(self.asked)


def chats(standing: World, dice: random.Random, length: int) -> list[Chat]:
    kinds = {
        "slack": "channel",
        "discord": dice.choice(("channel", "direct")),
        "telegram": "direct" if length > 300 else dice.choice(("group", "direct")),
    }
    return [Chat(standing, name, place(standing.platforms[name], kind), length) for name, kind in kinds.items()]


# --- without kills --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, int], list[str]]:
    """The messages of each whole reply, by platform and length."""
    return asyncio.run(_undisturbed(tmp_path_factory.mktemp("undisturbed")))


async def _undisturbed(folder: Path) -> dict[tuple[str, int], list[str]]:
    found: dict[tuple[str, int], list[str]] = {}
    for length in LENGTHS:
        (own := folder / str(length)).mkdir()
        async with world() as standing, Program(("run", "--config", str(standing.config(own, "goapi")))) as program:
            await standing.listening(program)
            words = _words(re.sub(r"^```.*$", "", prose.long(length), flags=re.M))
            for chat in chats(standing, random.Random(0), length):
                await chat.ask()
                await standing.platforms[chat.name].feed.until(partial(chat.says, words))
                found[chat.name, length] = chat.texts
            assert await program.stop() == 0
    return found


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


# --- with kills -----------------------------------------------------------------------------------------------------


@dataclass
class Round:
    world: World
    config: Path
    chats: list[Chat]
    whole: dict[tuple[str, int], list[str]]
    stages: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How far each platform's turn was at a kill."""
    kills: int = 0

    @property
    def database(self) -> Path:
        return self.config.parent / "threadbridge.db"

    def complete(self) -> bool:
        return all(chat.written == self.whole[chat.name, chat.length] for chat in self.chats)

    async def run(self, planned: list[Moment]) -> None:
        killer = Killer(self.world)
        for moment in (*planned, None):
            async with Program(("run", "--config", str(self.config))) as program:
                if not self.kills:
                    await self._ask(program, killer, moment)
                else:
                    killer.aim(program, moment)
                if not await killer.until(self.complete):
                    await self._end(program)
                    return
                assert await program.ended() == -9
            self.kills += 1
            for chat in self.chats:
                self._look(chat)
        raise AssertionError("the last program was not to be killed")

    async def _ask(self, program: Program, killer: Killer, moment: Moment | None) -> None:
        """The first kills may strike before a message is recorded where the platform delivers it again then."""
        await self.world.listening(program)
        slack, discord, telegram = self.chats
        await discord.ask()
        await program.said("turn accepted")
        killer.aim(program, moment)
        await slack.ask()
        await telegram.ask()

    def _look(self, chat: Chat) -> None:
        """What has to hold at the moment of a kill."""
        found = record(self.database, chat.name)
        whole = chat.written == self.whole[chat.name, chat.length]
        self.stages[chat.name, self._stage(chat, found, whole=whole)] += 1
        assert len(found.states) <= 1
        assert found.states or not chat.acknowledged, f"{chat.name} was told of a record that is not there (I1)"
        if found.states == ("answered",):
            assert whole, f"{chat.name}: answered, and not shown (I6)"
        if chat.written:
            assert found.conversation is not None, f"{chat.name}: shown, and the conversation not kept (I3)"
        if chat.conversation is not None:
            assert found.conversation == chat.conversation
        chat.conversation = found.conversation

    def _stage(self, chat: Chat, found: Record, *, whole: bool) -> str:
        if found.states != ("running",):
            return found.states[0] if found.states else "not recorded"
        if not chat.texts:
            return "running, nothing there"
        return "running, all there" if whole else "running, half there" if chat.written else "running, a placeholder"

    async def _end(self, program: Program) -> None:
        """What was asked is delivered once more, and then something else is asked, whose answer comes after that."""
        await self.world.listening(program)
        for chat in self.chats:
            await chat.deliver_again()
            await chat.ask_on()
        for chat in self.chats:
            await replied(self.world.platforms[chat.name], chat.where, lambda text: text == "and after that")
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


def rounds() -> Iterator[int]:
    """Enough numbers for any run; the test ends when there were kills enough."""
    return itertools.count()


@pytest.mark.timeout(60 + 15 * KILLS)
async def test_one_whole_reply_comes_whenever_the_program_is_killed(
    undisturbed: dict[tuple[str, int], list[str]], tmp_path: Path
) -> None:
    kills, stages = 0, Counter[tuple[str, str]]()
    for number in rounds():
        if kills >= KILLS:
            break
        dice = random.Random(f"{SEED} {number}")
        kind, length = KINDS[number % len(KINDS)], dice.choice(LENGTHS)
        planned = moments(dice, min(4, KILLS - kills))
        folder = tmp_path / str(number)
        folder.mkdir()
        async with world(speed=length / SECONDS) as standing:
            standing.slack.courier.retry_delays = (0.5,) * 60
            standing.upstream.finishes_abandoned = True
            one = Round(standing, standing.config(folder, kind), chats(standing, dice, length), undisturbed)
            try:
                await one.run(planned)
            except (AssertionError, TimeoutError) as error:
                error.add_note(f"seed {SEED!r}, round {number} ({kind}, {length} words), kills {one.kills}: {planned}")
                raise
        kills += one.kills
        stages += one.stages
        log.info("round %d (%s, %d words): %d kills at %s", number, kind, length, one.kills, planned)
    for (name, stage), count in sorted(stages.items()):
        log.info("%s, %s: %d", name, stage, count)
