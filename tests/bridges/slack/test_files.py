"""Files that cannot be read, and addresses that must not be asked."""

from __future__ import annotations

import json

import aiohttp
import pytest
from aiohttp import web

from bridges.slack import SlackBridge
from bridges.slack.files import stream, trusted
from bridges.slack.web import Web, client
from core.errors import AttachmentError
from core.model import Attachment
from sandbox.faults import Fault
from sandbox.slack import SlackServer
from sandbox.slack.world import File


async def read(bridge: SlackBridge, attachment: Attachment) -> bytes:
    return b"".join([chunk async for chunk in bridge.fetch(attachment)])


def kept(slack: SlackServer, content: bytes = b"text", media_type: str = "text/plain") -> tuple[File, Attachment]:
    file = slack.file("notes.txt", content, media_type)
    slack.world.files[file.id] = file
    url = f"{slack.url}/files-pri/T0SANDBOX1-{file.id}/notes.txt"
    return file, Attachment("notes.txt", media_type, len(content), json.dumps({"id": file.id, "url": url}))


@pytest.mark.parametrize("media_type", ["text/plain", "text/html"])
async def test_a_file_is_read(slack: SlackServer, bridge: SlackBridge, media_type: str) -> None:
    _, attachment = kept(slack, b"<p>text</p>", media_type)
    assert await read(bridge, attachment) == b"<p>text</p>"


async def test_a_page_for_logging_in_is_not_the_file(slack: SlackServer, bridge: SlackBridge) -> None:
    """Slack answers with one, and status 200, when the token may not read files."""
    _, attachment = kept(slack)
    slack.bot_token = "xoxb-other"
    with pytest.raises(AttachmentError, match="may not read files"):
        await read(bridge, attachment)


@pytest.mark.parametrize(
    "fault",
    [Fault("files", "status", status=500), Fault("files", "drop", times=2), Fault("files", "status", status=429)],
)
async def test_a_download_that_fails(slack: SlackServer, bridge: SlackBridge, fault: Fault) -> None:
    _, attachment = kept(slack)
    slack.faults.add(fault)
    with pytest.raises(AttachmentError, match=r"notes\.txt could not be read"):
        await read(bridge, attachment)
    assert await read(bridge, attachment) == b"text"


async def test_a_file_that_is_gone(slack: SlackServer, bridge: SlackBridge) -> None:
    file, attachment = kept(slack)
    del slack.world.files[file.id]
    with pytest.raises(AttachmentError, match="no longer there"):
        await read(bridge, attachment)
    with pytest.raises(AttachmentError, match="could not be read"):
        await read(bridge, Attachment("x", "text/plain", 1, json.dumps({"id": file.id, "url": ""})))


@pytest.mark.parametrize("reference", ["", "{}", "[]", "null", '{"id": "F1"}'])
async def test_a_reference_that_is_not_ours(bridge: SlackBridge, reference: str) -> None:
    with pytest.raises(AttachmentError):
        await read(bridge, Attachment("x", "text/plain", 1, reference))


async def test_the_token_is_not_sent_elsewhere(slack: SlackServer, bridge: SlackBridge) -> None:
    """A file that Slack only links to lies on somebody else's server."""
    async with SlackServer() as elsewhere:
        _, attachment = kept(elsewhere)
        with pytest.raises(AttachmentError, match="not kept by Slack"):
            await read(bridge, attachment)
        assert elsewhere.feed.past == []


async def test_the_token_does_not_follow_a_redirect(slack: SlackServer, bridge: SlackBridge) -> None:
    _, attachment = kept(slack)
    url = json.loads(attachment.reference)["url"]

    async def elsewhere(_: web.Request) -> web.Response:
        raise web.HTTPFound(url)

    app = web.Application()
    app.router.add_get("/file", elsewhere)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    here = f"http://127.0.0.1:{runner.addresses[0][1]}"
    moved = Attachment("notes.txt", "text/plain", 4, json.dumps({"id": "F1", "url": f"{here}/file"}))
    async with aiohttp.ClientSession() as session:
        chunks = stream(moved, Web(client(here, session), lambda: None), session, "xoxb-sandbox", here)
        with pytest.raises(AttachmentError) as error:
            await anext(chunks)
    assert error.value.detail == "status 302"
    assert not [one for one in slack.feed.past if one.data.get("name") == "files"]
    await runner.cleanup()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://files.slack.com/files-pri/T1-F1/x", True),
        ("https://slack-files.com/T1-F1-abc", True),
        ("http://files.slack.com/x", False),
        ("https://files.slack.com.evil.example/x", False),
        ("https://evilslack.com/x", False),
        ("https://files.slack.com@evil.example/x", False),
        ("https://docs.google.com/x", False),
        ("http://127.0.0.1:8000/files", True),
        ("http://127.0.0.1:8001/files", False),
        ("http://127.0.0.1:99999999/", False),
        ("http://[/", False),
        ("", False),
    ],
)
def test_whom_the_token_may_be_sent_to(url: str, expected: bool) -> None:
    assert trusted(url, "http://127.0.0.1:8000/api") == expected
