"""What kind of file some bytes are. What clients open by themselves (images, sounds, films) only the bytes can say;
what a server says of them is believed only where it can do no harm."""

from __future__ import annotations

import re

UNKNOWN = "application/octet-stream"

_MARKS = (
    (rb"\x89PNG\r\n\x1a\n", "image/png"),
    (rb"\xff\xd8\xff", "image/jpeg"),
    (rb"GIF8[79]a", "image/gif"),
    (rb"RIFF.{4}WEBP", "image/webp"),
    (rb"RIFF.{4}WAVE", "audio/wav"),
    (rb"ID3|\xff[\xf2\xf3\xfa\xfb]", "audio/mpeg"),
    (rb"OggS", "audio/ogg"),
    (rb"fLaC", "audio/flac"),
    (rb".{4}ftypM4A", "audio/mp4"),
    (rb".{4}ftyp(?:isom|iso2|mp4[12]|avc1)", "video/mp4"),
    (rb"\x1aE\xdf\xa3", "video/webm"),
    (rb"%PDF-", "application/pdf"),
    (rb"PK\x03\x04", "application/zip"),
)
_KNOWN = tuple((re.compile(mark, re.DOTALL), kind) for mark, kind in _MARKS)
_HARMLESS = re.compile(
    r"text/(?:plain|csv|markdown|calendar|vcard)|application/(?:json|pdf|rtf|zip|epub\+zip|msword"
    r"|vnd\.ms-(?:excel|powerpoint)|vnd\.(?:openxmlformats-officedocument|oasis\.opendocument)\.[a-z0-9.-]{1,80})"
)
"""Documents. Whatever else a server may say is taken for bytes."""
LOOKED_AT = 16
"""So many bytes from the beginning are enough."""


def kind(beginning: bytes, said: str) -> str:
    """The media type of a file that begins like this, and of which a server `said` so."""
    for mark, known in _KNOWN:
        if mark.match(beginning):
            # documents of office programs are archives, and only their server can tell
            return said_kind if known == "application/zip" and (said_kind := _believed(said)) != UNKNOWN else known
    return _believed(said)


def _believed(said: str) -> str:
    media_type = said.partition(";")[0].strip().lower()
    return media_type if _HARMLESS.fullmatch(media_type) else UNKNOWN
