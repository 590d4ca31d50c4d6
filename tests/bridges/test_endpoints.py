"""What is answered over HTTP while nobody listens yet, or between two attempts to."""

from __future__ import annotations

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from bridges.endpoints import Endpoints

PATHS = pytest.mark.parametrize(
    ("path", "method", "asked"),
    [("/web/", "GET", "/web/api/threads/a/events"), ("/slack/events", "POST", "/slack/events")],
)


async def _here(request: web.Request) -> web.StreamResponse:
    return web.Response(text="here")


@PATHS
async def test_what_is_expected_is_to_come_again(path: str, method: str, asked: str) -> None:
    """A page that is told that its conversation is not there asks no more."""
    endpoints = Endpoints()
    endpoints.expect(path)
    early = await endpoints.dispatch(make_mocked_request(method, asked))
    assert (early.status, early.headers["Retry-After"]) == (503, "1")
    with endpoints.serve(path, _here):
        assert (await endpoints.dispatch(make_mocked_request(method, asked))).status == 200
    assert (await endpoints.dispatch(make_mocked_request(method, asked))).status == 503
    with pytest.raises(web.HTTPNotFound):
        await endpoints.dispatch(make_mocked_request(method, "/other/path"))


@PATHS
async def test_where_nobody_is_going_to_listen_nothing_is_there(path: str, method: str, asked: str) -> None:
    endpoints = Endpoints(listening=False)
    endpoints.expect(path)
    with pytest.raises(web.HTTPNotFound):
        await endpoints.dispatch(make_mocked_request(method, asked))
