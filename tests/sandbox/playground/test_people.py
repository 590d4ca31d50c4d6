from __future__ import annotations

import pytest

from sandbox.discord import DiscordServer
from sandbox.playground.people import PEOPLE
from sandbox.playground.stand_ins import StandIns
from sandbox.slack import SlackServer
from sandbox.telegram import TelegramServer


@pytest.mark.parametrize("platform", ["slack", "discord", "telegram"])
def test_each_of_them_has_a_direct_chat_everywhere(platform: str) -> None:
    places = StandIns({}, {}).platforms[platform].places()
    direct = [place.name for place in places if place.kind == "direct"]
    assert len(direct) == len(PEOPLE)
    assert all(any(name in (person.id, person.name) for name in direct) for person in PEOPLE)


async def test_each_of_them_may_write_in_every_channel() -> None:
    stand_ins = StandIns({}, {})
    for platform in stand_ins.platforms.values():
        for place in platform.places():
            for person in PEOPLE:
                if place.kind in ("channel", "group"):
                    said = await platform.say(place.id, "Hello", author=person.id)
                    assert [view.author for view in platform.view(place.id) if view.id == said] == [person.name]


def test_all_but_the_stranger_are_let_in_by_the_platforms_own_ids() -> None:
    stand_ins = StandIns({}, {})
    assert [person.id for person in PEOPLE if person.stranger] == ["eve"]
    assert stand_ins.let_in == {
        "slack": ["U0ANNKERN1", "U0BOBMOSS1"],
        "discord": [stand_ins.discord.world.ann, stand_ins.discord.world.bob],
        "telegram": ["501001", "501002"],
    }


def test_who_has_settled_stays_the_same_person() -> None:
    first = StandIns({}, {})
    second = StandIns(first.dump(), {})
    assert second.let_in == first.let_in
    for name, platform in first.platforms.items():
        assert second.platforms[name].places() == platform.places()


def test_the_stranger_comes_into_a_world_that_was_kept_from_before() -> None:
    kept = {one.name: one.dump() for one in (SlackServer(), DiscordServer(), TelegramServer())}
    for platform in StandIns(kept, {}).platforms.values():
        assert sum(place.kind == "direct" for place in platform.places()) == len(PEOPLE)
