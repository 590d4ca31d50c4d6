"""A stop that is on record holds, whatever the program was doing when it was killed."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from core import commands
from core.database import opened, parse
from core.model import Done, Message, MessageId, Opened, Text
from core.store import Store
from core.tables import State, Turn
from tests.core.conftest import turns_of
from tests.fakes import FakeUpstream
from tests.local import LocalRelay
from tests.messages import message
from tests.recovery.photographs import Photographer, Platform, Remains, stepped
from tests.recovery.stories import PLATFORMS

WAITING = message("And then tell me more.", id=MessageId("m-waiting"))
ASKED = message("Tell me everything.", id=MessageId("m-asked"))
STOPPED = message("", id=MessageId("m-stop"), command="stop")


async def run(database: Path, platform: Platform, upstream: FakeUpstream, *said: Message) -> list[Turn]:
    """One run of the relay: what was left open, then what is said, each once the one before it shows something."""
    async with opened(parse(f"sqlite:///{database}")) as engine:
        store = Store(engine)
        relay = LocalRelay(store, platform, upstream)
        await relay.recover()
        for one in said:
            await relay.accept(one)
            await platform.until(lambda: any(platform.texts()))
        await relay.idle()
        await relay.stop()
        return await turns_of(store)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_stop_holds_over_a_kill(platform: str, empty: Path, tmp_path: Path) -> None:
    """And stops nothing else: a message that waited behind is answered."""
    photographer = Photographer(tmp_path, 1)
    first, database = PLATFORMS[platform](), tmp_path / "first.db"
    shutil.copy(empty, database)

    def outside() -> Remains:
        return Remains(database, first.messages, first.created)

    with photographer.watching(Remains(empty), database, outside) as look:
        upstream = FakeUpstream((Opened("c-1"), Text("So far."), asyncio.Event()), (Text("More."), Done()))
        stepped(run(database, first, upstream, ASKED, WAITING, STOPPED), look)
    stopped = [left for left in photographer.found if len(left.rows["turn"]) == 3]
    for place in (0, 1):
        assert any(left.rows["turn"][place][2] == State.RUNNING for left in stopped)
    for left in stopped:
        second = PLATFORMS[platform]()
        second.restore(left.messages, left.created)
        upstream = FakeUpstream((Text("More."), Done()))
        turns = stepped(run(left.database, second, upstream), lambda: None)
        assert [turn.state for turn in turns] == [State.STOPPED, State.ANSWERED, State.ANSWERED], left
        assert ASKED.text not in [prompt.text for prompt in upstream.prompts], left
        texts = [posted.text for posted in second.messages if posted.text]
        assert commands.STOPPED in texts[0]
        assert texts[1] == "More."
