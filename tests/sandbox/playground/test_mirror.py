from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sandbox.discord import DiscordServer
from sandbox.feed import Happening
from sandbox.playground.mirror import Mirror, listens
from sandbox.slack import SlackServer
from sandbox.telegram import TelegramServer
from sandbox.telegram.arguments import Args
from tests.sandbox.playground.test_lag import turn


@pytest.mark.parametrize(
    ("platform", "kind", "data", "heard"),
    [
        ("slack", "call", {"name": "auth.test"}, None),
        ("slack", "connected", {"connections": 1}, True),
        ("slack", "disconnected", {"connections": 1}, True),
        ("slack", "disconnected", {"connections": 0}, False),
        ("discord", "call", {"name": "users.me"}, None),
        ("discord", "gateway", {"what": "connected"}, None),
        ("discord", "gateway", {"what": "identify"}, True),
        ("discord", "gateway", {"what": "resume"}, True),
        ("discord", "gateway", {"what": "disconnected"}, False),
        ("telegram", "call", {"name": "getMe"}, None),
        ("telegram", "call", {"name": "getUpdates"}, True),
    ],
)
def test_one_is_connected_who_can_hear(platform: str, kind: str, data: dict[str, Any], heard: bool | None) -> None:
    assert listens(platform, Happening(platform, kind, 0.0, data)) is heard


async def test_a_stored_id_means_the_message_of_the_place_that_the_thread_names() -> None:
    told: list[tuple[str, dict[str, Any]]] = []
    stand_in = TelegramServer()
    mirror = Mirror(stand_in, lambda event, data: told.append((event, data)))
    direct, group = (next(one.id for one in mirror.places if one.kind == kind) for kind in ("direct", "group"))
    first, second = await stand_in.say(direct, "One"), await stand_in.say(group, "Two")
    assert first == second, "Telegram counts in each chat"
    for happening in stand_in.feed.past:
        mirror.see(happening)
    assert [event for event, _ in told] == ["messages", "messages"]
    for place, text in ((direct, "One"), (group, "Two")):
        found = mirror.find(replace(turn(), thread=f"telegram:{place}"), first)
        assert found is not None
        assert found.text == text


async def test_only_what_changed_is_told() -> None:
    told: list[tuple[str, dict[str, Any]]] = []
    stand_in = TelegramServer()
    mirror = Mirror(stand_in, lambda event, data: told.append((event, data)))
    place = mirror.places[0].id
    messages = [await stand_in.say(place, text) for text in ("One", "Two")]
    for happening in stand_in.feed.past:
        mirror.see(happening)
    told.clear()
    await stand_in.amend(place, messages[0], "Uno")
    mirror.see(stand_in.feed.past[-1])
    ((event, data),) = told
    assert event == "messages"
    assert "order" not in data
    assert [(view["id"], view["text"], view["edits"]) for view in data["changed"]] == [(messages[0], "Uno", 1)]
    told.clear()
    await stand_in.methods.set_message_reaction(
        Args({"chat_id": place, "message_id": messages[1], "reaction": '[{"type": "emoji", "emoji": "👀"}]'})
    )
    mirror.see(stand_in.feed.past[-1])
    ((_, data),) = told
    assert [(view["id"], view["reactions"]) for view in data["changed"]] == [(messages[1], ("👀",))]


async def test_what_is_told_adds_up_to_what_the_stand_in_shows() -> None:
    for stand_in in (SlackServer(), DiscordServer(), TelegramServer()):
        mirror = Mirror(stand_in, lambda event, data: None)
        for number, place in enumerate(stand_in.places() * 2):
            if place.kind != "forum":
                await stand_in.say(place.id, f"Message {number}")
        if isinstance(stand_in, DiscordServer):
            post = await stand_in.post("A question", "Where is it?")
            await stand_in.say(post, "Here", author="bob")
            first = await stand_in.say(stand_in.lounge, "A topic")
            await stand_in.say(await stand_in.start_thread(first, "On the topic"), "Beneath it")
            await stand_in.edit(first, "A better topic")
            stand_in.remove(await stand_in.say(stand_in.lounge, "Gone"))
        for happening in stand_in.feed.past:
            mirror.see(happening)
        told = {place: [view["id"] for view in views] for place, views in mirror.state()["views"].items() if views}
        assert told == {
            place.id: ids for place in stand_in.places() if (ids := [v.id for v in stand_in.view(place.id)])
        }
        assert any(told.values())
