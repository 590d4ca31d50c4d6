"""Which addresses of the network are everybody's."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_UNICAST = IPv6Network("2000::/3")
"""All that is given out of IPv6 so far. Loopback, local, multicast and every way of writing IPv4 but the one below
lie outside it."""
_TRANSLATED = IPv6Network("64:ff9b::/96")
"""IPv4 as a network without it writes it (RFC 6052): the last four bytes are the address."""
_REFUSED = (
    IPv4Network("192.0.0.0/24"),  # protocol assignments, of which Python knows only some
    IPv4Network("168.63.129.16/32"),  # a cloud's own service to its machines, in the public range
    IPv4Network("192.88.99.0/24"),  # relays of 6to4
    IPv6Network("2001::/23"),  # protocol assignments, Teredo among them, which holds IPv4
    IPv6Network("2001:db8::/32"),  # documentation, and so the next but one
    IPv6Network("2002::/16"),  # 6to4, which holds IPv4
    IPv6Network("3fff::/20"),
)
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})
"""The upper half of an interface's id that holds IPv4 in its lower half (RFC 5214)."""


def is_public(host: str) -> bool:
    """Is this IP address one of the public network, however it is written? False for what is no IP address."""
    try:
        address = ip_address(host)
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return _is_public(address.ipv4_mapped)
        if address.scope_id is None and address in _TRANSLATED:
            return _is_public(IPv4Address(address.packed[12:]))
    return _is_public(address)


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address):
        holds_ipv4 = int.from_bytes(address.packed[8:12], "big") in _ISATAP
        if address.scope_id is not None or address not in _UNICAST or holds_ipv4:
            return False
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    return not any(address in network for network in _REFUSED)
