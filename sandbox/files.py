"""How files look to people."""

from __future__ import annotations

import base64
from html import escape

SHOWN = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
LARGEST_SHOWN = 512 * 1024
"""Bytes of a picture that is shown; a larger one, and anything else, is its name."""


def file_html(name: str, media_type: str, content: bytes) -> str:
    if media_type in SHOWN and len(content) <= LARGEST_SHOWN:
        data = base64.b64encode(content).decode()
        return f'<img class="file" alt="{escape(name)}" src="data:{media_type};base64,{data}">'
    return f'<div class="file">{escape(name)}</div>'
