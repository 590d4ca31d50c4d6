"""The GoAPI Conversation API, after the vendor's pages, with the answers of ChatGPT's web page behind it.

What the pages leave open, and is therefore chosen here: the path and form of the upload (`POST …/{id}/upload`, any
multipart field with a file), whether a file may come before its conversation (`takes_early_files`), the status for a
conversation that is unknown (`unknown_status`), and the refusal of a second request to a conversation (400, which a
public client is seen to wait for).
"""

from __future__ import annotations

import mimetypes
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal
from urllib.parse import quote

from aiohttp import BodyPartReader, web

from sandbox.faults import Fault
from sandbox.upstream import brain, picture
from sandbox.upstream.conversations import Attached, Conversation, Kind, StoredFile
from sandbox.upstream.dialect import API_KEY, Dialect, Refused, Route, json_response, retry_after
from sandbox.upstream.goapi_deltas import Deltas
from sandbox.upstream.goapi_stream import Drawing, Encoding, Snapshots
from sandbox.upstream.turns import Call, Turns

ROOT = "/api/chatgpt/v1/conversation"
MODELS = frozenset({"gpt-4", "gpt-4o", "gpt-4-gizmo"})
PICTURE = (192, 128)
"""Width and height of what is drawn."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A message as it was sent."""

    content: dict[str, Any]
    metadata: dict[str, Any]
    text: str
    attached: tuple[Attached, ...]
    file_ids: tuple[str, ...]


class GoApi(Dialect):
    kind: ClassVar[Kind] = "goapi"

    def __init__(self, turns: Turns, *, base_url: Callable[[], str]) -> None:
        super().__init__(turns)
        self._base_url = base_url
        self.encoding: Encoding = "snapshots"
        self.separator = " "
        """The line between two snapshots: one space, as the page prints it, or nothing, as the format wants it."""
        self.unknown_status: Literal[400, 404] = 404
        """404 with ChatGPT's own body, or 400, the only one of the documented statuses that fits."""
        self.takes_early_files = False
        """`POST …/conversation/upload`, without an id, for files of the first message, which wait in memory only."""
        self._early: dict[str, StoredFile] = {}
        self.blocked_words: tuple[str, ...] = ()
        """A message with one of these is blocked by the moderation, and gets no answer."""

    def routes(self) -> tuple[Route, ...]:
        return (
            Route("POST", ROOT, "goapi.create", self._create),
            Route("POST", ROOT + "/upload", "goapi.upload", self._upload_early),
            Route("POST", ROOT + "/{id}", "goapi.message", self._message),
            Route("POST", ROOT + "/{id}/upload", "goapi.upload", self._upload),
            Route("POST", ROOT + "/{id}/download", "goapi.download", self._download),
            Route("GET", "/goapi-files/{id}/{file_id}", "goapi.file", self._file),
        )

    def authorise(self, request: web.Request) -> None:
        if request.headers.get("X-API-Key") != API_KEY and not request.path.startswith("/goapi-files/"):
            raise _refused(401, "Invalid API key")

    def struck(self, fault: Fault) -> web.Response:
        sentence = fault.error or {429: "Too many requests", 401: "Invalid API key"}.get(fault.status, "Service error")
        return _envelope(fault.status, None, sentence, headers=retry_after(fault))

    async def _create(self, call: Call) -> web.StreamResponse:
        body = _object(call)
        model, gizmo_id = body.get("model"), body.get("gizmo_id")
        if model not in MODELS:
            raise _refused(400, f"model must be one of {', '.join(sorted(MODELS))}")
        if gizmo_id is not None and not (isinstance(gizmo_id, str) and gizmo_id.startswith("g-")):
            raise _refused(400, "gizmo_id is invalid")
        asked = _asked(body, self._early)
        conversation = self._turns.conversations.create(self.kind, str(uuid.uuid4()))
        conversation.metadata |= {"model": model, "gizmo_id": gizmo_id}
        conversation.files |= {id: self._early.pop(id) for id in asked.file_ids}
        self._turns.feed.publish("opened", system=self.kind, conversation=conversation.id)
        return await self._answer(call, conversation, asked)

    async def _message(self, call: Call) -> web.StreamResponse:
        conversation = self._known(call)
        asked = _asked(_object(call), conversation.files)
        if conversation.busy:
            raise _refused(400, "Only one message at a time, please wait for the answer to the previous one")
        return await self._answer(call, conversation, asked)

    async def _answer(self, call: Call, conversation: Conversation, asked: _Asked) -> web.StreamResponse:
        question_id, answer_id = str(uuid.uuid4()), str(uuid.uuid4())
        answer = self._turns.ask(conversation, asked.text, asked.attached, id=question_id, draws=True)
        blocked = any(word.lower() in asked.text.lower() for word in self.blocked_words)
        subject = brain.picture_wanted(asked.text)
        framing = (Deltas if self.encoding == "deltas" else Snapshots)(
            conversation.id,
            answer_id,
            question_id,
            {"content": asked.content, "metadata": asked.metadata},
            conversation.metadata["model"],
            conversation.metadata["gizmo_id"],
            drawing=_draw(conversation, subject) if subject and not blocked else None,
            blocked=blocked,
        )
        if self.encoding == "snapshots":
            framing.separator = self.separator
        return await self._turns.stream(call, conversation, "" if blocked else answer, framing, answer_id=answer_id)

    async def _upload(self, call: Call) -> web.StreamResponse:
        return await self._received(call, self._known(call).files)

    async def _upload_early(self, call: Call) -> web.StreamResponse:
        if not self.takes_early_files:
            raise _refused(400, "a conversation is required")
        return await self._received(call, self._early)

    async def _received(self, call: Call, files: dict[str, StoredFile]) -> web.StreamResponse:
        if not call.request.content_type.startswith("multipart/"):
            raise _refused(400, "a file is required")
        async for part in await call.request.multipart():
            if isinstance(part, BodyPartReader) and part.filename:
                content = bytes(await part.read(decode=True))
                media_type = part.headers.get("Content-Type") or mimetypes.guess_type(part.filename)[0]
                file = StoredFile(_file_id(), part.filename, media_type or "application/octet-stream", content)
                files[file.id] = file
                return _envelope(
                    200, {"file_name": file.name, "file_id": file.id, "file_size": len(content)}, "success"
                )
        raise _refused(400, "a file is required")

    async def _download(self, call: Call) -> web.StreamResponse:
        conversation = self._known(call)
        file = conversation.files.get(str(_object(call).get("file_id")))
        if file is None:
            raise _refused(400, "file not found")
        url = f"{self._base_url()}/goapi-files/{conversation.id}/{file.id}"
        return _envelope(200, {"download_url": url, "file_name": file.name}, "success")

    async def _file(self, call: Call) -> web.StreamResponse:
        conversation = self.conversation(call.request.match_info["id"])
        file = conversation.files.get(call.request.match_info["file_id"]) if conversation else None
        if file is None:
            return web.Response(status=404, text="Not Found")
        return web.Response(
            body=file.content,
            content_type=file.media_type,
            headers={"Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name)}"},
        )

    def _known(self, call: Call) -> Conversation:
        id = call.request.match_info["id"]
        conversation = self.conversation(id)
        if conversation is not None:
            return conversation
        if self.unknown_status == 400:
            raise _refused(400, f"conversation {id} not found")
        detail = {"message": f"Can't load conversation {id}", "code": "conversation_not_found"}
        raise Refused(json_response({"detail": detail}, 404))


