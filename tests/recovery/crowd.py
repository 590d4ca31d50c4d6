"""Many people in many threads of three platforms and the web, what they read, and whether that is what they should."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import URL, Connection, NullPool, create_engine, select

from core.statements import TURN
from sandbox.telegram.world import Chat, User
from tests.program import World
from tests.recovery.plan import Say
from tests.visitors import Visitors

PLACEHOLDER = "…"
THREADS_OF_A_CHANNEL = 8
"""In Slack, where each channel takes one post a second."""


@dataclass(frozen=True, slots=True)
class Asked:
    message: str
    answer: str
    at: float
    """Unix time."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What is on record of a turn."""

    turn: int
    state: str
    attempt: int
    reply: str
    error: str
    ended_at: datetime | None


Answers = Mapping[tuple[str, str], Answered]
"""By platform and message."""


def answers(url: URL) -> dict[tuple[str, str], Answered]:
    columns = [TURN.c[name] for name in ("bridge", "message", "id", "state", "attempt", "reply", "error", "ended_at")]
    with connected(url) as connection:
        rows = connection.execute(select(*columns)).all()
    return {
        (row.bridge, row.message): Answered(
            row.id, row.state, row.attempt, row.reply or "", row.error or "", row.ended_at
        )
        for row in rows
    }


def connected(url: URL) -> Connection:
    return create_engine(url, poolclass=NullPool).connect()


def words(text: str) -> list[str]:
    """As they are read on any platform: the languages of code blocks are not."""
    return re.findall(r"\w+", re.sub(r"^```.*$", "", text, flags=re.M))


@dataclass
class Thread:
    """One conversation, and what was asked in it."""

    world: World
    platform: str
    where: str
    asked: list[Asked] = field(default_factory=list)

    @property
    def root(self) -> str | None:
        """What a thread of Slack hangs on."""
        return self.asked[0].message if self.platform == "slack" and self.asked else None

    async def say(self, say: Say) -> None:
        text = say.text if self.platform in ("telegram", "web") else f"@bot {say.text}"
        at = time.time()
        message = await self.world.talking[self.platform].say(self.where, text, parent=self.root)
        self.asked.append(Asked(message, say.answer, at))

    async def deliver_again(self) -> None:
        """The newest message once more."""
        if not self.asked:
            return
        message = self.asked[-1].message
        match self.platform:
            case "slack":
                self.world.slack.redeliver(self.where, message)
            case "discord":
                self.world.discord.redeliver(message)
            case "web":
                assert isinstance(self.world.web, Visitors)
                self.world.web.redeliver(self.where, message)
            case _:
                await self.world.telegram.redeliver(self.where, message)

    @property
    def shown(self) -> list[str]:
        """The bot's messages, in their order."""
        views = self.world.talking[self.platform].view(self.where)
        return [view.text for view in views if view.bot and (self.platform != "slack" or view.parent == self.root)]

    def wrong(self, found: Answers) -> Iterator[str]:
        """Everything that is not as promised: nothing lost, nothing twice, in order, complete or honest."""
        lost = [one.message for one in self.asked if (self.platform, one.message) not in found]
        if lost:
            yield f"{self._name}: not on record: {lost}"
            return
        turns = [(found[self.platform, one.message], one) for one in self.asked]
        recorded = sorted(turns, key=lambda turn: turn[0].turn)
        # What Slack could not deliver it tries again, after what was said later.
        if self.platform != "slack" and recorded != turns:
            yield f"{self._name}: recorded in another order than it was said"
        expected: list[str] = []
        for turn, asked in recorded:
            match turn.state:
                case "answered":
                    expected += words(asked.answer)
                case "failed":
                    expected += words(turn.reply) + words(turn.error)
                    if not asked.answer.startswith(turn.reply):
                        yield f"{self._name}: turn {turn.turn} failed, and its reply is not the answer's beginning"
                case other:
                    yield f"{self._name}: turn {turn.turn} is {other}"
        if (shown := words(" ".join(self.shown))) != expected:
            places = (place for place, pair in enumerate(zip(shown, expected, strict=False)) if pair[0] != pair[1])
            place = next(places, min(len(shown), len(expected)))
            yield (
                f"{self._name}: {len(shown)} words are shown and {len(expected)} expected; from word {place} on "
                f"{' '.join(shown[place : place + 12])!r} and not {' '.join(expected[place : place + 12])!r} "
                f"(turns {[(turn.turn, turn.state, turn.attempt) for turn, _ in recorded]})"
            )

    @property
    def _name(self) -> str:
        return f"{self.platform} {self.where} {self.root or ''}".rstrip()


def crowd(world: World, threads: int) -> list[Thread]:
    """So many threads, on the platforms and in the web by turns. Before anything is connected."""
    makers = (_slack(world), _discord(world), _telegram(world), _web(world))
    return [next(makers[number % len(makers)]) for number in range(threads)]


def _slack(world: World) -> Iterator[Thread]:
    number = 0
    while True:
        channel = world.slack.add_channel(f"room-{number}")
        for _ in range(THREADS_OF_A_CHANNEL):
            yield Thread(world, "slack", channel)
        number += 1


def _discord(world: World) -> Iterator[Thread]:
    number = 0
    while True:
        yield Thread(world, "discord", world.discord.new_channel(f"room-{number}"))
        number += 1


def _telegram(world: World) -> Iterator[Thread]:
    person = 600_000
    while True:
        world.telegram.world.users[person] = User(person, f"Person{person}")
        world.telegram.world.chats[person] = Chat(person, "private", f"Person {person}")
        yield Thread(world, "telegram", str(person))
        person += 1


def _web(world: World) -> Iterator[Thread]:
    number = 0
    while True:
        yield Thread(world, "web", f"room-{number}")
        number += 1


def seconds_to_answer(threads: Iterable[Thread], found: Answers) -> list[float]:
    """Of each message, from when it was said to when its whole answer was confirmed."""
    took = []
    for thread in threads:
        for asked in thread.asked:
            turn = found.get((thread.platform, asked.message))
            if turn is not None and turn.ended_at is not None:
                took.append(turn.ended_at.timestamp() - asked.at)
    return sorted(took)
