"""Each kind of update, over sockets, through the real library."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from core.model import Attachment, MessageId, ThreadId
from sandbox.telegram import TelegramServer
from sandbox.telegram.arguments import Args
from tests.bridges.telegram.ear import Ear

ANN = "501001"
GROUP = "-1001000000001"
FORUM = "-1001000000002"


async def bot_says(tg: TelegramServer, place: str, text: str) -> str:
    chat, _, topic = place.partition(":")
    said = await tg.methods.send_message(Args({"chat_id": chat, "message_thread_id": topic, "text": text}))
    return str(said["message_id"])


async def test_a_private_message_arrives_as_it_was_said(tg: TelegramServer, ear: Ear) -> None:
    number = await tg.say(ANN, "When is low water?")
    [message] = await ear.hears()
    assert (message.id, message.thread, message.channel) == (MessageId(number), ThreadId("telegram:501001"), ANN)
    assert (message.author, message.author_name) == (ANN, "Ann Kern")
    assert (message.text, message.command, message.attachments) == ("When is low water?", "", ())
    assert message.addressed
    assert not message.outsider
    assert message.sent_at.tzinfo is UTC
    assert abs((datetime.now(UTC) - message.sent_at).total_seconds()) < 60


async def test_formatting_becomes_markdown(tg: TelegramServer, ear: Ear) -> None:
    marks = [
        {"type": "bold", "offset": 3, "length": 3},
        {"type": "text_link", "offset": 7, "length": 4, "url": "https://x.example/"},
    ]
    await tg.say(ANN, "😀 low link", entities=marks)
    [message] = await ear.hears()
    assert message.text == "😀 **low** [link](https://x.example/)"


@pytest.mark.parametrize(
    ("said", "text", "command"),
    [
        ("@bot what now?", "what now?", ""),
        ("well, @bot, what now?", "well, , what now?", ""),
        ("what now @bot", "what now", ""),
        ("@BOT", None, None),
        ("/ask what now?", "what now?", ""),
        ("/ask@threadbridge_bot what now?", "what now?", ""),
        ("@bot /new", "", "new"),
        ("/new", "", "new"),
        ("/new@Threadbridge_Bot and then?", "and then?", "new"),
        ("/start", "", "help"),
        ("/help", "", "help"),
        ("/stop", "", "stop"),
        ("/retry", "", "retry"),
        ("/status", "", "status"),
        ("/weather@threadbridge_bot in Kiel", "in Kiel", "weather"),
        ("@bot /weather", "", "weather"),
        ("/weather in Kiel", None, None),
        ("/weather@another_bot in Kiel", None, None),
        ("/new@another_bot", None, None),
        ("@bot", "", "help"),
        ("/ask", "", "help"),
    ],
)
async def test_what_is_said_to_the_bot_in_a_group(
    tg: TelegramServer, ear: Ear, said: str, text: str | None, command: str | None
) -> None:
    await tg.say(GROUP, said, author="bob")
    await tg.say(GROUP, "@bot the end")
    heard = await ear.hears(2 if text is not None else 1)
    if text is None:
        assert ear.texts == ["the end"]
    else:
        assert (heard[0].text, heard[0].command, heard[0].addressed) == (text, command, True)
        assert (heard[0].thread, heard[0].author, heard[0].channel) == (f"telegram:{GROUP}", "501002", GROUP)


@pytest.mark.parametrize(
    ("said", "text", "command"),
    [("/weather in Kiel", "in Kiel", "weather"), ("/etc/hosts says what?", "/etc/hosts says what?", "")],
)
async def test_in_private_a_command_that_nobody_knows_is_still_one(
    tg: TelegramServer, ear: Ear, said: str, text: str, command: str
) -> None:
    await tg.say(ANN, said)
    [message] = await ear.hears()
    assert (message.text, message.command) == (text, command)


async def test_a_mention_by_name_counts(tg: TelegramServer, ear: Ear) -> None:
    mention = {
        "type": "text_mention",
        "offset": 3,
        "length": 12,
        "user": {"id": 100001, "is_bot": True, "first_name": "T"},
    }
    await tg.say(GROUP, "hi Threadbridge, what now?", entities=[mention])
    [message] = await ear.hears()
    assert message.text == "hi , what now?"


async def test_a_reply_to_the_bot_counts_and_one_to_a_person_does_not(tg: TelegramServer, ear: Ear) -> None:
    ours = await bot_says(tg, GROUP, "Low water is at four.")
    theirs = await tg.say(GROUP, "Thanks", author="bob")
    await tg.say(GROUP, "To bob", parent=theirs)
    await tg.say(GROUP, "And tomorrow?", parent=ours)
    await ear.hears()
    await tg.say(GROUP, "@bot end")
    await ear.hears(2)
    assert ear.texts == ["And tomorrow?", "end"]


async def test_topics_are_threads_and_general_is_the_chat(tg: TelegramServer, ear: Ear) -> None:
    for place in (FORUM, f"{FORUM}:2", f"{FORUM}:3"):
        await tg.say(place, "@bot here")
    heard = await ear.hears(3)
    assert [m.thread for m in heard] == [f"telegram:{FORUM}", f"telegram:{FORUM}:2", f"telegram:{FORUM}:3"]
    assert {m.channel for m in heard} == {FORUM}


async def test_in_a_topic_that_the_bot_made_not_everything_is_a_reply_to_it(tg: TelegramServer, ear: Ear) -> None:
    tg.world.users[100001].first_name = "Bridge"
    place = tg.add_topic(FORUM, "Ours", creator="bridge")
    await tg.say(place, "among ourselves")
    await tg.redeliver(place, "5")  # as with privacy mode off
    await tg.say(place, "@bot here")
    await ear.hears()
    assert ear.texts == ["here"]


async def test_an_ordinary_thread_of_replies_is_no_topic(tg: TelegramServer, ear: Ear) -> None:
    ours = await bot_says(tg, GROUP, "Hello")
    await tg.say(GROUP, "hi", parent=ours)
    [message] = await ear.hears()
    assert message.thread == f"telegram:{GROUP}"


@pytest.mark.parametrize(
    ("kind", "name", "media_type", "expected"),
    [
        ("photo", "x", "x", ("photo.jpg", "image/jpeg")),
        ("document", "tides.pdf", "application/pdf", ("tides.pdf", "application/pdf")),
        ("document", "../../etc/pass\nwd", "text/plain", ("passwd", "text/plain")),
        ("voice", "x", "x", ("voice.ogg", "audio/ogg")),
        ("audio", "song.flac", "audio/flac", ("song.flac", "audio/flac")),
        ("video", "boat.webm", "video/webm", ("boat.webm", "video/webm")),
        ("video_note", "x", "x", ("video.mp4", "video/mp4")),
        ("animation", "wave.mp4", "video/mp4", ("wave.mp4", "video/mp4")),
    ],
)
async def test_files_come_as_references(
    tg: TelegramServer, ear: Ear, kind: Any, name: str, media_type: str, expected: tuple[str, str]
) -> None:
    await tg.attach(ANN, kind, b"0123456789" * 3, name=name, media_type=media_type, caption="Look")
    [message] = await ear.hears()
    [file] = message.attachments
    assert (file.name, file.media_type, file.size, message.text) == (*expected, 30, "Look")


async def test_an_album_is_one_message_for_each_item(tg: TelegramServer, ear: Ear) -> None:
    for caption in ("Both", ""):
        await tg.attach(ANN, "photo", b"x" * 20, caption=caption, extra={"media_group_id": "77"})
    heard = await ear.hears(2)
    assert [(m.text, len(m.attachments)) for m in heard] == [("Both", 1), ("", 1)]
    assert heard[0].id != heard[1].id
    assert [m.album for m in heard] == ["77", "77"]


async def test_of_an_album_in_a_group_one_item_is_addressed_and_all_are_handed_over(
    tg: TelegramServer, ear: Ear
) -> None:
    await tg.attach(GROUP, "photo", b"x" * 20, caption="@bot Both", extra={"media_group_id": "77"})
    other = await tg.attach(GROUP, "photo", b"x" * 20, extra={"media_group_id": "77"})
    await tg.redeliver(GROUP, other)  # as with privacy mode off
    heard = await ear.hears(2)
    assert [(m.album, m.addressed) for m in heard] == [("77", True), ("77", False)]


async def test_stickers_are_files_or_words(tg: TelegramServer, ear: Ear) -> None:
    await tg.attach(ANN, "sticker", b"webp", name="s.webp", media_type="image/webp")
    await tg.attach(ANN, "sticker", b"tgs", name="s.tgs", media_type="application/x-tgsticker")
    still, moving = await ear.hears(2)
    assert (still.text, still.attachments) == (
        "⚓",
        (Attachment("sticker.webp", "image/webp", 4, still.attachments[0].reference),),
    )
    assert (moving.text, moving.attachments) == ("⚓", ())


async def test_a_place_is_told_in_words(tg: TelegramServer, ear: Ear) -> None:
    await tg.serve_notice(ANN, {"location": {"latitude": 54.3, "longitude": 10.1}})
    [message] = await ear.hears()
    assert message.text == "Location: 54.3, 10.1"


async def test_a_caption_can_name_the_bot(tg: TelegramServer, ear: Ear) -> None:
    await tg.attach(GROUP, "photo", b"x" * 20, caption="@bot what is this?")
    [message] = await ear.hears()
    assert (message.text, len(message.attachments)) == ("what is this?", 1)


async def test_one_who_writes_as_the_group_is_known_as_the_group(tg: TelegramServer, ear: Ear) -> None:
    group = {"id": int(GROUP), "type": "supergroup", "title": "Harbour watch"}
    anonymous = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}
    await tg.say(GROUP, "@bot hello", extra={"sender_chat": group, "from": anonymous})
    [message] = await ear.hears()
    assert (message.author, message.author_name) == (GROUP, "Harbour watch")


async def test_what_is_not_for_the_bot_is_not_handed_over(tg: TelegramServer, ear: Ear) -> None:
    first = await tg.say(ANN, "first")
    await tg.amend(ANN, first, "first, corrected")
    tidebot = {"id": 100777, "is_bot": True, "first_name": "Tidebot", "username": "tide_bot"}
    await tg.say(GROUP, "@bot I am a bot", extra={"from": tidebot})
    await tg.say(GROUP, "@bot by way of a bot", extra={"via_bot": tidebot})
    await tg.say(
        GROUP,
        "@bot from the channel",
        extra={"is_automatic_forward": True, "sender_chat": {"id": -1007, "type": "channel", "title": "C"}},
    )
    await tg.say(GROUP, "/new@tide_bot")
    await tg.serve_notice(GROUP, {"new_chat_title": "Harbour"})
    await tg.serve_notice(
        ANN, {"pinned_message": {"message_id": 1, "date": 0, "chat": {"id": 501001, "type": "private"}}}
    )
    quiet = await tg.say(GROUP, "among ourselves")
    await tg.redeliver(GROUP, quiet)
    post = {
        "message_id": 1,
        "date": 1,
        "chat": {"id": -1007, "type": "channel", "title": "C"},
        "text": "@threadbridge_bot",
    }
    tg.inject({"channel_post": post})
    tg.inject({"unheard_of": {"x": 1}})
    await tg.say(ANN, "last")
    await ear.hears(2)
    assert ear.texts == ["first", "last"]


async def test_a_second_delivery_has_the_same_id(tg: TelegramServer, ear: Ear) -> None:
    number = await tg.say(ANN, "once")
    await tg.redeliver(ANN, number)
    one, two = await ear.hears(2)
    assert one == two
