"""Names of files that do no harm to whoever saves them."""

from __future__ import annotations

import mimetypes
import re
import unicodedata

LONGEST = 100
"""Bytes. Every file system takes it, and every platform shows it whole."""
_LONGEST_ENDING = 12

_SEPARATORS = re.compile(r"[/\\]")
_FORBIDDEN = re.compile(r'[<>:"|?*@`]')
"""What no file system of Windows takes, and what begins a mention or code in a chat."""
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])\s*(?:\..*)?", re.IGNORECASE)


def safe_name(name: str, media_type: str) -> str:
    """The last part of a path, without what cannot be seen, steers text or names a device. Where the media type is an
    image, a sound or a film, the ending is one of that kind."""
    name = _SEPARATORS.split(unicodedata.normalize("NFC", name))[-1]
    name = "".join(" " if c.isspace() else c for c in name if c.isspace() or unicodedata.category(c)[0] != "C")
    name = _FORBIDDEN.sub("_", name).strip(" .") or "file"
    if _DEVICES.fullmatch(name):
        name = f"_{name}"
    if media_type.startswith(("image/", "audio/", "video/")) and mimetypes.guess_type(name)[0] != media_type:
        name += mimetypes.guess_extension(media_type) or ""
    return _short(name)


def _short(name: str) -> str:
    stem, dot, ending = name.rpartition(".")
    if not stem or len(ending.encode()) > _LONGEST_ENDING:
        stem, dot, ending = name, "", ""
    room = LONGEST - len((dot + ending).encode())
    return stem.encode()[:room].decode(errors="ignore").rstrip(" .") + dot + ending
