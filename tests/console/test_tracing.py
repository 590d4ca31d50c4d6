"""Traces: all spans of a turn are one trace, whichever process made them, and nobody has to want them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from console.tracing import Tracing, traced
from core.errors import UpstreamBusy
from core.model import MessageId, ThreadId
from core.observing import Accepted, Asked, Began, Called, Ended, Happening, Heard
from core.tables import State
from tests.console.test_health import turn
from tests.messages import message

ONE = turn()
SAID = message(id=MessageId(ONE.message), thread=ThreadId(ONE.thread))
TURN = (
    Heard("fake"),
    Accepted("fake", SAID, 0.01),
    Began(ONE, 0.2),
    Asked(ONE, "main", 2.0, UpstreamBusy()),
    Called(ONE, "create", 0.1, None),
    Ended(ONE, "main", State.FAILED, 2.5, "secret words"),
)


def spans(*happenings: Happening) -> dict[str, ReadableSpan]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing = Tracing(provider.get_tracer("test"))
    for happening in happenings:
        tracing.observe(happening)
    return {span.name.removeprefix("threadbridge."): span for span in exporter.get_finished_spans()}


def test_a_turn_is_one_trace() -> None:
    found = spans(*TURN)
    assert set(found) == {"accept", "wait", "upstream", "paint", "turn"}
    assert len({span.context.trace_id for span in found.values() if span.context}) == 1
    for span in found.values():
        assert span.attributes is not None
        assert span.attributes["thread_id"] == ONE.thread
        assert "secret words" not in str(span.attributes)
    upstream = found["upstream"]
    assert upstream.start_time is not None
    assert upstream.end_time is not None
    assert (upstream.end_time - upstream.start_time) / 1e9 == pytest.approx(2.0, abs=0.001)
    assert (upstream.status.is_ok, found["paint"].status.is_ok) == (False, True)


def test_two_processes_agree_on_it() -> None:
    [heard], [answered] = spans(TURN[1]).values(), spans(TURN[2]).values()
    assert heard.context is not None
    assert answered.context is not None
    assert heard.context.trace_id == answered.context.trace_id
    [other] = spans(Accepted("fake", message(), 0.1)).values()
    assert other.context is not None
    assert other.context.trace_id != heard.context.trace_id


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_SDK_DISABLED": "true"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_nobody_traces_without_being_told(environ: dict[str, str]) -> None:
    with traced(environ) as observers:
        assert observers == []


def test_without_the_packages_it_is_said(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setitem(__import__("sys").modules, "opentelemetry.sdk.trace", None)
    with caplog.at_level(logging.WARNING), traced({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}) as observers:
        assert observers == []
    assert 'pip install "threadbridge[otel]"' in caplog.text


@pytest.fixture
async def collector() -> AsyncIterator[tuple[str, asyncio.Queue[bytes]]]:
    """Takes what is sent by OTLP."""
    sent: asyncio.Queue[bytes] = asyncio.Queue()

    async def take(request: web.Request) -> web.Response:
        sent.put_nowait(await request.read())
        return web.Response(content_type="application/x-protobuf")

    app = web.Application()
    app.router.add_post("/v1/traces", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}", sent
    await runner.cleanup()


async def test_the_standard_variables_say_where_to(
    collector: tuple[str, asyncio.Queue[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, sent = collector
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)

    def trace() -> None:
        with traced() as [observe]:
            for happening in TURN:
                observe(happening)

    await asyncio.to_thread(trace)
    body = sent.get_nowait()
    assert b"threadbridge.upstream" in body
    assert b"secret words" not in body
