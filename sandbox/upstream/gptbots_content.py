"""What a GPTBots message may hold: its text and files, in the form of version 1 and of version 2, with the limits of
the vendor's page. Pure."""

from __future__ import annotations

import base64
import binascii
import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Literal
from urllib.parse import urlsplit

from sandbox.upstream.conversations import Attached, Said

FileKind = Literal["image", "audio", "document"]

FILES = 9
"""At most, in one message."""
SIZES: dict[FileKind, int] = {"document": 20 * 2**20, "image": 10 * 2**20, "audio": 5 * 2**20}
"""Bytes of one file, at most."""
KINDS: dict[str, FileKind] = {
    **dict.fromkeys(("jpg", "jpeg", "png", "gif", "webp"), "image"),
    **dict.fromkeys(("mp3", "wav", "aac"), "audio"),
    **dict.fromkeys(("pdf", "txt", "docx", "doc", "csv", "xlsx", "xls", "html", "json", "md", "pptx"), "document"),
}


class Rejected(Exception):
    """The parameters are not as documented (40000)."""


@dataclass(frozen=True, slots=True)
class File:
    kind: FileKind
    attached: Attached


@dataclass(frozen=True, slots=True)
class Content:
    """A message as the brain takes it."""

    text: str
    files: tuple[File, ...]
    history: tuple[Said, ...] | None = None
    """In place of the conversation's own memory, where the request brings one."""

    @property
    def attached(self) -> tuple[Attached, ...]:
        return tuple(file.attached for file in self.files)


def read_v1(body: dict[str, Any]) -> Content:
    """`text` and `files`, of which there has to be one."""
    text, files = body.get("text") or "", body.get("files") or []
    if not isinstance(text, str) or not isinstance(files, list):
        raise Rejected("text has to be a string and files an array")
    if not text and not files:
        raise Rejected("Either text or files must be entered")
    return _content(text, [_file(item, None) for item in files])


def read_v2(body: dict[str, Any]) -> Content:
    """`messages`, of which those before the last stand in for the memory. The payload of a part is a list of objects,
    or, as in the older pages, one object."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages or not all(isinstance(item, dict) for item in messages):
        raise Rejected("messages is required")
    for message in messages:
        if message.get("role") not in {"user", "assistant"}:
            raise Rejected("role has to be user or assistant")
    if messages[-1]["role"] != "user":
        raise Rejected("the last message has to be the user's")
    read = [_parts(message.get("content")) for message in messages]
    earlier = [Said(message["role"], text) for message, (text, _) in zip(messages, read, strict=True)][:-1]
    text, files = read[-1]
    if not text and not files:
        raise Rejected("content is required")
    content = _content(text, files)
    return Content(content.text, content.files, tuple(earlier)) if earlier else content


def _content(text: str, files: Sequence[File]) -> Content:
    if len(files) > FILES:
        raise Rejected(f"No more than {FILES} files can be submitted")
    return Content(text, tuple(files))


def _parts(content: Any) -> tuple[str, list[File]]:
    if isinstance(content, str):
        return content, []
    if not isinstance(content, list):
        raise Rejected("content has to be a string or a list of parts")
    texts: list[str] = []
    files: list[File] = []
    for part in content:
        match part:
            case {"type": "text", "text": str(text)}:
                texts.append(text)
            case {"type": "image" | "audio" | "document" as kind} if kind in part:
                items: list[Any] = part[kind] if isinstance(part[kind], list) else [part[kind]]
                files += [_file(item, kind) for item in items]
            case _:
                raise Rejected("a part of content is invalid")
    return "\n".join(texts), files


def _file(item: Any, kind: FileKind | None) -> File:
    if not isinstance(item, dict):
        raise Rejected("a file has to be an object")
    url, encoded = item.get("url"), item.get("base64_content")
    name = str(item.get("name") or (PurePosixPath(urlsplit(url).path).name if isinstance(url, str) else ""))
    extension = str(item.get("format") or name.rpartition(".")[2]).lower()
    if extension not in KINDS:
        raise Rejected(f"files of the type {extension!r} are not supported")
    if kind not in (None, KINDS[extension]):
        raise Rejected(f"{extension} is not a format of {kind}")
    size = None
    if isinstance(encoded, str):
        try:
            size = len(base64.b64decode(encoded, validate=True))
        except (binascii.Error, ValueError):
            raise Rejected("base64_content cannot be decoded") from None
        if size > SIZES[KINDS[extension]]:
            raise Rejected(f"{name}: the file is too large")
    elif not isinstance(url, str) or urlsplit(url).scheme not in {"http", "https"}:
        raise Rejected("a file needs url or base64_content")
    media_type = mimetypes.types_map.get(f".{extension}", "application/octet-stream")
    return File(KINDS[extension], Attached(name or f"file.{extension}", media_type, size))
