"""Posting files: https://docs.slack.dev/messaging/working-with-files#uploading_files

An address is asked for, the bytes go there, and only then does the file appear in its thread.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp

from bridges.slack.thread import Thread
from bridges.slack.web import Web
from core.errors import PlatformRefused, PlatformUnavailable
from core.fetching import Fetched
from core.model import MessageId

LARGEST = 2**30
"""Bytes: https://slack.com/help/articles/201330736"""
CHUNK = 64 * 1024
TIMEOUT = aiohttp.ClientTimeout(total=120, sock_connect=10)


async def attach(web: Web, session: aiohttp.ClientSession, place: Thread, name: str, file: Fetched) -> MessageId:
    """Gives the file's id: Slack does not say here which message it made of it. Raises `PlatformError`."""
    answer = await web(web.api.files_getUploadURLExternal(filename=name, length=file.size))
    address, id = answer.get("upload_url"), answer.get("file_id")
    if not (isinstance(address, str) and isinstance(id, str)):
        raise PlatformUnavailable(detail="files.getUploadURLExternal answered without an address")
    await _upload(session, address, file)
    await web(
        web.api.files_completeUploadExternal(
            files=[{"id": id, "title": name}], channel_id=place.channel, thread_ts=place.root
        )
    )
    return MessageId(id)


async def _pieces(file: Fetched) -> AsyncIterator[bytes]:
    while piece := file.content.read(CHUNK):
        yield piece


async def _upload(session: aiohttp.ClientSession, address: str, file: Fetched) -> None:
    """The address is a key by itself: the token does not go there."""
    try:
        async with session.post(
            address,
            data=_pieces(file),  # given the file itself, aiohttp would close it
            headers={"Content-Type": "application/octet-stream", "Content-Length": str(file.size)},
            timeout=TIMEOUT,
            allow_redirects=False,
        ) as response:
            status = response.status
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise PlatformUnavailable(detail=f"upload: {type(error).__name__}") from None
    if status >= 500 or status == 429:
        raise PlatformUnavailable(detail=f"upload: status {status}")
    if not 200 <= status < 300:
        raise PlatformRefused(detail=f"upload: status {status}")
