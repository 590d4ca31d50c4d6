"""Which addresses a link may have: the server refuses a whole message for one that it does not take."""

from __future__ import annotations

import ipaddress
import re

_URL = re.compile(
    r"(?:(?P<scheme>[^:/?#@\[\]]*)://)?(?P<authority>[^/?#]*)(?P<rest>.*)",
    re.DOTALL,
)
_OWN = re.compile(r"(?i)(tg|ton|tonsite):(?://)?")
_HOST = re.compile(r"(?:[a-z0-9._!$,~*'();&+=\u0080-\U0010ffff-]|%[0-9a-f]{2})+")


def flaw(url: str) -> str:
    """Why the server refuses this address, in its words; empty if it takes it."""
    own = _OWN.match(url)
    match = _URL.fullmatch(url[own.end() :] if own else url)
    if match is None:
        return "Wrong HTTP URL"
    scheme = (match["scheme"] or "").lower()
    if match["scheme"] is not None and scheme not in ("http", "https"):
        return "Unsupported URL protocol"
    _, at, place = match["authority"].rpartition("@")
    port = ""
    if not place.endswith("]") and ":" in place:
        place, _, port = place.rpartition(":")
        if not (port.isascii() and port.isdigit() and 0 < int(port) <= 65535):
            return "Wrong port number specified in the URL"
    host = place.lower()
    if not host:
        return "URL host is empty"
    if host == ".":
        return "Host is invalid"
    numbered = host.startswith("[") and host.endswith("]")
    if numbered:
        try:
            ipaddress.IPv6Address(host[1:-1])
        except ValueError:
            return "Wrong IPv6 address specified in the URL"
    elif not _HOST.fullmatch(host):
        return "Wrong URL host"
    if own is not None:
        name = own[1].lower()
        if scheme or at or port or numbered:
            return "Wrong tg URL" if name == "tg" else "Wrong ton URL"
        allowed = r"[\w.-]+" if name == "tonsite" else r"[\w-]+"
        return "" if re.fullmatch(allowed, host, re.ASCII) else "Unallowed characters in URL host"
    return "" if "." in host or numbered else "Wrong HTTP URL"
