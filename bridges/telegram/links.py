"""Which addresses may stand behind a link.

Telegram refuses a whole message for one `text_link` whose address it does not take (tdlib wants a host with a dot, or
an IPv6 address), guesses `http://` before anything without a scheme, and turns `tg://user` into a mention that rings.
So only complete web addresses become links here; the others are shown as text.
"""

from __future__ import annotations

import ipaddress
import re

_WEB = re.compile(r"(?i)https?://(?P<host>\[[0-9a-f:.]+\]|[^\s/?#@\[\]:\\]+)(?::(?P<port>[0-9]{1,5}))?(?:[/?#]\S*)?")
_HOST = re.compile(r"[\w-]+(?:\.[\w-]+)+")

LONGEST = 2048
"""Characters; what is longer is no address that anybody follows."""


def linkable(url: str) -> bool:
    """Will Telegram take it, and will it lead where the text says?"""
    match = _WEB.fullmatch(url)
    if match is None or len(url) > LONGEST or not url.isprintable():
        return False
    if match["port"] is not None and not 0 < int(match["port"]) <= 65535:
        return False
    host = match["host"]
    if host.startswith("["):
        try:
            ipaddress.IPv6Address(host[1:-1])
        except ValueError:
            return False
        return True
    return _HOST.fullmatch(host) is not None
