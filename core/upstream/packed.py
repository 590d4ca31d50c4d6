"""Files that come inside the text of a record."""

from __future__ import annotations

import base64
import binascii


def unpacked(text: str) -> bytes:
    """The bytes of base64, which may be several padded pieces one after another; nothing if it is none."""
    _, _, text = text.rpartition("base64,")
    try:
        pieces = [piece for piece in text.replace("\n", "").split("=") if piece]
        return b"".join(base64.b64decode(piece + "=" * (-len(piece) % 4), validate=True) for piece in pieces)
    except (binascii.Error, ValueError):
        return b""


def kind_of(address: str) -> str:
    """The media type that a `data:` address names; empty if it names none."""
    scheme, _, rest = address.partition(":")
    return rest.partition(",")[0].partition(";")[0].strip().lower() if scheme.lower() == "data" else ""
