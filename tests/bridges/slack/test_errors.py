"""Answers that are not Slack's, and how fast the bridge believes it may go."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from bridges.slack import SlackBridge
from bridges.slack.pace import PACE
from bridges.slack.thread import Thread
from bridges.slack.web import Web, client
from core.bridge import Bridge
from core.errors import PlatformError, PlatformRefused, PlatformUnavailable, SlowDown
from core.pace import Buckets, Call
from sandbox.slack.limits import Limits, Meter
from sandbox.slack.world import TEAM


class Odd:
    """A server that answers every call with one thing."""

    answer: web.Response

    async def handle(self, _: web.Request) -> web.Response:
        return self.answer


@pytest.fixture
async def odd() -> AsyncIterator[tuple[Odd, Web]]:
    server = Odd()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with aiohttp.ClientSession() as session:
        api = client(f"http://127.0.0.1:{runner.addresses[0][1]}/api", session, "xoxb-secret")
        yield server, Web(api, lambda: None)
    await runner.cleanup()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (web.Response(text="fine", content_type="text/plain"), PlatformUnavailable),
        (web.Response(text="", content_type="application/json"), PlatformUnavailable),
        (web.Response(text="{", content_type="application/json"), PlatformUnavailable),
        (web.Response(text="[]", content_type="application/json"), PlatformUnavailable),
        (web.Response(text="[1]", content_type="application/json"), PlatformUnavailable),
        (web.Response(text='"ok"', content_type="application/json"), PlatformUnavailable),
        (web.Response(text="null", content_type="application/json"), PlatformUnavailable),
        (web.Response(body=b"\xff\xfe{}", content_type="application/json"), PlatformUnavailable),
        (web.Response(text="{", status=502, content_type="application/json"), PlatformUnavailable),
        (web.Response(text="<html>", status=504, content_type="text/html"), PlatformUnavailable),
        (web.Response(text="<html>", status=200, content_type="text/html"), PlatformUnavailable),
        (web.Response(text="busy", status=503, content_type="text/plain"), PlatformUnavailable),
        (web.json_response({"ok": False}), PlatformUnavailable),
        (web.json_response({"ok": False, "error": {"a": 1}}), PlatformUnavailable),
        (web.json_response({"ok": False, "error": "some_new_word"}), PlatformRefused),
        (web.Response(text="slow down", status=429), SlowDown),
        (web.json_response({"ok": False, "error": "ratelimited"}, headers={"Retry-After": "soon"}), SlowDown),
        (web.json_response({"ok": False, "error": "ratelimited"}, headers={"Retry-After": "-3"}), SlowDown),
        (web.json_response({"ok": False, "error": "ratelimited"}, headers={"Retry-After": "nan"}), SlowDown),
    ],
    ids=lambda value: str(value.text)[:40] if isinstance(value, web.Response) and value.charset else None,
)
async def test_every_answer_ends_in_an_error_of_ours(
    odd: tuple[Odd, Web], answer: web.Response, expected: type[PlatformError]
) -> None:
    server, call = odd
    server.answer = answer
    with pytest.raises(PlatformError) as caught:
        await call(call.api.api_test())
    assert type(caught.value) is expected
    assert "secret" not in f"{caught.value} {caught.value.detail}"
    if isinstance(caught.value, SlowDown):
        assert caught.value.retry_after == 5


@pytest.mark.parametrize(("call", "method"), [("edit", "chat.update"), ("create", "chat.postMessage")])
def test_at_full_speed_no_limit_is_met(call: Call, method: str) -> None:
    """Ten minutes of drawing on the budgets as soon as they allow, counted as Slack would."""
    threads = [Thread(TEAM, channel, "1700000000.000001").id() for channel in ("C1", "C2")]
    buckets, meter, limits, now, calls = Buckets(), Meter(), Limits(), 0.0, 0
    while now < 600:
        for thread in threads:
            budgets = tuple(PACE.budgets(thread, call))
            if buckets.ready_at(budgets, now, urgent=True) <= now:
                buckets.take(budgets, now)
                calls += 1
                if call == "edit":
                    assert meter.refused(limits, method, now) is None
                else:
                    assert meter.post_refused(limits, thread, now) is None
        now += 0.05
    assert calls >= (440 if call == "edit" else 1_100)


def test_it_is_a_bridge(bridge: SlackBridge) -> None:
    one: Bridge = bridge
    assert one.name == "slack"
    assert one.fits("")
