"""What every text has to go through before it is kept: databases and encoders take no halves of characters."""

from __future__ import annotations

import re

_SURROGATE = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    """Half surrogate pairs become U+FFFD, NUL goes (PostgreSQL stores neither); everything else stays as it is."""
    return _SURROGATE.sub("\ufffd", text).replace("\0", "")
