"""GoAPI's Conversation API: ChatGPT's web service behind a key. The first message creates the conversation."""

from __future__ import annotations

import asyncio
import logging
import mimetypes
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp

from core.errors import ConversationUnknown, PromptRejected, UpstreamError, UpstreamRefused
from core.model import Attachment, Done, Event, File, Prompt, Text
from core.settings import GoApi
from core.upstream import Limits
from core.upstream.adapter import Adapter, with_history
from core.upstream.chatgpt_web import Asset, ChatGptWebReader
from core.upstream.failures import complaint_in, complaint_of, error_for
from core.upstream.fields import table, words
from core.upstream.files import MB, Loaded, load
from core.upstream.http import Call, Sleep
from core.upstream.image_size import image_size

log = logging.getLogger(__name__)

_ROOT = "/api/chatgpt/v1/conversation"
_FILES = 10  # what ChatGPT's own page takes at once
_FILE_SIZE = 20 * MB  # what it takes of an image; a common bound for all kinds
_LATER = "the assistant takes files only once the conversation has begun; please send it again with the next message"


class GoApiUpstream(Adapter):
    """See `core.upstream.Upstream`. It streams only, and has no list or history to read."""

    def __init__(self, name: str, section: GoApi, *, sleep: Sleep = asyncio.sleep) -> None:
        super().__init__(name, section, {"X-API-Key": section.api_key.get_secret_value()}, sleep=sleep)
        self._section = section

    @property
    def limits(self) -> Limits:
        return Limits(files=_FILES, file_size=_FILE_SIZE)

    async def _answer(self, prompt: Prompt, until: float | None) -> AsyncGenerator[Event, None]:
        body = await self._body(prompt, until)
        path = _ROOT if prompt.conversation_id is None else f"{_ROOT}/{quote(prompt.conversation_id, safe='')}"

        judge = _judge if prompt.conversation_id is None else _judge_known
        reader = ChatGptWebReader()
        async with (
            self._http.exchange(Call("POST", path, json=body), judge, until) as answer,
            aclosing(self._read(answer, reader)) as events,
        ):
            async for event in events:
                if isinstance(event, Done):
                    conversation = reader.conversation_id or prompt.conversation_id or ""
                    for asset in reader.assets.values():
                        yield await self._file(conversation, asset, until)
                yield event

    # --- in -----------------------------------------------------------------------------------------------------------

    async def _body(self, prompt: Prompt, until: float | None) -> dict[str, Any]:
        luggage = await load(prompt, _allowed, most=_FILES)
        text = with_history(luggage.text, prompt.history)
        notes: list[str] = []
        images: list[dict[str, Any]] = []
        attached: list[dict[str, Any]] = []
        for file in luggage.files:
            try:
                file_id = await self._upload(prompt.conversation_id, file, until)
            except (ConversationUnknown, PromptRejected, UpstreamRefused) as error:
                if prompt.conversation_id is not None and not isinstance(error, PromptRejected):
                    raise
                why = "the assistant did not take it" if prompt.conversation_id is not None else _LATER
                log.info("upload: %s", type(error).__name__)
                notes.append(f"The file {file.name} could not be passed on: {why}.")
                continue
            size = image_size(file.data) if file.media_type.startswith("image/") else None
            pixels = {} if size is None else {"width": size[0], "height": size[1]}
            if size is not None:
                pointer = f"file-service://{file_id}"
                images.append(
                    {
                        "content_type": "image_asset_pointer",
                        "asset_pointer": pointer,
                        "size_bytes": len(file.data),
                        **pixels,
                    }
                )
            # the vendor's samples spell the media type both ways
            kind = {"mimeType": file.media_type, "mime_type": file.media_type}
            attached.append({"id": file_id, "name": file.name, "size": len(file.data), **kind, **pixels})
        if not (attached or prompt.text.strip()):
            raise PromptRejected(" ".join(notes))
        text = "\n\n".join([*(f"[{note}]" for note in notes), text])
        content = {"content_type": "multimodal_text" if images else "text", "parts": [*images, text]}
        body: dict[str, Any] = {"content": content}
        if attached:
            body["metadata"] = {"attachments": attached}
        if prompt.conversation_id is None:
            body["model"] = self._section.model
            if self._section.gizmo_id is not None:
                body["gizmo_id"] = self._section.gizmo_id
        return body

    async def _upload(self, conversation_id: str | None, file: Loaded, until: float | None) -> str:
        """The service's ID of the file. Its page documents the answer, but neither the form's field, for which the
        customary name is taken, nor whether a file may come before the conversation: that is tried."""

        def form() -> aiohttp.FormData:
            made = aiohttp.FormData()
            made.add_field("file", file.data, filename=file.name, content_type=file.media_type)
            return made

        path = f"{_ROOT}/upload" if conversation_id is None else f"{_ROOT}/{quote(conversation_id, safe='')}/upload"
        judge = _judge if conversation_id is None else _judge_known
        found = await self._http.document(Call("POST", path, form=form), judge, until)
        file_id = words(table(table(found).get("data")).get("file_id"))
        if not file_id:
            complaint = complaint_of(found)
            raise PromptRejected(detail=f"upload: {complaint.detail if complaint else 'no file_id'}")
        return file_id

    # --- out ----------------------------------------------------------------------------------------------------------

    async def _file(self, conversation: str, asset: Asset, until: float | None) -> File | Text:
        """The file with the address that it can be fetched from for a while, or a sentence that it could not be had."""
        path = f"{_ROOT}/{quote(conversation, safe='')}/download"
        try:
            found = await self._http.document(Call("POST", path, json={"file_id": asset.id}), _judge, until)
        except UpstreamError:
            found = None
        address = words(table(table(found).get("data")).get("download_url"))
        if not address.startswith(("https://", "http://")):
            return Text("\n\n*(A file that belongs to this answer could not be fetched.)*")
        guessed, _ = mimetypes.guess_type(urlsplit(address).path)
        media_type = guessed or asset.media_type
        return File(asset.id + (mimetypes.guess_extension(media_type) or ""), media_type, address)


def _allowed(_: Attachment) -> int | str:
    return _FILE_SIZE


def _judge_known(status: int, said: bytes) -> UpstreamError:
    """As `_judge`, where the address names a conversation."""
    if status == 404:
        return ConversationUnknown(detail=f"HTTP 404 {complaint_in(said).detail}")
    return error_for(complaint_in(said), status)


def _judge(status: int, said: bytes) -> UpstreamError:
    return error_for(complaint_in(said), status)
