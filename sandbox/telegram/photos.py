"""What the server takes as a photo: https://core.telegram.org/bots/api#sendphoto"""

from __future__ import annotations

import struct

from sandbox.telegram.refusal import Refusal

LARGEST = 10 << 20
WIDEST, THINNEST = 10_000, 20
"""Width and height together, and how many times one may be the other."""
_SIGNS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"RIFF")


def check_photo(content: bytes) -> None:
    """Raises `Refusal`."""
    if len(content) > LARGEST:
        raise Refusal(400, "file is too big")
    if not content.startswith(_SIGNS):
        raise Refusal(400, "IMAGE_PROCESS_FAILED")
    if content.startswith(_SIGNS[0]) and len(content) >= 24:
        width, height = struct.unpack(">II", content[16:24])
        if width + height > WIDEST or max(width, height) > THINNEST * max(1, min(width, height)):
            raise Refusal(400, "PHOTO_INVALID_DIMENSIONS")
