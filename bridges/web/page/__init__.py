"""The chat page: files without a build step, and nothing of any other server."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from aiohttp import web

_FOLDER = Path(__file__).parent
_KINDS = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_FILES = {file.name: file for file in _FOLDER.iterdir() if file.suffix in _KINDS}
_FILES[""] = _FOLDER / "index.html"

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Nothing but its own files, and no script or style within a text."""


def response(name: str, headers: Mapping[str, str]) -> web.Response:
    """The file of this name; the page itself has none. Raises `web.HTTPNotFound`."""
    file = _FILES.get(name)
    if file is None:
        raise web.HTTPNotFound
    return web.Response(
        body=file.read_bytes(),
        content_type=_KINDS[file.suffix],
        charset="utf-8",
        headers={**headers, "Content-Security-Policy": POLICY, "X-Frame-Options": "DENY"},
    )
