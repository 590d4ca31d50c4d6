"""A file of a person, on its way through each stand-in to the page."""

from __future__ import annotations

import pytest

from sandbox.feed import Happening
from sandbox.playground.chats import Chats
from sandbox.playground.errors import Refused
from sandbox.playground.mirror import Mirror
from sandbox.playground.stand_ins import StandIns

PLATFORMS = ("slack", "discord", "telegram")
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


@pytest.fixture
def mirrors(stand_ins: StandIns) -> dict[str, Mirror]:
    return {name: Mirror(one, lambda event, data: None) for name, one in stand_ins.platforms.items()}


@pytest.fixture
def stand_ins() -> StandIns:
    return StandIns({}, {})


@pytest.fixture
def chats(stand_ins: StandIns, mirrors: dict[str, Mirror]) -> Chats:
    return Chats(stand_ins, mirrors)


def caught_up(stand_ins: StandIns, mirrors: dict[str, Mirror]) -> None:
    for name, mirror in mirrors.items():
        past: list[Happening] = stand_ins.platforms[name].feed.past
        for happening in past:
            mirror.see(happening)


def place_of(mirror: Mirror, kind: str) -> str:
    return next(place.id for place in mirror.places if place.kind == kind)


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("text", ["What is this?", ""])
@pytest.mark.parametrize(
    ("name", "media_type", "picture"),
    [("a chart #1?.png", "image/png", True), ("tides.txt", "text/plain", False), ("chart.svg", "image/svg+xml", False)],
)
async def test_a_file_stands_below_its_message(
    stand_ins: StandIns,
    mirrors: dict[str, Mirror],
    chats: Chats,
    platform: str,
    text: str,
    name: str,
    media_type: str,
    picture: bool,
) -> None:
    place = place_of(mirrors[platform], "direct")
    said = await chats.say(platform, place, text, "ann", files=[chats.uploads.add(name, media_type, PNG)])
    caught_up(stand_ins, mirrors)
    (view,) = mirrors[platform].state()["views"][place]
    assert view["files"] == [{"name": name, "size": len(PNG), "picture": picture}]
    assert "(a file)" not in view["html"]
    file = chats.file(platform, place, said, 0)
    assert (file.name, file.media_type, file.content) == (name, media_type, PNG)
    for number in (1, -1):
        with pytest.raises(Refused):
            chats.file(platform, place, said, number)


async def test_telegram_takes_what_it_compresses_for_a_photo(
    stand_ins: StandIns, mirrors: dict[str, Mirror], chats: Chats
) -> None:
    place = place_of(mirrors["telegram"], "direct")
    said = await chats.say("telegram", place, "Look", "ann", files=[chats.uploads.add("IMG_1.JPG", "image/jpeg", PNG)])
    assert "photo" in stand_ins.telegram.world.chats[int(place)].messages[int(said)].content
    caught_up(stand_ins, mirrors)
    file = chats.file("telegram", place, said, 0)
    assert (file.media_type, file.picture, file.content) == ("image/jpeg", True, PNG)


@pytest.mark.parametrize("platform", ["slack", "discord"])
async def test_several_files_stand_below_one_message(
    stand_ins: StandIns, mirrors: dict[str, Mirror], chats: Chats, platform: str
) -> None:
    place = place_of(mirrors[platform], "direct")
    ids = [chats.uploads.add(name, "image/png", PNG) for name in ("a.png", "b.png", "c.png")]
    await chats.say(platform, place, "Look", "ann", files=ids)
    caught_up(stand_ins, mirrors)
    (view,) = mirrors[platform].state()["views"][place]
    assert [one["name"] for one in view["files"]] == ["a.png", "b.png", "c.png"]


async def test_telegram_takes_several_for_an_album_with_the_text_below_the_first(
    stand_ins: StandIns, mirrors: dict[str, Mirror], chats: Chats
) -> None:
    place = place_of(mirrors["telegram"], "direct")
    kinds = [("a.jpg", "image/jpeg"), ("b.txt", "text/plain"), ("c.jpg", "image/jpeg"), ("d.txt", "text/plain")]
    ids = [chats.uploads.add(name, media_type, PNG) for name, media_type in kinds]
    said = await chats.say("telegram", place, "Look", "ann", files=ids)
    messages = list(stand_ins.telegram.world.chats[int(place)].messages.values())
    albums = [one.extra["media_group_id"] for one in messages]
    assert [("photo" in one.content, one.content.get("caption")) for one in messages] == [
        (True, "Look"),
        (True, None),
        (False, None),
        (False, None),
    ]
    assert albums[0] == albums[1] != albums[2] == albums[3], "photos and files make an album each"
    assert said == str(messages[0].id)


async def test_a_single_file_is_no_album(stand_ins: StandIns, mirrors: dict[str, Mirror], chats: Chats) -> None:
    place = place_of(mirrors["telegram"], "direct")
    said = await chats.say("telegram", place, "Look", "ann", files=[chats.uploads.add("a.jpg", "image/jpeg", PNG)])
    assert stand_ins.telegram.world.chats[int(place)].messages[int(said)].extra == {}


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_a_file_can_answer_a_message(
    stand_ins: StandIns, mirrors: dict[str, Mirror], chats: Chats, platform: str
) -> None:
    place = place_of(mirrors[platform], "direct")
    first = await chats.say(platform, place, "Here it comes", "ann")
    caught_up(stand_ins, mirrors)
    said = await chats.say(
        platform, place, "This", "ann", parent=first, files=[chats.uploads.add("tides.txt", "text/plain", b"high")]
    )
    caught_up(stand_ins, mirrors)
    view = mirrors[platform].state()["views"][place][-1]
    assert view["id"] == said
    assert first in (view["thread"], view["quotes"])


@pytest.mark.parametrize(("text", "title"), [("@bot Why is it blue?", "Why is it blue?"), ("@bot", "chart.png")])
async def test_a_post_of_the_forum_may_begin_with_a_file(
    stand_ins: StandIns, mirrors: dict[str, Mirror], chats: Chats, text: str, title: str
) -> None:
    forum = place_of(mirrors["discord"], "forum")
    said = await chats.say("discord", forum, text, "bob", files=[chats.uploads.add("chart.png", "image/png", PNG)])
    caught_up(stand_ins, mirrors)
    assert title in [place.name for place in mirrors["discord"].places if place.id == said]
    assert chats.file("discord", forum, said, 0).content == PNG
    below = await chats.say(
        "discord", forum, "And this?", "bob", parent=said, files=[chats.uploads.add("b.png", "image/png", PNG)]
    )
    caught_up(stand_ins, mirrors)
    assert mirrors["discord"].state()["views"][forum][-1]["thread"] == said
    assert chats.file("discord", forum, below, 0).name == "b.png"


async def test_a_file_is_sent_once_and_waits_where_its_message_was_refused(
    stand_ins: StandIns, mirrors: dict[str, Mirror], chats: Chats
) -> None:
    place = place_of(mirrors["discord"], "channel")
    file = chats.uploads.add("chart.png", "image/png", PNG)
    with pytest.raises(Refused, match="Discord does not take it"):
        await chats.say("discord", place, "a" * 2001, "ann", files=[file])
    await chats.say("discord", place, "short", "ann", files=[file])
    with pytest.raises(Refused, match="choose it again"):
        await chats.say("discord", place, "once more", "ann", files=[file])
