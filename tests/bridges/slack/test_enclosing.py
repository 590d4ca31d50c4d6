"""Posting files to Slack."""

from __future__ import annotations

import base64

import pytest

from bridges.slack import SlackBridge
from core.errors import PlatformRefused, PlatformUnavailable, SlowDown
from core.fetching import held
from sandbox.faults import Fault
from sandbox.slack import SlackServer
from tests.bridges.slack.test_surface import DIRECT, GENERAL, ours, thread

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 100_000


async def test_a_file_arrives_whole_in_the_thread(slack: SlackServer, bridge: SlackBridge) -> None:
    root = await slack.say(GENERAL, "draw")
    id = await bridge.attach(thread(root), "k1", "chart.png", held(PNG, ""))
    [view] = ours(slack)
    assert (view.parent, view.files) == (root, ("chart.png",))
    file = slack.world.files[id]
    assert (file.media_type, base64.b64decode(file.content)) == ("image/png", PNG)


async def test_it_arrives_in_a_direct_message_too(slack: SlackServer, bridge: SlackBridge) -> None:
    root = await slack.say(DIRECT, "draw")
    await bridge.attach(thread(root, DIRECT), "k1", "a.txt", held(b"a", "text/plain"))
    assert [one.files for one in ours(slack, DIRECT)] == [("a.txt",)]


async def test_the_token_does_not_go_where_the_bytes_go(slack: SlackServer, bridge: SlackBridge) -> None:
    root = await slack.say(GENERAL, "draw")
    await bridge.attach(thread(root), "k1", "a.txt", held(b"a", "text/plain"))
    [upload] = [one.data for one in slack.feed.past if one.kind == "call" and one.data["name"] == "upload"]
    assert upload["authorized"] is False


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("files.getUploadURLExternal", "status", status=429, retry_after=3), SlowDown),
        (Fault("files.getUploadURLExternal", "status", error="internal_error"), PlatformUnavailable),
        (Fault("files.getUploadURLExternal", "status", error="missing_scope"), PlatformRefused),
        (Fault("upload", "status", status=500), PlatformUnavailable),
        (Fault("upload", "status", status=403), PlatformRefused),
        (Fault("upload", "drop"), PlatformUnavailable),
        (Fault("upload", "lost"), PlatformUnavailable),
        (Fault("files.completeUploadExternal", "status", error="is_archived"), PlatformRefused),
        (Fault("files.completeUploadExternal", "drop"), PlatformUnavailable),
    ],
    ids=lambda one: f"{one.on}-{one.kind}-{one.status}-{one.error}" if isinstance(one, Fault) else "",
)
async def test_what_goes_wrong_is_said_in_our_words_and_leaves_nothing_to_be_seen(
    slack: SlackServer, bridge: SlackBridge, fault: Fault, error: type[Exception]
) -> None:
    root = await slack.say(GENERAL, "draw")
    file = held(PNG, "")
    slack.faults.add(fault)
    with pytest.raises(error):
        await bridge.attach(thread(root), "k1", "chart.png", file)
    assert ours(slack) == []
    file.content.seek(0)
    await bridge.attach(thread(root), "k1", "chart.png", file)
    assert [one.files for one in ours(slack)] == [("chart.png",)]


async def test_without_the_scope_nothing_is_posted(slack: SlackServer, bridge: SlackBridge) -> None:
    slack.scopes = slack.scopes.replace("files:write,", "")
    root = await slack.say(GENERAL, "draw")
    with pytest.raises(PlatformRefused):
        await bridge.attach(thread(root), "k1", "a.txt", held(b"a", "text/plain"))
