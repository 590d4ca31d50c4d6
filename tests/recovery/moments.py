"""Killing the real program at a chosen moment, and what can be seen right after that."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import URL, NullPool, create_engine, func, select

from bridges.web.room import MESSAGE
from core.database import is_sqlite
from core.statements import CONVERSATION, TURN
from sandbox.feed import Feed, Happening
from tests.program import WITHIN, Program, World
from tests.visitors import FENCE


@dataclass(frozen=True)
class Moment:
    """When to kill: at the `count`-th thing that happens at one stand-in, or a little `later`; without a source, just
    so much later, which may be before the program has read its configuration.

    Most of what happens is published while the call that brings it about is being performed: before that, or after it
    and before it is answered. So the program dies where it hurts: not knowing whether its call was performed."""

    source: str
    count: int
    later: float
    """Seconds."""
    victim: int = 0
    """Which of the programs: its place among them, counted round and round."""


def moments(dice: random.Random, count: int) -> list[Moment]:
    """Two in five are exact."""
    found = []
    for _ in range(count):
        source = dice.choice(("slack", "discord", "telegram", "web", "upstream", ""))
        later = dice.choice((0.0, dice.uniform(0.0, 0.05))) if source else dice.uniform(0.0, 3.0)
        nth = dice.randint(1, 60 if source == "upstream" else 12)
        found.append(Moment(source, nth, later, dice.randrange(60)))
    return found


class Happenings(asyncio.Queue[Happening]):
    """A watcher that is called at the very moment, within the publishing, where a feed's own come later."""

    def __init__(self, told: Callable[[Happening], None]) -> None:
        super().__init__()
        self._told = told

    def put_nowait(self, item: Happening) -> None:
        self._told(item)


class Killer:
    """Kills one program after the other, each at its moment."""

    def __init__(self, standing: World) -> None:
        self._feeds: list[Feed] = [standing.upstream.feed, *(one.feed for one in standing.talking.values())]
        self._happened = asyncio.Event()
        self._moment: Moment | None = None
        self._program: Program | None = None
        self._left = 0
        self.struck = False
        for feed in self._feeds:
            feed._watchers.add(Happenings(self._told))

    def aim(self, programs: Sequence[Program], moment: Moment | None) -> Program | None:
        """From now on things are counted. Gives the one that is to be killed; without a moment all live."""
        self._moment, self.struck = moment, False
        self._program = programs[moment.victim % len(programs)] if moment is not None else None
        self._left = moment.count if moment is not None else 0
        if moment is not None and not moment.source:
            self._strike_at(moment)
        return self._program

    def _told(self, happening: Happening) -> None:
        self._happened.set()
        moment = self._moment
        if moment is None or happening.source != moment.source:
            return
        self._left -= 1
        if self._left == 0:
            self._strike_at(moment)

    def _strike_at(self, moment: Moment) -> None:
        self.struck = True
        if moment.later:
            asyncio.get_running_loop().call_later(moment.later, self._strike)
        else:
            self._strike()

    def _strike(self) -> None:
        if self._program is not None:
            self._program.send(signal.SIGKILL)

    async def until(self, condition: Callable[[], bool]) -> bool:
        """Waits until the program is killed, or, if the condition comes true before that, gives False."""
        async with asyncio.timeout(WITHIN):
            while not self.struck and not condition():
                self._happened.clear()
                await self._happened.wait()
        self._moment = None
        return self.struck


@dataclass(frozen=True)
class Record:
    """What the database knows of one platform's one thread."""

    states: tuple[str, ...] = ()
    """Of its turns."""
    conversation: str | None = None
    """The upstream's id."""


def kept(url: URL) -> list[str]:
    """What the assistant says in the one conversation of the web, as any reader is told of it from now on."""
    shown = select(MESSAGE.c.text).where(MESSAGE.c.role == "assistant", MESSAGE.c.state != "removed")
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        return [FENCE.sub("", text) for text in connection.execute(shown.order_by(MESSAGE.c.place)).scalars()]


def record(url: URL, platform: str) -> Record:
    """Of a SQLite file to be read when no program runs, or when it has nothing more to write."""
    engine = create_engine(url, poolclass=NullPool)
    turns = select(TURN.c.state).where(TURN.c.bridge == platform).order_by(TURN.c.id)
    newest = select(func.max(TURN.c.conversation_id)).where(TURN.c.bridge == platform).scalar_subquery()
    known = select(CONVERSATION.c.upstream_id).where(CONVERSATION.c.id == newest)
    with engine.connect() as connection:
        if is_sqlite(url):
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
        states = tuple(connection.execute(turns).scalars())
        return Record(states, connection.execute(known).scalar_one_or_none())
