"""A picture made without a library: a sunset at sea, as a PNG."""

from __future__ import annotations

import math
import struct
import zlib


def png(width: int = 192, height: int = 128, *, seed: str = "") -> bytes:
    """A valid PNG of that size; the seed moves the sun and the waves."""
    phase = zlib.crc32(seed.encode("utf-8", "replace")) % 628 / 100
    sun_x, sun_y, radius = width * (0.3 + 0.4 * (phase / 6.28)), height * 0.45, height * 0.16
    horizon = round(height * 0.6)
    rows = bytearray()
    for y in range(height):
        rows.append(0)  # no filter
        for x in range(width):
            if math.hypot(x - sun_x, y - sun_y) < radius and y < horizon:
                rows += bytes((255, 214, 120))
            elif y < horizon:
                depth = y / horizon
                rows += bytes((round(60 + 180 * depth), round(70 + 70 * depth), round(140 - 20 * depth)))
            else:
                wave = math.sin((y - horizon) ** 0.7 * 2.2 + math.sin(x / 9 + phase) * 0.9)
                glow = max(0.0, 1 - abs(x - sun_x) / (width * 0.16)) * (0.5 + 0.5 * wave)
                rows += bytes((round(24 + 200 * glow), round(60 + 20 * wave + 90 * glow), round(110 + 25 * wave)))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
