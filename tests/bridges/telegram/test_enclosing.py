"""Posting files to Telegram: each as what it can be shown as."""

from __future__ import annotations

import struct

import pytest

from bridges.telegram import TelegramBridge
from core.errors import PlatformRefused, PlatformUnavailable, SlowDown
from core.fetching import held
from core.model import MessageId, ThreadId
from sandbox.faults import Fault
from sandbox.telegram import TelegramServer

ANN = "501001"
GROUP = "-1001000000001"
PRIVATE = ThreadId(f"telegram:{ANN}")


def png(width: int = 640, height: int = 480) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + b"\0" * 50


def called(tg: TelegramServer) -> list[str]:
    return [one.data["name"] for one in tg.feed.past if one.kind == "call" and one.data["name"].startswith("send")]


@pytest.mark.parametrize(
    ("content", "said", "name", "call"),
    [
        (png(), "", "chart.png", "sendPhoto"),
        (b"ID3" + b"\1" * 50, "", "answer.mp3", "sendAudio"),
        (b"\0\0\0\x18ftypmp42" + b"\1" * 50, "", "tide.mp4", "sendVideo"),
        (b"%PDF-1.7 ...", "", "rota.pdf", "sendDocument"),
        (b"GIF89a" + b"\1" * 50, "", "wave.gif", "sendDocument"),
        (b"day,tide\n1,3.2\n", "text/csv", "tides.csv", "sendDocument"),
    ],
)
async def test_a_file_is_shown_as_what_it_is(
    tg: TelegramServer, bridge: TelegramBridge, content: bytes, said: str, name: str, call: str
) -> None:
    message = await bridge.attach(PRIVATE, "k1", name, held(content, said))
    assert called(tg) == [call]
    [view] = [one for one in tg.view(ANN) if one.bot]
    assert view.id == message
    assert content in [data for _, data in tg.world.files.values()]
    if call != "sendPhoto":  # Telegram gives photos names of its own
        assert view.files == (name,)


@pytest.mark.parametrize("content", [png(9_000, 2_000), png(2_100, 100)])
async def test_a_picture_that_is_no_photo_to_telegram_is_a_document(
    tg: TelegramServer, bridge: TelegramBridge, content: bytes
) -> None:
    await bridge.attach(PRIVATE, "k1", "long.png", held(content, ""))
    assert called(tg) == ["sendPhoto", "sendDocument"]
    assert [one.files for one in tg.view(ANN) if one.bot] == [("long.png",)]


async def test_a_server_that_knows_documents_alone_gets_one(tg: TelegramServer, bridge: TelegramBridge) -> None:
    tg.faults.add(Fault("sendPhoto", "status", status=404, error="Not Found"))
    await bridge.attach(PRIVATE, "k1", "chart.png", held(png(), ""))
    assert called(tg) == ["sendPhoto", "sendDocument"]


async def test_a_server_that_takes_no_files_refuses_them(tg: TelegramServer, bridge: TelegramBridge) -> None:
    tg.faults.add(Fault("sendDocument", "status", status=404, error="Not Found"))
    with pytest.raises(PlatformRefused):
        await bridge.attach(PRIVATE, "k1", "a.csv", held(b"a,b", "text/csv"))


async def test_a_large_picture_is_a_document_at_once(tg: TelegramServer, bridge: TelegramBridge) -> None:
    await bridge.attach(PRIVATE, "k1", "map.png", held(png() + b"\0" * (10 << 20), ""))
    assert called(tg) == ["sendDocument"]


async def test_in_a_group_it_answers_the_question(tg: TelegramServer, bridge: TelegramBridge) -> None:
    asked = await tg.say(GROUP, "@bot draw")
    await bridge.attach(
        ThreadId(f"telegram:{GROUP}"), "k1", "a.txt", held(b"a", "text/plain"), reply_to=MessageId(asked)
    )
    assert [one.parent for one in tg.view(GROUP) if one.bot] == [asked]


async def test_in_a_topic_it_stays_there(tg: TelegramServer, bridge: TelegramBridge) -> None:
    await bridge.attach(ThreadId("telegram:-1001000000002:2"), "k1", "a.txt", held(b"a", "text/plain"))
    assert [one.files for one in tg.view("-1001000000002:2") if one.bot] == [("a.txt",)]


async def test_a_group_that_moved_is_followed(tg: TelegramServer, bridge: TelegramBridge) -> None:
    old = tg.add_group("Boats")
    new = tg.migrate(old)
    await bridge.attach(ThreadId(f"telegram:{old}"), "k1", "a.txt", held(b"abc", "text/plain"))
    assert [one.files for one in tg.view(new) if one.bot and one.files] == [("a.txt",)]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("sendDocument", "status", status=429, retry_after=3), SlowDown),
        (Fault("sendDocument", "status", status=500), PlatformUnavailable),
        (Fault("sendDocument", "drop"), PlatformUnavailable),
        (Fault("sendDocument", "status", status=403), PlatformRefused),
    ],
)
async def test_what_goes_wrong_is_said_in_our_words(
    tg: TelegramServer, bridge: TelegramBridge, fault: Fault, error: type[Exception]
) -> None:
    tg.faults.add(fault)
    file = held(b"a,b", "text/csv")
    with pytest.raises(error):
        await bridge.attach(PRIVATE, "k1", "a.csv", file)
    file.content.seek(0)
    await bridge.attach(PRIVATE, "k1", "a.csv", file)
    assert tg.view(ANN)[-1].files == ("a.csv",)
