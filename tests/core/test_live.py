"""The live reply alone, on a platform in memory and in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from core.errors import PlatformUnavailable, SlowDown
from core.live import LiveReply
from core.model import ThreadId
from core.pace import Budget, Call, Pace, Pacer
from tests.fakes import FakeBridge
from tests.ledger import Ledger
from tests.virtual_time import run

THREAD = ThreadId("fake:1")


class PacedBridge(FakeBridge):
    """With one budget for all edits, and the time of each call."""

    def __init__(self, budget: Budget, **options: Any) -> None:
        super().__init__(**options)
        self._budget = budget
        self.at: list[tuple[float, str]] = []

    @property
    def pace(self) -> Pace:
        def budgets(thread: ThreadId, call: Call) -> Iterable[Budget]:
            return (self._budget,) if call == "edit" else ()

        return Pace(budgets, placeholder=self._placeholder)

    def call(self, kind: str) -> Any:
        self.at.append((asyncio.get_running_loop().time(), kind))
        return super().call(kind)


def live(bridge: FakeBridge, pacer: Pacer, thread: ThreadId = THREAD) -> LiveReply:
    return LiveReply(bridge, pacer, thread, Ledger(), reply_to=None)


SLOW = Budget("edits", 10, 60.0, reserve=2)
"""An edit of growing text every 7.5 seconds."""


def test_the_end_does_not_wait_for_the_turn_of_growing_text() -> None:
    """Growing text waits its turn, for long, when the reply ends: its room in the reserve is used at once."""

    async def main() -> tuple[list[tuple[float, str]], list[str]]:
        bridge = PacedBridge(SLOW, limit=1_000)
        async with live(bridge, Pacer(bridge.pace)).painting() as reply:
            for number in range(30):
                reply.append(f"{number} ")
                await asyncio.sleep(0.1)
            await reply.finish()
        return bridge.at, bridge.texts()

    at, texts = run(main())
    assert [text.split() for text in texts] == [[str(number) for number in range(30)]]
    assert [kind for _, kind in at] == ["create", "edit", "edit"]
    assert at[-1][0] == pytest.approx(3.0, abs=0.01)


def test_the_first_text_does_not_wait_for_the_turn_of_growing_text() -> None:
    """A placeholder stands, and many others grow."""

    async def main() -> float:
        bridge = PacedBridge(SLOW, limit=1_000, placeholder=True)
        pacer = Pacer(bridge.pace)
        waiting = [asyncio.create_task(pacer.leave(ThreadId(f"fake:x{n}"), "edit", urgent=False)) for n in range(9)]
        await asyncio.sleep(1.0)
        async with live(bridge, pacer).painting() as reply:
            await asyncio.sleep(1.0)
            reply.append("First words")
            await bridge.until(lambda: bridge.texts() == ["First words"])
            at = asyncio.get_running_loop().time()
        for task in waiting:
            task.cancel()
        return at

    assert run(main()) == pytest.approx(2.0, abs=0.01)


@pytest.mark.parametrize("which", ["create", "first edit", "middle edit", "last edit"])
@pytest.mark.parametrize("kind", ["refused", "lost"])
def test_whatever_call_goes_wrong_the_whole_text_is_shown_once(which: str, kind: str) -> None:
    text = "".join(f"word{number} " for number in range(200))

    async def main() -> list[str]:
        bridge = PacedBridge(Budget("edits", 60, 60.0, reserve=10), limit=600)
        ended = False

        def trouble(call: str, count: int) -> Any:
            due = {
                "create": call == "create",
                "first edit": call == "edit",
                "middle edit": call == "edit" and count > 5,
            }
            if done or not due.get(which, ended):
                return None
            done.append(call)
            if kind == "refused":
                return SlowDown(3.0)
            return ("after", PlatformUnavailable(detail="the answer was lost"))

        done: list[str] = []
        bridge.trouble = trouble
        async with live(bridge, Pacer(bridge.pace)).painting() as reply:
            for word in text.split(" ")[:-1]:
                reply.append(word + " ")
                await asyncio.sleep(0.05)
            ended = True
            await reply.finish()
        assert done
        return bridge.texts()

    assert " ".join(run(main())).split() == text.split()


def test_telling_wakes_nobody_while_the_painting_waits() -> None:
    """However many pieces come between two paints, the painting is not run for them."""

    async def main() -> int:
        bridge = PacedBridge(Budget("edits", 10, 10.0), limit=100_000)
        fits = bridge.fits
        asked = 0

        def counted(text: str) -> bool:
            nonlocal asked
            asked += 1
            return fits(text)

        bridge.fits = counted  # type: ignore[method-assign]
        async with live(bridge, Pacer(bridge.pace)).painting() as reply:
            for _ in range(1_000):
                reply.append("a word ")
                await asyncio.sleep(0.01)
            await reply.finish()
        return asked

    assert run(main()) < 60


def test_many_replies_grow_evenly_and_all_end() -> None:
    """One budget for all of them: each is edited as often as any other, but for one time."""

    async def main() -> tuple[dict[ThreadId, int], list[str]]:
        bridge = PacedBridge(Budget("edits", 50, 10.0, reserve=10), limit=100_000)
        pacer = Pacer(bridge.pace)

        async def grow(thread: ThreadId) -> None:
            async with live(bridge, pacer, thread).painting() as reply:
                for number in range(100):
                    reply.append(f"{number} ")
                    await asyncio.sleep(0.5)
                await reply.finish()

        await asyncio.gather(*(grow(ThreadId(f"fake:{n}")) for n in range(32)))
        return {posted.thread: len(posted.history) for posted in bridge.messages}, bridge.texts()

    edits, texts = run(main())
    assert max(edits.values()) - min(edits.values()) <= 1
    assert min(edits.values()) > 5
    assert {text.split()[-1] for text in texts} == {"99"}


MIXED = """# Heading

Some *words* with `code` and [a link](https://example.org).

- one
- two

```python
x = 1
```

"""


def test_painting_takes_work_linear_in_the_text() -> None:
    """Only the last part is looked at again: a text four times as long asks for about four times as much."""

    async def looked_at(length: int) -> int:
        bridge = PacedBridge(Budget("edits", 1_000, 1.0, burst=100), limit=2_000)
        fits = bridge.fits
        looked = 0

        def counted(text: str) -> bool:
            nonlocal looked
            looked += len(text)
            return fits(text)

        bridge.fits = counted  # type: ignore[method-assign]
        async with live(bridge, Pacer(bridge.pace)).painting() as reply:
            text = MIXED * (length // len(MIXED))
            for at in range(0, len(text), 100):
                reply.append(text[at : at + 100])
                await asyncio.sleep(0.1)
            await reply.finish()
        shown = "".join(bridge.texts())
        assert shown.count("[a link](https://example.org)") == length // len(MIXED)
        return looked

    assert run(looked_at(24_000)) < 5 * run(looked_at(6_000))
