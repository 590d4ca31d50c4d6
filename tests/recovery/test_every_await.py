"""A kill at every await, and at every await of the run that recovers from it: enumerated, not sampled.

What is left by `kill -9` is what was committed and what the outside world has: nothing else outlives a process, and no
cleanup runs. So nothing has to be killed here. One life of the relay is run to its end, and before and after every step
of every task of it (a step is what runs between two awaits that suspend) the outside is photographed: the database as
a second connection reads it, which is what SQLite gives after a crash, open transactions rolled back; the messages on
the platform; how often the upstream was asked; and of which messages the bridge was told that they are recorded.

Every picture that is unlike the others is the beginning of another life: a new relay on that database and that
platform. It has to bring everything to the one right end, by itself for what had been accepted, and then also when
every message is delivered once more. These lives are photographed again, for the second kill, and so on up to `KILLS`.

The store, SQLite and its driver are the real ones. Their thread makes the number of steps differ from run to run, but
not which pictures there are to take: an effect on the outside and the commit that records it are never in one step.
What is not covered: a request that is still on its way when the process dies, and arrives after the next one looked.
"""

from __future__ import annotations

import logging
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.database import opened, parse
from core.store import Store
from core.tables import State
from tests.core.conftest import turns_of
from tests.local import LocalRelay
from tests.recovery.photographs import Photographer, Platform, Remains, stepped
from tests.recovery.stories import PLATFORMS, STORIES, Author, Story

log = logging.getLogger(__name__)

KILLS = int(os.environ.get("THREADBRIDGE_KILLS_IN_A_ROW", "1"))
"""How many times in a row a run is killed, each time at every point."""


@dataclass
class Life:
    """One run of the relay on what the one before left."""

    story: Story
    platform: Platform
    before: Remains
    database: Path

    def __post_init__(self) -> None:
        self.platform.restore(self.before.messages, self.before.created)
        self.upstream = Author(self.platform, self.before.asked)
        self.accepted = set(self.before.accepted)

    def outside(self) -> Remains:
        """What a kill would leave just now, but for the database."""
        return Remains(
            self.database,
            self.platform.messages,
            self.platform.created,
            self.upstream.count,
            frozenset(self.accepted),
        )

    async def live(self) -> None:
        async with opened(parse(f"sqlite:///{self.database}")) as engine:
            store = Store(engine)
            relay = LocalRelay(store, self.platform, self.upstream)
            await relay.recover()
            await relay.idle()
            await self._check(store, alone=True)
            for one in self.story.said:
                await relay.accept(one)
                self.accepted.add(one.id)
            await relay.idle()
            await self._check(store, alone=False)
            await relay.stop()

    async def _check(self, store: Store, *, alone: bool) -> None:
        turns = await turns_of(store)
        recorded = [turn.message for turn in turns]
        assert set(self.before.accepted) <= set(recorded), "what was accepted is lost"
        assert alone or recorded == [one.id for one in self.story.said], "not each message is one turn"
        assert [turn.state for turn in turns] == [self.story.state] * len(turns)
        written = [posted for posted in self.platform.messages if posted.text]
        assert [posted.text for posted in written] == self.story.texts(len(turns), self.upstream.count)
        assert all(posted.final for posted in written)
        left_over = len(self.platform.messages) - len(written)
        assert left_over <= (self.before.kills if self.platform.pace.placeholder else 0)
        self._check_conversation()

    def _check_conversation(self) -> None:
        """A conversation that the record knew is gone on with (I3)."""
        kept = {row[0]: row[1] for row in self.before.rows.get("conversation", ())}
        running = [row for row in self.before.rows.get("turn", ()) if row[2] == State.RUNNING]
        if running and (upstream_id := kept.get(running[0][4])) is not None and self.upstream.prompts:
            assert self.upstream.prompts[0].conversation_id == upstream_id


def in_order(story: Story, left: Remains) -> None:
    """What has to hold at every moment, also at that of a kill."""
    turns = left.rows["turn"]
    assert left.accepted <= {row[1] for row in turns}, "told that it is recorded, and it is not (I1)"
    ended = sum(row[2] == story.state for row in turns)
    done = [posted.text for posted in left.messages if posted.text][: len(story.texts(ended, left.asked))]
    assert done == story.texts(ended, left.asked), "ended, and not all of it is shown (I6)"
    kept = {row[0]: row[1] for row in left.rows["conversation"]}
    for row in turns:
        begun = row[2] == State.RUNNING and len(left.messages) > len(done)
        if begun and any(posted.text.startswith("The tide") for posted in left.messages):
            assert kept[row[4]] is not None, "text is shown before the conversation is kept (I3)"


PLACES = {"recorded", "intended", "created", "shown"}


def where(story: Story, left: Remains) -> set[str]:
    """The places at which a kill hurts most that this one hit: between each effect on the outside and its record."""
    posted = {one.key for one in left.messages}
    [*_, last] = left.rows["turn"] or [(0, "", "")]
    found = set()
    if not {row[1] for row in left.rows["turn"]} <= left.accepted:
        found.add("recorded")
    for *_, message_id, key in left.rows["part"]:
        if message_id is None:
            found.add("created" if key in posted else "intended")
    final = [one.text for one in left.messages if one.final and one.text]
    if last[2] == State.RUNNING and final == story.texts(last[0], left.asked):
        found.add("shown")
    return found


@pytest.mark.timeout(600 if KILLS == 1 else 3600)
@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("story", STORIES)
def test_whatever_a_kill_leaves_comes_to_the_one_right_end(
    story: str, platform: str, empty: Path, tmp_path: Path
) -> None:
    photographer = Photographer(tmp_path, KILLS)
    waiting = [Remains(empty)]
    lives, places = 0, set[str]()
    while waiting:
        before = waiting.pop()
        database = tmp_path / "life.db"
        for file in tmp_path.glob("life.db*"):
            file.unlink()
        shutil.copy(before.database, database)
        life = Life(STORIES[story], PLATFORMS[platform](), before, database)
        try:
            with photographer.watching(before, database, life.outside) as look:
                stepped(life.live(), look)
            for left in photographer.found:
                in_order(life.story, left)
                places |= where(life.story, left)
        except (AssertionError, TimeoutError) as error:
            error.add_note(str(before))
            raise
        waiting += photographer.found
        photographer.found.clear()
        lives += 1
    log.info("%s, a platform %s: %d looks, %d lives", story, platform, photographer.looks, lives)
    assert places == PLACES
