"""Posting files to Discord."""

from __future__ import annotations

import pytest

from bridges.discord import DiscordBridge
from core.errors import PlatformRefused, PlatformUnavailable, SlowDown
from core.fetching import held
from core.model import MessageId, ThreadId
from sandbox.discord import DiscordServer
from sandbox.faults import Fault
from tests.bridges.discord.conftest import settings
from tests.bridges.discord.test_surface import lounge, written

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 100


async def test_a_file_arrives_whole_as_a_message_of_its_own(bridge: DiscordBridge, server: DiscordServer) -> None:
    asked = MessageId(await server.say(server.lounge, "draw"))
    message = await bridge.attach(lounge(server), "k1", "chart.png", held(PNG, ""), reply_to=asked)
    [posted] = written(server)
    assert (posted.id, posted.content, posted.reference, posted.pings) == (message, "", asked, [])
    [file] = posted.files
    assert (file.name, file.content) == ("chart.png", PNG)


async def test_the_same_once_more_is_the_same_message(bridge: DiscordBridge, server: DiscordServer) -> None:
    server.faults.add(Fault("messages.create", "lost"))
    file = held(PNG, "")
    with pytest.raises(PlatformUnavailable):
        await bridge.attach(lounge(server), "k1", "chart.png", file)
    file.content.seek(0)
    message = await bridge.attach(lounge(server), "k1", "chart.png", file)
    assert [(one.id, len(one.files)) for one in written(server)] == [(message, 1)]


async def test_it_stands_in_the_thread_which_may_have_to_be_made(server: DiscordServer) -> None:
    async with DiscordBridge(settings(server, answer_in="thread")) as bridge:
        asked = await server.say(server.lounge, "draw")
        thread = ThreadId(f"discord:{server.world.guild}:{server.lounge}:{asked}")
        await bridge.attach(thread, "k1", "chart.png", held(PNG, ""), reply_to=MessageId(asked))
    [posted] = written(server, asked)
    assert posted.files[0].content == PNG


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("messages.create", "status", status=429, retry_after=3), SlowDown),
        (Fault("messages.create", "status", status=500), PlatformUnavailable),
        (Fault("messages.create", "status", status=403), PlatformRefused),
    ],
)
async def test_what_goes_wrong_is_said_in_our_words(
    bridge: DiscordBridge, server: DiscordServer, fault: Fault, error: type[Exception]
) -> None:
    server.faults.add(fault)
    with pytest.raises(error):
        await bridge.attach(lounge(server), "k1", "a.csv", held(b"a,b", "text/csv"))


async def test_what_discord_finds_too_large_is_refused(bridge: DiscordBridge, server: DiscordServer) -> None:
    with pytest.raises(PlatformRefused):
        await bridge.attach(lounge(server), "k1", "a.bin", held(b"\0" * (bridge.largest_file + 1), ""))
    await bridge.attach(lounge(server), "k2", "a.bin", held(b"\0" * bridge.largest_file, ""))
