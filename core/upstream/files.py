"""A person's attachments on their way to an upstream: which may pass, and a sentence for each that may not."""

from __future__ import annotations

import base64
import mimetypes
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass

from core.errors import AttachmentError, PromptRejected
from core.model import Attachment, Fetch, Prompt

MB = 1024 * 1024

TOTAL_LIMIT = 40 * MB
"""Bytes of all files of one turn, since they are in memory while they are sent."""

Rule = Callable[[Attachment], int | str]
"""How many bytes of this attachment may pass, or why it may not, as the end of a sentence without its full stop."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """An attachment with its bytes."""

    attachment: Attachment
    data: bytes

    @property
    def name(self) -> str:
        return plain_name(self.attachment)

    @property
    def media_type(self) -> str:
        return media_type(self.attachment)

    @property
    def base64(self) -> str:
        return base64.b64encode(self.data).decode("ascii")


@dataclass(frozen=True, slots=True)
class Luggage:
    """What a prompt carries after its attachments were read."""

    text: str
    """The person's text; before it, a sentence for each file that could not be passed on."""
    files: tuple[Loaded, ...] = ()


def plain_name(attachment: Attachment) -> str:
    """The file's name on one line and of bounded length: it may come to stand inside a prompt."""
    return " ".join(attachment.name.split())[:100] or "file"


def extension(attachment: Attachment) -> str:
    """In lower case, without its dot; by the media type if the name has none."""
    _, dot, ending = attachment.name.rpartition(".")
    if dot and ending.isalnum() and len(ending) <= 8:
        return ending.lower()
    return (mimetypes.guess_extension(attachment.media_type.partition(";")[0].strip()) or "").lstrip(".")


def media_type(attachment: Attachment) -> str:
    """Without its parameters; by the name if the platform tells none."""
    stated = attachment.media_type.partition(";")[0].strip().lower()
    if stated and stated != "application/octet-stream":
        return stated
    return mimetypes.guess_type(plain_name(attachment))[0] or "application/octet-stream"


async def load(prompt: Prompt, rule: Rule, *, most: int, total: int = TOTAL_LIMIT) -> Luggage:
    """Reads the attachments that may pass, at most `most`, and says which may not and why.

    Raises `PromptRejected` if then there is neither text nor a file."""
    files: list[Loaded] = []
    notes: list[str] = []
    left = total
    for attachment in prompt.attachments:
        allowed = rule(attachment) if len(files) < most else _too_many(most)
        found: bytes | str = (
            allowed if isinstance(allowed, str) else await _read(prompt.fetch, attachment, allowed, left)
        )
        if isinstance(found, str):
            notes.append(f"The file {plain_name(attachment)} could not be passed on: {found}.")
        else:
            files.append(Loaded(attachment, found))
            left -= len(found)
    if not files and not prompt.text.strip():
        raise PromptRejected(" ".join(notes) or "There is nothing in this message that the assistant could read.")
    text = "\n".join(f"[{note}]" for note in notes)
    return Luggage("\n\n".join(part for part in (text, prompt.text) if part), tuple(files))


def _too_many(most: int) -> str:
    return f"the assistant takes at most {most} files at once" if most else "the assistant takes no files"


async def _read(fetch: Fetch | None, attachment: Attachment, allowed: int, left: int) -> bytes | str:
    limit = min(allowed, left)
    too_large = (
        f"it is larger than {allowed // MB} MB"
        if allowed <= left and allowed >= MB
        else f"it is larger than {allowed // 1024} KB"
        if allowed <= left
        else "the files are too large together"
    )
    if (attachment.size or 0) > limit:
        return too_large
    if fetch is None:
        return "it could not be read"
    parts: list[bytes] = []
    size = 0
    source = fetch(attachment)
    try:
        async for chunk in source:
            size += len(chunk)
            if size > limit:
                return too_large
            parts.append(chunk)
    except AttachmentError:
        return "it could not be read"
    finally:
        if isinstance(source, AsyncGenerator):
            await source.aclose()  # its connection goes now, not when it is collected
    return b"".join(parts) if size else "it is empty"
