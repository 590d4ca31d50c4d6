"""What a person sees: how long each character waits between the upstream's writing and its being shown.

The real bridges write to the stand-ins, which enforce the limits, over sockets. Each reply is 600 words at 40
words a second, and is told to `LiveReply` as the relay tells it. Shown is what the platform has taken in: a word counts
as shown with the first change of its thread that makes it visible.

The optimum is arithmetic (see `docs/benchmarks.md`): as many edits as the budgets allow to growing text in the time
that a reply takes, shared evenly and made at even distances, at no cost."""

from __future__ import annotations

import asyncio
import statistics
from collections import defaultdict
from dataclasses import dataclass, field

from benchmarks.report import Figure
from core.bridge import Bridge
from core.live import LiveReply
from core.model import ThreadId
from core.pace import Call, Pacer
from sandbox.feed import Happening
from tests.ledger import Ledger
from tests.platforms import PLATFORMS

WORDS, PER_SECOND = 600, 40.0
SECONDS = WORDS / PER_SECOND
REPLIES = (1, 8, 64)
LIMIT = 1.3

TEXT = [
    f"{word}{' ' if number % 60 else chr(10) * 2}"
    for number, word in enumerate((["the", "harbour", "counts", "its", "gulls", "and", "sleeps"] * WORDS)[:WORDS], 1)
]


@dataclass(slots=True)
class Seen:
    """One reply: when each word was written, and how many words were visible when."""

    written: list[float] = field(default_factory=list)
    visible: list[tuple[float, int]] = field(default_factory=list)
    _messages: dict[str, int] = field(default_factory=dict)

    def see(self, message: str, text: str, at: float) -> None:
        self._messages[message] = len(text.replace("…", "").split())
        self.visible.append((at, sum(self._messages.values())))

    def lags(self) -> list[float]:
        """Of every character."""
        found: list[float] = []
        times = iter(self.visible)
        at, count = next(times)
        for number, (word, written) in enumerate(zip(TEXT, self.written, strict=True)):
            while count <= number:
                at, count = next(times)
            found += [max(0.0, at - written)] * len(word)
        return found

    @property
    def first(self) -> float:
        """From the first word written to the first text shown."""
        return next(at for at, count in self.visible if count) - self.written[0]

    @property
    def last(self) -> float:
        """From the last word written to the whole text shown."""
        return next(at for at, count in self.visible if count == WORDS) - self.written[-1]


class _Pacer(Pacer):
    """Counts refusals."""

    refusals = 0

    def refused(self, thread: ThreadId, call: Call, retry_after: float, budget: str | None = None) -> None:
        self.refusals += 1
        super().refused(thread, call, retry_after, budget)


async def run(name: str, replies: int) -> tuple[list[Seen], int, float | None]:
    """Every reply, the refusals that came, and the `optimum`."""
    async with PLATFORMS[name.lower()](replies) as (server, bridge, places):
        pacer = _Pacer(bridge.pace)
        seen: dict[str, Seen] = defaultdict(Seen)

        async def watch() -> None:
            async for one in server.feed.watch():
                _note(one, seen)

        async def write(place: str, thread: ThreadId, delay: float) -> None:
            clock = asyncio.get_running_loop().time
            await asyncio.sleep(delay)
            async with LiveReply(bridge, pacer, thread, Ledger(f"{place}p"), reply_to=None).painting() as reply:
                await asyncio.sleep(0.5)  # what a model thinks before the first word
                due = clock()
                for word in TEXT:
                    seen[place].written.append(clock())
                    reply.append(word)
                    due += 1 / PER_SECOND
                    await asyncio.sleep(due - clock())
                await reply.finish()

        watching = asyncio.create_task(watch())
        # people do not all ask in the same moment, but within the second or two that the shortest budget is long
        delays = [number / replies * min(2.0, replies / 16) for number in range(replies)]
        await asyncio.gather(
            *(write(place, thread, delay) for (place, thread), delay in zip(places.items(), delays, strict=True))
        )
        await asyncio.sleep(0.1)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        first = next(iter(places.values()))
        return list(seen.values()), pacer.refusals, optimum(bridge, first, replies)


def _note(one: Happening, seen: dict[str, Seen]) -> None:
    if one.kind in ("message", "edit") and one.data["view"]["bot"]:
        seen[str(one.data["place"])].see(one.data["id"], one.data["view"]["text"], one.at)


def optimum(bridge: Bridge, thread: ThreadId, replies: int) -> float | None:
    """The mean lag if all edits that the budgets allow growing text in the time of a reply came at even distances, and
    took no time. None: they do not allow one for each."""
    calls = min(
        (budget.burst + budget.growth * SECONDS) / (replies if budget.shared else 1)
        for budget in bridge.pace.budgets(thread, "edit")
    )
    return SECONDS / calls / 2 if calls >= 1 else None


def figure(what: str, seen: list[Seen], refusals: int, even: float | None, *, costs: bool = True) -> Figure:
    """`even`: the `optimum`. `costs`: a call takes time, which is none of the pacing's."""
    lags = sorted(lag for one in seen for lag in one.lags())
    mean, late = statistics.fmean(lags), lags[int(0.95 * len(lags))]
    first, last = statistics.median(one.first for one in seen), [one.last for one in seen]
    # the first text waits for nothing, so that it tells what a call takes
    best = (SECONDS / 2 if even is None else even) + (first if costs else 0.0)
    return Figure(
        f"{what}, {len(seen)} live repl{'y' if len(seen) == 1 else 'ies'}",
        f"mean {mean:.2f} s, p95 {late:.2f} s, optimum {best:.2f} s; first text {first:.2f} s; last word to final text "
        f"{statistics.fmean(last):.2f} s, at most {max(last):.2f} s; {refusals} refusals",
        mean / best,
        None if even is None else LIMIT,
    )


async def measure() -> list[Figure]:
    figures: list[Figure] = []
    names = ("Slack", "Discord", "Telegram")
    for replies in REPLIES:
        if replies > 8:  # with the stand-ins in this process, more than one platform at once would measure the machine
            runs = [await run(name, replies) for name in names]
        else:
            runs = await asyncio.gather(*(run(name, replies) for name in names))
        figures += [figure(f"visible lag, {name}", *found) for name, found in zip(names, runs, strict=True)]
    return figures
