"""What is public, what a file is, and what it may be called."""

from __future__ import annotations

import unicodedata
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.fetching import is_public, kind, safe_name
from core.fetching.names import LONGEST

LOCAL = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.192",
    "192.168.1.1",
    "192.88.99.1",
    "198.18.0.1",
    "168.63.129.16",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
]
LOCAL_6 = [
    "::",
    "::1",
    "::7f00:1",
    "fe80::1",
    "fe80::1%eth0",
    "2606:4700::1111%eth0",
    "fc00::1",
    "fd00:ec2::254",
    "fec0::1",
    "ff02::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:808:808::",
    "3fff::1",
    "64:ff9b:1::7f00:1",
    "2606:4700::5efe:7f00:1",
    "2606:4700::200:5efe:a00:1",
]


@pytest.mark.parametrize("host", [*LOCAL, *LOCAL_6, "localhost", "", "127.1", "0x7f000001", "2130706433", "１27.0.0.1"])
def test_what_is_not_everybodys_is_not_public(host: str) -> None:
    assert not is_public(host)


@pytest.mark.parametrize("host", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_what_is_everybodys_is_public(host: str) -> None:
    assert is_public(host)


@given(st.one_of(st.ip_addresses(v=4), st.sampled_from([IPv4Address(one) for one in LOCAL])))
def test_an_address_within_another_is_judged_like_itself(inner: IPv4Address) -> None:
    for prefix in ("::ffff:0:0", "64:ff9b::"):
        outer = IPv6Address(int(IPv6Address(prefix)) | int(inner))
        assert is_public(str(outer)) == is_public(str(inner))


@given(st.ip_addresses())
def test_nothing_is_public_that_the_standard_library_holds_to_be_local(address: IPv4Address | IPv6Address) -> None:
    if address.is_private or address.is_loopback or address.is_link_local or address.is_multicast:
        inner = isinstance(address, IPv6Address) and (address.ipv4_mapped or str(address).startswith("64:ff9b::"))
        assert inner or not is_public(str(address))


@pytest.mark.parametrize(
    ("beginning", "said", "expected"),
    [
        (b"\x89PNG\r\n\x1a\n", "text/html", "image/png"),
        (b"<html>", "image/png", "application/octet-stream"),
        (b"<svg onload=", "image/svg+xml", "application/octet-stream"),
        (b"<script>", "text/html; charset=utf-8", "application/octet-stream"),
        (b"a,b", "text/csv", "text/csv"),
        (b"PK\x03\x04", "application/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.text"),
        (b"PK\x03\x04", "image/png", "application/zip"),
        (b"", "text/plain\r\nX-Forged: 1", "application/octet-stream"),
        (b"<x/>", "application/rss+xml", "application/octet-stream"),
        (b"MZ", "application/x-msdownload", "application/octet-stream"),
    ],
)
def test_only_the_bytes_say_that_a_client_may_open_it(beginning: bytes, said: str, expected: str) -> None:
    assert kind(beginning, said) == expected


@pytest.mark.parametrize(
    ("name", "media_type", "expected"),
    [
        ("../../etc/passwd", "text/plain", "passwd"),
        ("C:\\Windows\\system.ini", "text/plain", "system.ini"),
        ("photo\u202egnp.exe", "application/octet-stream", "photognp.exe"),
        ("a\r\nContent-Type: x.txt", "text/plain", "a  Content-Type_ x.txt"),
        ("NUL.txt", "text/plain", "_NUL.txt"),
        ("CON .txt", "text/plain", "_CON.txt"),
        (".bashrc", "text/plain", "bashrc"),
        ("..", "text/plain", "file"),
        ("run.exe", "image/png", "run.exe.png"),
        ("cat.png", "image/png", "cat.png"),
        ("@everyone.txt", "text/plain", "_everyone.txt"),
    ],
)
def test_a_name_does_no_harm(name: str, media_type: str, expected: str) -> None:
    assert safe_name(name, media_type) == expected


@given(st.text(), st.sampled_from(["text/plain", "image/png", "audio/mpeg"]))
def test_every_name_can_be_saved_anywhere(name: str, media_type: str) -> None:
    safe = safe_name(name, media_type)
    assert safe
    assert len(safe.encode()) <= LONGEST
    assert not set(safe) & set('/\\<>:"|?*@`')
    assert not any(unicodedata.category(c)[0] == "C" for c in safe)
    assert not safe.startswith((".", " "))
    assert not safe.endswith((".", " "))
