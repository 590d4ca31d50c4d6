"""Reading a file that a person sent.

Discord's addresses of files expire after a day and are a key to the file by themselves, so what is kept is where the
file was posted, and the address is asked for when it is needed.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import aiohttp
import discord

from bridges.discord.errors import TRANSLATED, translated
from bridges.discord.rest import Rest
from core.errors import AttachmentError
from core.model import Attachment

CHUNK = 64 * 1024
LARGEST = 500 * 2**20
"""Bytes; what Discord takes from those who pay most, https://support.discord.com/hc/en-us/articles/25444343291031."""
TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=30)

_REFERENCE = re.compile(r"([0-9]{1,20})/([0-9]{1,20})/([0-9]{1,20})", re.ASCII)


LONGEST_WAIT = 15.0
"""Seconds that Discord may ask to wait for; a person waits with it."""


async def stream(client: discord.Client, rest: Rest, attachment: Attachment) -> AsyncIterator[bytes]:
    """The bytes, in pieces of at most `CHUNK`. Raises `AttachmentError`."""
    match = _REFERENCE.fullmatch(attachment.reference)
    if match is None:
        raise AttachmentError(detail="the reference is not of this bridge")
    try:
        message = await _posted(client, int(match[1]), int(match[2]))
        found = next((file for file in message.attachments if file.id == int(match[3])), None)
        if found is None:
            raise AttachmentError(f"The file {attachment.name} is no longer attached to the message.")
        async with rest.session.get(found.url, timeout=TIMEOUT, allow_redirects=False) as response:
            if response.status != 200:
                raise AttachmentError(
                    f"Discord did not hand out the file {attachment.name}.", detail=f"status {response.status}"
                )
            size = 0
            async for chunk in response.content.iter_chunked(CHUNK):
                size += len(chunk)
                if size > min(found.size, LARGEST):
                    raise AttachmentError(f"The file {attachment.name} is larger than Discord says.")
                yield chunk
    except TRANSLATED as error:
        reason = translated(error)
        raise AttachmentError(
            f"The file {attachment.name} could not be read from Discord.", detail=reason.detail or type(reason).__name__
        ) from None


async def _posted(client: discord.Client, channel: int, message: int) -> discord.Message:
    """The message that the file was posted with; somebody who sends many at once has it asked for often."""
    partial = client.get_partial_messageable(channel).get_partial_message(message)
    until = asyncio.get_running_loop().time() + LONGEST_WAIT
    while True:
        try:
            return await partial.fetch()
        except discord.RateLimited as refusal:
            if asyncio.get_running_loop().time() + refusal.retry_after > until:
                raise
            await asyncio.sleep(refusal.retry_after)
