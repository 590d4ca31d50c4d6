"""The HTTP server: health that tells the truth, and the platforms' way in."""

from __future__ import annotations

import io
import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from bridges.endpoints import Endpoints
from console.health import Listener, Report
from console.metrics import Metrics
from console.server import serving
from core.errors import ConfigError
from core.settings import Http


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as found:
        yield found


async def _well() -> Report:
    return Report(None)


async def _ill() -> Report:
    return Report(None, {"slack": Listener("the token was revoked", None, None)})


async def _echo(request: web.Request) -> web.Response:
    return web.Response(text=await request.text())


async def test_health_and_readiness(session: aiohttp.ClientSession) -> None:
    endpoints = Endpoints()
    for ready, status in ((_well, 200), (_ill, 503)):
        async with serving(Http(port=0), platforms=endpoints.dispatch, report=ready, metrics=Metrics(())) as (
            host,
            port,
        ):
            async with session.get(f"http://{host}:{port}/healthz") as answer:
                assert (answer.status, await answer.json()) == (200, {"status": "ok"})
            async with session.get(f"http://{host}:{port}/readyz") as answer:
                assert answer.status == status
                assert ("revoked" in await answer.text()) == (status == 503)
            async with session.get(f"http://{host}:{port}/metrics") as answer:
                assert answer.headers["Content-Type"].startswith("text/plain; version=")
                assert f"threadbridge_ready {float(status == 200)}" in await answer.text()


async def test_readiness_of_one_of_several_platforms(session: aiohttp.ClientSession) -> None:
    deaf, well = Listener("it may be deaf", 30.0, None), Listener(None, 1.0, None)

    async def report() -> Report:
        return Report(None, {"slack": deaf, "telegram": well}, {})

    async with serving(Http(port=0), platforms=_echo, report=report, metrics=Metrics(())) as (host, port):
        for path, status, said in (
            ("", 503, "not ready"),
            ("/any", 200, "degraded"),
            ("/slack", 503, "not ready"),
            ("/telegram", 200, "ready"),
            ("/discord", 404, "not ready"),
        ):
            async with session.get(f"http://{host}:{port}/readyz{path}") as answer:
                assert (answer.status, (await answer.json())["status"]) == (status, said)
        assert "there are: slack, telegram" in await answer.text()


async def test_a_path_is_answered_only_as_long_as_its_bridge_serves_it(session: aiohttp.ClientSession) -> None:
    endpoints = Endpoints()
    async with serving(Http(port=0), platforms=endpoints.dispatch, report=_well, metrics=Metrics(())) as (host, port):
        address = f"http://{host}:{port}/slack/events"
        with endpoints.serve("/slack/events", _echo):
            async with session.post(address, data="hello") as answer:
                assert await answer.text() == "hello"
            with pytest.raises(ValueError, match="answered already"), endpoints.serve("/slack/events", _echo):
                pass
        async with session.post(address, data="hello") as answer:
            assert answer.status == 404
        async with session.get(f"http://{host}:{port}/") as answer:
            assert answer.status in (404, 405)


async def test_a_body_without_end_is_refused(session: aiohttp.ClientSession) -> None:
    endpoints = Endpoints()
    async with serving(Http(port=0), platforms=endpoints.dispatch, report=_well, metrics=Metrics(())) as (host, port):
        with endpoints.serve("/x", _echo):
            async with session.post(f"http://{host}:{port}/x", data=io.BytesIO(b"x" * 5_000_000)) as answer:
                assert answer.status == 413


async def test_a_port_that_is_taken_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"cannot listen on 127\.0\.0\.1:{port} .* with http\.port"):
            async with serving(Http(port=port), platforms=_echo, report=_well, metrics=Metrics(())):
                pass


async def test_a_folder_is_answered_with_all_below_it_and_a_path_by_post_alone(session: aiohttp.ClientSession) -> None:
    endpoints = Endpoints()
    async with serving(Http(port=0), platforms=endpoints.dispatch, report=_well, metrics=Metrics(())) as (host, port):
        with endpoints.serve("/slack/events", _echo), endpoints.serve("/web/", _echo):
            for method, path, status in (
                *(("POST", "/slack/events", 200), ("GET", "/slack/events", 404), ("POST", "/slack/", 404)),
                *(("GET", "/web/", 200), ("DELETE", "/web/a/b", 200), ("GET", "/web", 404), ("GET", "/", 404)),
            ):
                async with session.request(method, f"http://{host}:{port}{path}") as answer:
                    assert answer.status == status, (method, path)
