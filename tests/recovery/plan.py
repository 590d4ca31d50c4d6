"""What happens in a soak, and when. Pure: a seed gives everything that people say and everything that goes wrong."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sandbox.faults import Fault
from sandbox.upstream import prose

MESSAGES_PER_SECOND = 1.5
LONG = 700
"""Words of an answer that takes several messages on some platforms."""


@dataclass(frozen=True, slots=True)
class Say:
    """A person writes in a thread."""

    at: float
    """Seconds from the beginning, like those of all steps."""
    thread: int
    text: str
    answer: str


@dataclass(frozen=True, slots=True)
class Break:
    """The next call of a kind goes wrong."""

    at: float
    source: str
    fault: Fault


@dataclass(frozen=True, slots=True)
class Redeliver:
    """The newest message of a thread is delivered again."""

    at: float
    thread: int


@dataclass(frozen=True, slots=True)
class Disconnect:
    """A platform breaks its connections, or the web's readers lose theirs. `forgets`: what is said until the next one
    is told to nobody."""

    at: float
    platform: str
    forgets: bool


@dataclass(frozen=True, slots=True)
class Kill:
    """One of the programs dies: its place among them."""

    at: float
    victim: int


@dataclass(frozen=True, slots=True)
class Outage:
    """The database is away for so long."""

    at: float
    seconds: float


Step = Say | Break | Redeliver | Disconnect | Kill | Outage

CALLS = {
    "slack": ("chat.postMessage", "chat.update"),
    "discord": ("messages.create", "messages.edit"),
    "telegram": ("sendMessage", "editMessageText", "getUpdates"),
}


def plan(seed: int, *, seconds: float, threads: int, programs: int) -> list[Step]:
    """In their order. Of the `programs`, the one at place 0 listens, and the one at place 1 is left alive after the
    first third, so that there is one whose memory can be watched for long."""
    dice = random.Random(seed)
    steps: list[Step] = []
    for number, at in enumerate(_moments(dice, seconds, 1 / MESSAGES_PER_SECOND)):
        thread = number if number < threads else dice.randrange(threads)
        steps.append(_say(dice, at, thread % threads, number))
    steps += (_platform_fault(dice, at) for at in _moments(dice, seconds, 1.5))
    steps += (Break(at, "upstream", _upstream_fault(dice)) for at in _moments(dice, seconds, 6))
    steps += (Redeliver(at, dice.randrange(threads)) for at in _moments(dice, seconds, 3))
    steps += (
        Disconnect(at, dice.choice(("slack", "discord", "telegram", "web")), dice.random() < 0.5)
        for at in _moments(dice, seconds, 10)
    )
    for at in _moments(dice, seconds, min(30, seconds / 2)):
        first = at < seconds / 3
        steps.append(Kill(at, dice.randrange(programs) if first else dice.randrange(2, programs)))
    steps += (Outage(at, dice.uniform(0.3, 7)) for at in _moments(dice, seconds, min(60, seconds / 1.5)))
    return sorted(steps, key=_at)


def _at(step: Step) -> float:
    return step.at


def _moments(dice: random.Random, seconds: float, every: float) -> Iterator[float]:
    at = dice.uniform(0.4, 0.9) * every
    while at < seconds:
        yield at
        at += dice.uniform(0.5, 1.5) * every


def _say(dice: random.Random, at: float, thread: int, number: int) -> Say:
    if dice.random() < 0.08:
        return Say(at, thread, f"long {LONG}", prose.long(LONG))
    answer = f"Number {number}: " + " ".join(prose.sentence(dice.randrange(10_000)) for _ in range(dice.randint(1, 8)))
    return Say(at, thread, f"echo: {answer}", answer)


def _platform_fault(dice: random.Random, at: float) -> Break:
    source = dice.choice(tuple(CALLS))
    on = dice.choice(CALLS[source])
    made: tuple[Callable[[], Fault], ...] = (
        lambda: Fault(on, "status", status=429, retry_after=dice.choice((1, 2))),
        lambda: Fault(on, "status", status=dice.choice((500, 502, 503)), times=dice.randint(1, 3)),
        lambda: Fault(on, "lost"),
        lambda: Fault(on, "drop"),
        lambda: Fault(on, "slow", seconds=dice.uniform(0.2, 3)),
    )
    return Break(at, source, dice.choice(made)())


def _upstream_fault(dice: random.Random) -> Fault:
    made: tuple[Callable[[], Fault], ...] = (
        lambda: Fault("goapi.*", "status", status=dice.choice((500, 502, 503, 429)), times=dice.randint(1, 2)),
        lambda: Fault("goapi.*", "drop"),
        lambda: Fault("goapi.*", "slow", seconds=dice.uniform(0.2, 3)),
        lambda: Fault("goapi.*", "cut", words=dice.randint(1, 20)),
        lambda: Fault("goapi.*", "break", words=dice.randint(1, 20)),
        lambda: Fault("goapi.*", "error", words=dice.randint(1, 20)),
        lambda: Fault("goapi.*", "garbage", words=dice.randint(1, 20)),
        lambda: Fault("goapi.*", "lost"),
    )
    return dice.choice(made)()
