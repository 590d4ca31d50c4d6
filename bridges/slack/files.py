"""Reading a file that a person sent. The token goes to Slack's own hosts and to nobody else."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import aiohttp

from bridges.slack.web import Json, Web
from core.errors import AttachmentError, PlatformError
from core.model import Attachment

LIMIT = 2**30
"""Slack takes files up to 1 GB: https://slack.com/help/articles/201330736"""
CHUNK = 64 * 1024
TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=30)
HOSTS = ("slack.com", "slack-files.com", "slack-gov.com", "slack-files-gov.com")


async def stream(
    attachment: Attachment, web: Web, session: aiohttp.ClientSession, token: str, api_url: str
) -> AsyncIterator[bytes]:
    """The bytes, in pieces. Raises `AttachmentError`."""
    url = await _address(attachment, web)
    if not trusted(url, api_url):
        raise AttachmentError(
            f"{attachment.name} is not kept by Slack, which only links to it: please upload the file itself.",
            detail=urlsplit(url).hostname or "no address",
        )
    read = 0
    try:
        async with session.get(
            url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=TIMEOUT,
            # a redirect leads to a page for logging in, and must not carry the token anywhere
            allow_redirects=False,
        ) as response:
            _check(response, attachment)
            async for chunk in response.content.iter_chunked(CHUNK):
                read += len(chunk)
                if read > LIMIT:
                    raise AttachmentError(f"{attachment.name} is too large.")
                yield chunk
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise AttachmentError(f"{attachment.name} could not be read from Slack.", detail=type(error).__name__) from None


async def _address(attachment: Attachment, web: Web) -> str:
    """Files from other organisations come without one: Slack has to be asked."""
    try:
        reference: Json = json.loads(attachment.reference)
        url, id = str(reference["url"]), str(reference["id"])
    except (ValueError, LookupError, TypeError):
        raise AttachmentError(detail="not a reference of Slack's") from None
    if url:
        return url
    try:
        file: Json = (await web(web.api.files_info(file=id))).get("file") or {}
    except PlatformError as error:
        raise AttachmentError(f"{attachment.name} could not be read from Slack.", detail=error.detail) from None
    return str(file.get("url_private_download") or file.get("url_private") or "")


def trusted(url: str, api_url: str) -> bool:
    """May the token be sent there?"""
    try:
        at, api = urlsplit(url), urlsplit(api_url)
        if (at.scheme, at.hostname, at.port) == (api.scheme, api.hostname, api.port):
            return True
        host = at.hostname or ""
        return at.scheme == "https" and any(host == known or host.endswith(f".{known}") for known in HOSTS)
    except ValueError:
        return False


def _check(response: aiohttp.ClientResponse, attachment: Attachment) -> None:
    if response.status in (404, 410):
        raise AttachmentError(f"{attachment.name} is no longer there.", detail=f"status {response.status}")
    if response.status != 200:
        raise AttachmentError(f"{attachment.name} could not be read from Slack.", detail=f"status {response.status}")
    # without the scope files:read Slack answers with a page for logging in, and status 200
    if response.content_type == "text/html" and attachment.media_type != "text/html":
        raise AttachmentError(
            f"{attachment.name} could not be read: this bot may not read files.", detail="a page instead of the file"
        )
