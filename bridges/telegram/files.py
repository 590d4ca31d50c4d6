"""Reading the files that people send, in pieces."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx

from bridges.telegram.client import Client
from core.errors import AttachmentError, PlatformError
from core.model import Attachment

PIECE = 64 << 10

LARGEST = 20 << 20
"""Bytes that the Bot API gives out (`getFile`); a self-hosted server may say more of a file."""


async def fetched(client: Client, attachment: Attachment) -> AsyncIterator[bytes]:
    """The bytes of an attachment. Raises `AttachmentError`."""
    try:
        with client.calling():
            file = await client.bot.get_file(attachment.reference)
    except PlatformError as error:
        if "too big" in error.detail.lower():
            raise AttachmentError(
                f"{attachment.name} is too large: Telegram lets bots read files up to {LARGEST >> 20} MB.",
                detail=error.detail,
            ) from None
        raise AttachmentError(_sentence(attachment), detail=error.detail) from None
    size = file.file_size if file.file_size is not None else LARGEST
    read = 0
    try:
        async with client.download(file.file_path or "") as response:
            if response.status_code != httpx.codes.OK:
                raise AttachmentError(_sentence(attachment), detail=f"the file server says {response.status_code}")
            async for piece in response.aiter_bytes(PIECE):
                read += len(piece)
                if read > size:
                    raise AttachmentError(_sentence(attachment), detail=f"more than the {size} bytes it was to have")
                yield piece
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise AttachmentError(_sentence(attachment), detail=client.safe(f"{type(error).__name__}: {error}")) from None


def _sentence(attachment: Attachment) -> str:
    return f"{attachment.name} could not be read from Telegram. Please send it again."
