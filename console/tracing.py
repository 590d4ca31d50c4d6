"""Traces for OpenTelemetry: accept, wait, upstream and paint, made from what is observed after it is over.

Who accepts a message and who answers it may be two processes that know only the database. So the trace of a turn has an
id that follows from its thread and message, and all that they tell of it comes together. Without the SDK
(`threadbridge[otel]`), or without the standard `OTEL_*` variables that say where to, nothing is traced.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry.context import Context
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    set_span_in_context,
)

from core.observing import Accepted, Asked, Began, Called, Ended, Happening, Observe
from core.tables import Turn

log = logging.getLogger(__name__)

LAST_SECONDS = 2.0
"""How long the end of the program waits for what is still to be sent."""
DESTINATIONS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


class Tracing:
    """An observer that makes spans."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def observe(self, happening: Happening) -> None:
        match happening:
            case Accepted(platform, message, seconds):
                about = {"thread_id": message.thread, "message_id": message.id, "platform": platform}
                self._span("accept", _trace(message.thread, message.id), seconds, about)
            case Began(turn, waited):
                self._of(turn, "wait", waited)
            case Asked(turn, upstream, seconds, error):
                self._of(turn, "upstream", seconds, error, upstream=upstream)
            case Called(turn, call, seconds, error):
                self._of(turn, "paint", seconds, error, call=call)
            case Ended(turn, upstream, outcome, seconds):
                self._of(turn, "turn", seconds, upstream=upstream, outcome=outcome)
            case _:
                pass

    def _of(self, turn: Turn, name: str, seconds: float, error: Exception | None = None, **about: str) -> None:
        ids: dict[str, str | int] = {"thread_id": turn.thread, "turn_id": turn.id or 0, "platform": turn.bridge}
        self._span(name, _trace(turn.thread, turn.message), seconds, {**ids, **about}, error)

    def _span(
        self,
        name: str,
        trace: Context,
        seconds: float,
        about: Mapping[str, str | int],
        error: Exception | None = None,
    ) -> None:
        """One that ends now."""
        end = time.time_ns()
        begin = end - int(seconds * 1e9)
        span = self._tracer.start_span(f"threadbridge.{name}", trace, start_time=begin, attributes=about)
        if error is not None:
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
        span.end(end)


def _trace(thread: str, message: str) -> Context:
    """Of which all spans of this turn are part, whoever makes them."""
    digest = hashlib.sha256(f"{thread}\n{message}".encode()).digest()
    root = SpanContext(
        int.from_bytes(digest[:16]) or 1,
        int.from_bytes(digest[16:24]) or 1,
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )
    return set_span_in_context(NonRecordingSpan(root), Context())


@contextmanager
def traced(environ: Mapping[str, str] = os.environ) -> Iterator[list[Observe]]:
    """The observer to trace with as long as the block runs, in a list; none where nobody wants traces. What is left is
    sent at the end."""
    wanted = any(environ.get(name) for name in DESTINATIONS) and environ.get("OTEL_SDK_DISABLED", "").lower() != "true"
    if not wanted or environ.get("OTEL_TRACES_EXPORTER", "otlp") != "otlp":
        yield []
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        log.warning('Traces are asked for by OTEL_*, which needs more packages: pip install "threadbridge[otel]".')
        yield []
        return
    name = environ.get("OTEL_SERVICE_NAME") or "threadbridge"
    provider = TracerProvider(resource=Resource.create({"service.name": name}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    log.info("traces are sent")
    try:
        yield [Tracing(provider.get_tracer("threadbridge")).observe]
    finally:
        sending = threading.Thread(target=provider.shutdown, name="last traces", daemon=True)
        sending.start()
        sending.join(LAST_SECONDS)
