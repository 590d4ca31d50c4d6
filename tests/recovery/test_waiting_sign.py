"""A kill at every await while a message waits, as in `test_every_await`: no sign stays on it for good."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncGenerator, Hashable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from core import waiting
from core.database import opened, parse
from core.model import Done, Event, MessageId, Prompt, Text
from core.pace import Pacer
from core.store import Store
from core.tables import State
from core.waiting import WaitingSigns
from tests.core.conftest import turns_of
from tests.fakes import FakeUpstream, SigningBridge
from tests.local import LocalRelay
from tests.messages import message
from tests.recovery.photographs import stepped

Picture = tuple[list[tuple[object, ...]], frozenset[MessageId]]
"""What is on record of each turn, and which messages have the sign."""


class Slow(FakeUpstream):
    """Does not end its first answer before another message waits visibly."""

    def __init__(self, bridge: SigningBridge) -> None:
        super().__init__(())
        self._bridge = bridge

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Event, None]:
        yield Text("Short.")
        if prompt.text == "first":
            await self._bridge.until(lambda: self._bridge.signed)
        await asyncio.sleep(0)
        yield Done()


class Quick(FakeUpstream):
    def __init__(self) -> None:
        super().__init__([Text("Short."), Done()])


async def live(database: Path, bridge: SigningBridge, upstream: FakeUpstream, *said: str) -> None:
    """One life of the program: takes up what was left, hears what is said, and ends when nothing is left to do."""
    async with opened(parse(f"sqlite:///{database}")) as engine:
        store = Store(engine)
        signs = WaitingSigns(engine, {"fake": bridge}, {"fake": Pacer(bridge.pace)}, {"fake"})
        relay = LocalRelay(store, bridge, upstream, observe=signs.observe)
        async with signs.showing():
            await relay.recover()
            for text in said:
                await relay.accept(message(text))
            await relay.idle()
            if bridge.before_taking_away is not None:
                bridge.before_taking_away.set()
            await bridge.until(lambda: not bridge.signed)
            turns = await turns_of(store)
            async with asyncio.timeout(20):
                while any(turn.waiting_sign is not None for turn in turns):
                    await asyncio.sleep(0.01)
                    turns = await turns_of(store)
        assert [turn.state for turn in turns] == [State.ANSWERED] * len(turns)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("late", [False, True])
def test_whatever_a_kill_leaves_no_sign_stays(
    empty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, late: bool
) -> None:
    """`late`: the sign is taken away when all has been answered, and not while that goes on."""
    monkeypatch.setattr(waiting, "PATIENCE", 0.0)
    database, bridge = tmp_path / "life.db", SigningBridge()
    bridge.before_taking_away = asyncio.Event() if late else None
    shutil.copy(empty, database)
    found: dict[Hashable, tuple[Path, Picture]] = {}
    with closing(sqlite3.connect(database, isolation_level=None)) as reader:

        def look() -> None:
            reader.execute("BEGIN")
            try:
                rows = reader.execute("SELECT id, state, waiting_sign FROM turn ORDER BY id").fetchall()
                picture = (tuple(rows), frozenset(bridge.signed))
                if picture not in found:
                    copy = tmp_path / f"{len(found)}.db"
                    with closing(sqlite3.connect(copy)) as target:
                        reader.backup(target)
                    found[picture] = (copy, (rows, frozenset(bridge.signed)))
            finally:
                reader.execute("COMMIT")

        stepped(live(database, bridge, Slow(bridge), "first", "second"), look)
    moments = {
        (row[1], row[2], bool(signed)) for rows, signed in (one[1] for one in found.values()) for row in rows[1:]
    }
    assert {("waiting", 0, False), ("waiting", 0, True), ("waiting", 1, True), ("running", 1, True)} <= moments
    assert not late or ("answered", 1, True) in moments
    # whatever had been on its way then has long arrived
    monkeypatch.setattr(waiting, "IN_FLIGHT", timedelta())
    for copy, (rows, signed) in found.values():
        after = SigningBridge()
        after.signed = set(signed)
        try:
            asyncio.run(live(copy, after, Quick()))
        except (AssertionError, TimeoutError) as error:
            error.add_note(f"after a kill at {rows}, with the sign on {set(signed)}")
            raise
