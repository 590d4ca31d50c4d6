"""The live reply on surfaces that grow, and in a long silence of the upstream."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from core.bridge import Wanted
from core.live import QUIET, LiveReply
from core.model import MessageId, ThreadId
from core.pace import Budget, Call, Pace, Pacer
from tests.fakes import FakeBridge, FakeSurface
from tests.ledger import Ledger
from tests.virtual_time import run

THREAD = ThreadId("fake:1")


def replying(bridge: FakeBridge, script: Callable[[LiveReply], Awaitable[None]]) -> list[str]:
    """The texts that the first message showed, one after another."""

    async def main() -> list[str]:
        reply = LiveReply(bridge, Pacer(bridge.pace), THREAD, Ledger(), reply_to=None)
        async with reply.painting():
            await script(reply)
            await reply.finish()
        return [text for text, _ in groupby(bridge.messages[0].history)]

    return run(main())


# --- silence ----------------------------------------------------------------------------------------------------


def test_a_long_silence_is_said_once_and_goes_with_the_next_word() -> None:
    async def script(reply: LiveReply) -> None:
        reply.append("One")
        await asyncio.sleep(QUIET - 1)
        reply.append(" two")
        await asyncio.sleep(10 * QUIET)
        reply.append(" three")
        await asyncio.sleep(1)

    shown = replying(FakeBridge(), script)
    assert shown == ["One", "One two", "One two\n\n*Still working …*", "One two three"]


def test_what_the_upstream_says_of_its_work_stays_through_a_silence() -> None:
    async def script(reply: LiveReply) -> None:
        reply.append("One")
        reply.status("Searching")
        await asyncio.sleep(10 * QUIET)
        reply.status("")
        reply.append(" two")

    assert replying(FakeBridge(), script) == ["One\n\n*Searching …*", "One two"]


def test_before_a_reply_has_begun_the_typing_indicator_says_it() -> None:
    """No message is begun for it."""
    bridge = FakeBridge()

    async def script(reply: LiveReply) -> None:
        await asyncio.sleep(10 * QUIET)
        assert (bridge.messages, bridge.typing_now) == ([], 1)
        reply.append("One")

    assert replying(bridge, script) == ["One"]


def test_a_placeholder_says_it_too_and_typing_goes_on() -> None:
    bridge = FakeBridge(placeholder=True)

    async def script(reply: LiveReply) -> None:
        await asyncio.sleep(10 * QUIET)
        assert bridge.typing_now == 1
        reply.append("One")
        await asyncio.sleep(1)
        assert bridge.typing_now == 0

    assert replying(bridge, script) == ["", "*Still working …*", "One"]


# --- surfaces that grow -----------------------------------------------------------------------------------------


@dataclass
class GrowingSurface:
    """Creates, appends and closes; keeps what it was asked for."""

    inner: FakeSurface
    log: list[Any]
    lasts: float
    shown: str | None = None
    at: float = 0.0

    @property
    def message(self) -> MessageId | None:
        return self.inner.message

    def call(self, wanted: Wanted) -> Call | None:
        if self.inner.message is None:
            return "create"
        if not wanted.final:
            return "append" if wanted.text != self.shown or self.faded else None
        return "close"

    @property
    def faded(self) -> bool:
        return self.shown is not None and asyncio.get_running_loop().time() - self.at >= self.lasts

    async def grow(self, wanted: Wanted) -> None:
        self.log.append(wanted)
        await self.inner.show(wanted.text, final=False)
        self.shown, self.at = wanted.text, asyncio.get_running_loop().time()

    async def show(self, text: str, *, final: bool) -> None:
        self.log.append(text)
        await self.inner.show(text, final=final)
        self.shown = self.inner.shown


@dataclass
class GrowingBridge(FakeBridge):
    lasts: float = 1e9
    log: list[Any] = field(default_factory=list)
    drawn: list[Call] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    @property
    def pace(self) -> Pace:
        def budgets(thread: ThreadId, call: Call) -> tuple[Budget, ...]:
            self.drawn.append(call)
            return (Budget(call, 10_000, burst=100.0),)

        return Pace(budgets)

    def open(self, *arguments: Any, **named: Any) -> Any:
        return GrowingSurface(super().open(*arguments, **named), self.log, self.lasts)


def test_it_is_told_what_the_upstream_wrote_and_draws_on_its_own_budgets() -> None:
    bridge = GrowingBridge()

    async def script(reply: LiveReply) -> None:
        reply.append("One **two")
        await asyncio.sleep(1)
        reply.status("Searching")
        await asyncio.sleep(1)
        reply.append(" three**")
        await asyncio.sleep(1)

    replying(bridge, script)
    assert bridge.log == [
        Wanted("One **two**", final=False, written="One **two"),
        Wanted("One **two**\n\n*Searching …*", final=False, written="One **two", status="Searching"),
        Wanted("One **two three**\n\n*Searching …*", final=False, written="One **two three**", status="Searching"),
        "One **two three**",
    ]
    assert bridge.drawn == ["create", "type", "append", "append", "close"]


def test_what_fades_is_shown_again() -> None:
    bridge = GrowingBridge(lasts=15.0)

    async def script(reply: LiveReply) -> None:
        reply.append("One")
        await asyncio.sleep(5 * QUIET + 1)

    replying(bridge, script)
    assert [one.text for one in bridge.log[:-1]] == ["One"] + ["One\n\n*Still working …*"] * 5