def _draw(conversation: Conversation, subject: str) -> Drawing:
    width, height = PICTURE
    file = StoredFile(_file_id(), f"{subject[:40]}.png", "image/png", picture.png(width, height, seed=subject))
    conversation.files[file.id] = file
    return Drawing(f"{subject}, at the sea, at sunset", file, width, height)


def _asked(body: dict[str, Any], files: dict[str, StoredFile]) -> _Asked:
    content, metadata = body.get("content"), body.get("metadata") or {}
    if not isinstance(content, dict) or not isinstance(metadata, dict):
        raise _refused(400, "content is required")
    parts = content.get("parts")
    if content.get("content_type") not in {"text", "multimodal_text"} or not isinstance(parts, list) or not parts:
        raise _refused(400, "content is invalid")
    texts = [part for part in parts if isinstance(part, str)]
    pointers = [part for part in parts if not isinstance(part, str)]
    if pointers and content["content_type"] == "text":
        raise _refused(400, "parts of a text are strings")
    attachments = metadata.get("attachments") or []
    listed = {str(item.get("id")): _listed(item, files) for item in attachments if isinstance(item, dict)}
    for pointer in pointers:
        id = _pointed(pointer)
        if id not in files:
            raise _refused(400, "file not found")
        listed.setdefault(id, Attached(files[id].name, files[id].media_type, len(files[id].content)))
    return _Asked(content, metadata, "\n".join(texts), tuple(listed.values()), tuple(listed))


def _listed(item: dict[str, Any], files: dict[str, StoredFile]) -> Attached:
    file = files.get(str(item.get("id")))
    if file is None:
        raise _refused(400, "file not found")
    media_type = item.get("mimeType") or item.get("mime_type") or file.media_type  # the page shows both spellings
    return Attached(str(item.get("name") or file.name), str(media_type), len(file.content))


def _pointed(part: Any) -> str:
    pointer = part.get("asset_pointer") if isinstance(part, dict) else None
    if not isinstance(pointer, str) or not pointer.startswith("file-service://"):
        raise _refused(400, "a part is neither a text nor an asset pointer")
    return pointer.removeprefix("file-service://")


def _object(call: Call) -> dict[str, Any]:
    if not isinstance(call.body, dict):
        raise _refused(400, "the body has to be a JSON object")
    return call.body


def _file_id() -> str:
    return f"file-{uuid.uuid4().hex[:24]}"


def _envelope(code: int, data: Any, message: str, headers: dict[str, str] | None = None) -> web.Response:
    return json_response({"code": code, "data": data, "message": message}, code, headers)


def _refused(code: int, message: str) -> Refused:
    return Refused(_envelope(code, None, message))
