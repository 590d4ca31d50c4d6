"""Attacks on whoever fetches what an answer points to, over sockets."""

from __future__ import annotations

import asyncio
import gzip
import socket

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from core.fetching import Fetcher, FetchError
from core.fetching.fetcher import IN_MEMORY, MOST_REDIRECTS
from tests.core.fetching.site import LIMIT, PNG, Answer, fetcher, sends, serving


class Names(AbstractResolver):
    """What names mean; the last meaning of one stays."""

    def __init__(self, **meanings: list[str]) -> None:
        self._meanings = meanings
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked += 1
        meanings = self._meanings[host]
        meaning = meanings.pop(0) if len(meanings) > 1 else meanings[0]
        return [
            ResolveResult(
                hostname=host, host=meaning, port=port, family=socket.AF_INET, proto=0, flags=socket.AI_NUMERICHOST
            )
        ]

    async def close(self) -> None: ...


def redirects(*addresses: str) -> Answer:
    left = list(addresses)

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": left.pop(0) if len(left) > 1 else left[0]})

    return answer


async def test_a_public_file_is_fetched_whole_and_nothing_is_told_of_us() -> None:
    body = PNG + b"\1" * (2 * IN_MEMORY)
    async with serving(sends(body, Set_Cookie="a=b")) as site:
        fetched = await fetcher().fetch(f"{site.address}/a.png", LIMIT)
        with fetched.content:
            assert fetched.content.read() == body
        assert (fetched.size, fetched.media_type) == (len(body), "image/png")
        assert set(site.asked[0].headers) == {"Host", "Accept", "Accept-Encoding"} | (
            {"Connection"} & set(site.asked[0].headers)
        )


async def test_a_private_address_is_not_connected_to() -> None:
    async with serving(sends(PNG), "127.0.0.1") as site:
        with pytest.raises(FetchError):
            await fetcher().fetch(site.address, LIMIT)
        assert not site.asked


async def test_no_address_of_this_machine_is_public_unless_it_is_said_to_be() -> None:
    async with serving(sends(PNG)) as site:
        with pytest.raises(FetchError):
            await Fetcher().fetch(site.address, LIMIT)
        assert not site.asked


async def test_a_name_that_means_a_private_address_is_not_connected_to() -> None:
    async with serving(sends(PNG), "127.0.0.1") as site:
        address = site.address.replace("127.0.0.1", "rebound")
        with pytest.raises(FetchError):
            await fetcher(resolver=Names(rebound=["127.0.0.1"])).fetch(address, LIMIT)
        assert not site.asked


async def test_a_name_that_changes_its_meaning_is_judged_each_time() -> None:
    async with serving(redirects("/again")) as site:
        names = Names(rebound=["127.0.0.2", "127.0.0.1"])
        with pytest.raises(FetchError):
            await fetcher(resolver=names).fetch(site.address.replace("127.0.0.2", "rebound"), LIMIT)
        assert (names.asked, len(site.asked)) == (2, 1)


async def test_a_redirect_to_a_private_address_is_not_followed() -> None:
    async with serving(sends(PNG), "127.0.0.1") as private, serving(redirects(private.address)) as site:
        with pytest.raises(FetchError):
            await fetcher().fetch(site.address, LIMIT)
        assert site.asked
        assert not private.asked


@pytest.mark.parametrize("target", ["file:///etc/hostname", "ftp://127.0.0.2/", "gopher://127.0.0.2/", ""])
async def test_a_redirect_to_another_scheme_is_not_followed(target: str) -> None:
    async with serving(redirects(target)) as site:
        with pytest.raises(FetchError):
            await fetcher().fetch(site.address, LIMIT)


async def test_redirects_end() -> None:
    async with serving(redirects("/again")) as site:
        with pytest.raises(FetchError, match="could not be fetched"):
            await fetcher().fetch(site.address, LIMIT)
        assert len(site.asked) == MOST_REDIRECTS + 1


@pytest.mark.parametrize("scheme", ["ws://", "http://name@", "http://:password@"])
async def test_no_other_scheme_and_no_password_is_used_at_first_or_on_a_redirect(scheme: str) -> None:
    async with serving(sends(PNG)) as target, serving(redirects(target.address.replace("http://", scheme))) as site:
        for address in (target.address.replace("http://", scheme), site.address):
            with pytest.raises(FetchError):
                await fetcher().fetch(address, LIMIT)
        assert not target.asked


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/hostname",
        "data:,x",
        "http://",
        "//127.0.0.2/",
        "http://a:b@127.0.0.2/",
        "http://[::1",
        "http://[a]@/",
        "",
    ],
)
async def test_what_is_no_plain_address_of_the_web_is_refused(address: str) -> None:
    with pytest.raises(FetchError):
        await fetcher().fetch(address, LIMIT)


async def test_ones_own_server_may_be_private_and_nothing_else_on_its_host() -> None:
    async with serving(sends(PNG), "127.0.0.1") as own, serving(sends(PNG), "127.0.0.1") as other:
        ours = fetcher(own=[f"{own.address}/v1"])
        (await ours.fetch(f"{own.address}/a.png", LIMIT)).content.close()
        with pytest.raises(FetchError):
            await ours.fetch(f"{other.address}/a.png", LIMIT)
        assert not other.asked


async def test_nobody_elses_server_leads_to_ones_own() -> None:
    async with serving(sends(PNG), "127.0.0.1") as own, serving(redirects(own.address)) as site:
        with pytest.raises(FetchError):
            await fetcher(own=[own.address]).fetch(site.address, LIMIT)
        assert not own.asked


async def test_what_says_that_it_is_too_large_is_not_waited_for() -> None:
    over = asyncio.Event()

    async def announces(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1001"})
        await response.prepare(request)
        await over.wait()
        return response

    async with serving(announces) as site:
        with pytest.raises(FetchError) as refused:
            await fetcher().fetch(site.address, 1000)
        over.set()
    assert refused.value.detail == "it is too large"


async def test_a_file_of_just_the_limit_is_taken() -> None:
    async with serving(sends(b"x" * 1000)) as site:
        (await fetcher().fetch(site.address, 1000)).content.close()


async def test_an_endless_body_is_left_at_the_limit() -> None:
    left = asyncio.Event()

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            for _ in range(10_000):  # 655 MB, if nobody leaves
                await response.write(b"x" * 65536)
        except ConnectionError:
            left.set()
        return response

    async with serving(endless) as site:
        with pytest.raises(FetchError):
            await fetcher().fetch(site.address, IN_MEMORY)
        async with asyncio.timeout(20):
            await left.wait()


async def test_what_is_compressed_is_not_unpacked() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    async with serving(sends(bomb, Content_Encoding="gzip")) as site:
        with pytest.raises(FetchError):
            await fetcher().fetch(site.address, LIMIT)
        assert site.asked[0].headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("limits", [{"whole_within": 0.05}, {"idle_within": 0.05}])
async def test_a_server_that_says_nothing_is_left(limits: dict[str, float]) -> None:
    over = asyncio.Event()

    async def silent(_: web.Request) -> web.StreamResponse:
        await over.wait()
        return web.Response()

    async with serving(silent) as site:
        with pytest.raises(FetchError):
            await fetcher(**limits).fetch(site.address, LIMIT)
        over.set()


async def test_a_body_that_breaks_off_is_no_file() -> None:
    async def broken(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(PNG)
        assert request.transport is not None
        request.transport.close()
        return response

    async with serving(broken) as site:
        with pytest.raises(FetchError):
            await fetcher().fetch(site.address, LIMIT)
