from __future__ import annotations

import pytest

from bridges.telegram import TelegramBridge
from core.errors import AttachmentError
from core.model import Attachment
from sandbox.faults import Fault
from sandbox.telegram import TelegramServer
from tests.bridges.telegram.ear import Ear

ANN = "501001"


async def received(tg: TelegramServer, ear: Ear, data: bytes) -> Attachment:
    await tg.attach(ANN, "document", data, name="tides.bin", media_type="application/octet-stream")
    [message] = await ear.hears()
    return message.attachments[0]


async def test_a_file_is_read_in_pieces(tg: TelegramServer, bridge: TelegramBridge, ear: Ear) -> None:
    data = bytes(range(256)) * 4096
    file = await received(tg, ear, data)
    pieces = [piece async for piece in bridge.fetch(file)]
    assert b"".join(pieces) == data
    assert max(map(len, pieces)) <= 64 << 10
    assert len(data) == file.size
    assert "sandbox-telegram-token" not in file.reference


@pytest.mark.parametrize(
    "fault",
    [
        Fault("getFile", "status", status=500),
        Fault("getFile", "drop"),
        Fault("getFile", "status", status=429, retry_after=3),
        Fault("file", "status", status=404),
        Fault("file", "drop"),
        Fault("file", "lost"),
    ],
    ids=lambda fault: f"{fault.on}-{fault.kind}-{fault.status}",
)
async def test_a_file_that_cannot_be_read_says_so(
    tg: TelegramServer, bridge: TelegramBridge, ear: Ear, fault: Fault
) -> None:
    file = await received(tg, ear, b"x" * 300_000)
    tg.faults.add(fault)
    with pytest.raises(AttachmentError, match=r"tides\.bin could not be read") as caught:
        [piece async for piece in bridge.fetch(file)]
    assert "sandbox-telegram-token" not in f"{caught.value} {caught.value.detail}"


async def test_a_file_that_is_too_large_says_how_large_it_may_be(
    tg: TelegramServer, bridge: TelegramBridge, ear: Ear
) -> None:
    file = await received(tg, ear, b"x" * ((20 << 20) + 1))
    with pytest.raises(AttachmentError, match="up to 20 MB"):
        [piece async for piece in bridge.fetch(file)]


async def test_a_reference_from_elsewhere_is_refused(bridge: TelegramBridge) -> None:
    with pytest.raises(AttachmentError):
        [piece async for piece in bridge.fetch(Attachment("a", "text/plain", None, "nonsense"))]
