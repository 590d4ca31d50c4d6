from __future__ import annotations

import dataclasses

import pytest

from bridges.discord.files import CHUNK
from core.errors import AttachmentError
from core.model import Attachment
from sandbox.discord import DiscordServer
from sandbox.faults import Fault
from tests.bridges.discord.conftest import Ear

CONTENT = bytes(range(256)) * 1024


async def attached(ear: Ear) -> Attachment:
    sent = await ear.server.attach(ear.server.direct, "look", ("chart.png", "image/png", CONTENT))
    return (await ear.hears(sent)).attachments[0]


async def read(ear: Ear, attachment: Attachment) -> list[bytes]:
    return [chunk async for chunk in ear.bridge.fetch(attachment)]


async def test_a_file_is_streamed_in_pieces(ear: Ear) -> None:
    pieces = await read(ear, await attached(ear))
    assert b"".join(pieces) == CONTENT
    assert all(len(piece) <= CHUNK for piece in pieces)


async def test_the_token_is_not_shown_to_the_file_server(ear: Ear, server: DiscordServer) -> None:
    """The file server is another host than the API."""
    await read(ear, await attached(ear))
    assert server.file_headers
    assert all("Authorization" not in headers for headers in server.file_headers)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("cdn", "status", status=404),
        Fault("cdn", "drop", times=2),  # aiohttp repeats a GET on a connection that had been idle
        Fault("cdn", "lost"),
        Fault("messages.get", "status", status=403),
        Fault("messages.get", "status", status=429, retry_after=30),
    ],
    ids=lambda fault: f"{fault.on}-{fault.kind}-{fault.status}",
)
async def test_a_file_that_cannot_be_read_is_said(ear: Ear, server: DiscordServer, fault: Fault) -> None:
    attachment = await attached(ear)
    server.faults.add(fault)
    with pytest.raises(AttachmentError, match=r"chart\.png"):
        await read(ear, attachment)


async def test_a_refusal_that_passes_soon_is_waited_for(ear: Ear, server: DiscordServer) -> None:
    attachment = await attached(ear)
    server.faults.add(Fault("messages.get", "status", status=429, retry_after=0.01, times=2))
    assert b"".join(await read(ear, attachment)) == CONTENT


async def test_a_file_of_a_deleted_message_is_gone(ear: Ear, server: DiscordServer) -> None:
    attachment = await attached(ear)
    server.remove(attachment.reference.split("/")[1])
    with pytest.raises(AttachmentError):
        await read(ear, attachment)


@pytest.mark.parametrize("reference", ["", "http://127.0.0.1/x", "1/2", "1/2/3/4", "../../etc"])
async def test_a_foreign_reference_leads_nowhere(ear: Ear, server: DiscordServer, reference: str) -> None:
    attachment = dataclasses.replace(await attached(ear), reference=reference)
    before = len(server.feed.past)
    with pytest.raises(AttachmentError):
        await read(ear, attachment)
    assert not [h for h in server.feed.past[before:] if h.kind == "call"]


async def test_no_more_is_read_than_was_announced(ear: Ear, server: DiscordServer) -> None:
    """A file that turns out larger is given up, before it is all in memory."""
    attachment = await attached(ear)
    server.find(attachment.reference.split("/")[1]).files[0].stated_size = 100
    with pytest.raises(AttachmentError, match="larger"):
        await read(ear, attachment)
