"""Metrics for Prometheus, in a registry of its own. `python -m console.metrics` writes the table of them that stands in
`docs/operations.md`.

Counters and histograms are fed by what is observed; what stands in the database, or is asked of the listeners, is read
when somebody scrapes.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Collection

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from console.health import Report
from core.errors import SlowDown
from core.observing import (
    Accepted,
    Asked,
    Began,
    Called,
    Ended,
    FirstSign,
    FirstText,
    Gathered,
    Happening,
    Heard,
    Paced,
    Shown,
)

CONTENT_TYPE = CONTENT_TYPE_LATEST

QUICK = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Seconds: a call, or a wait for leave to call."""
PATIENT = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0, 300.0, 900.0)
"""Seconds: what a person waits for."""


class Metrics:
    """`platforms`: those that are configured; they are there from the start, so that a rate is known from the first
    event on, and an alert sees what never happened."""

    def __init__(self, platforms: Collection[str]) -> None:
        self.registry = CollectorRegistry()
        self.described: list[tuple[str, str, tuple[str, ...], str]] = []
        """Name, kind, labels and meaning of each."""

        self.messages = self._counter("messages", "Messages that the listener handed over, for the assistant or not.")
        self.accepted = self._counter("accepted", "Messages that were recorded as turns.")
        self.turns = self._counter("turns", "Turns that ended.", "platform", "upstream", "outcome")
        self.recoveries = self._counter("recoveries", "Turns taken up again that an earlier runner had left.")
        self.first_sign = self._seconds("first_sign", "From accepted to the first message of the reply.", PATIENT)
        self.first_text = self._seconds("first_text", "From accepted to the first words that can be read.", PATIENT)
        self.final = self._seconds("final", "From the last text to the whole reply confirmed.", PATIENT)
        self.turn = self._seconds("turn", "From accepted to the end, for turns that were answered.", PATIENT)

        self.parts = self._counter("parts", "Messages that were created for replies.")
        self.edits = self._counter("edits", "Edits that the platform took.")
        self.calls = self._seconds("call", "Calls that show something, however they end.", QUICK)
        self.refusals = self._counter("rate_limit_refusals", "Calls that the platform refused for coming too fast.")
        self.refused = self._counter("rate_limit_refused_seconds", "Seconds of silence that those refusals asked for.")
        self.failures = self._counter("call_failures", "Calls that failed in another way.", "platform", "kind")
        self.paced = self._seconds("pace_wait", "Waits for leave to call, so that no limit is broken.", QUICK)

        self.asked = self._seconds("upstream", "From asking to the end of the answer.", PATIENT, "upstream")
        self.errors = self._counter("upstream_errors", "Answers that failed.", "upstream", "kind")

        self.last_message = self._gauge("last_message_timestamp_seconds", "When the last message came in; 0: none yet.")
        self.last_edit = self._gauge("last_edit_timestamp_seconds", "When the last edit got out; 0: none yet.")

        # read when somebody scrapes
        self.listening = self._gauge("listening", "1 while people are heard. Only where this process listens.")
        self.silence = self._gauge("listener_silence_seconds", "Since the last sign of life, pings included.")
        self.waiting = self._gauge("waiting_turns", "Turns that wait, in the whole installation.")
        self.running = self._gauge("running_turns", "Turns that are being answered, in the whole installation.")
        self.oldest = self._gauge("oldest_waiting_seconds", "Age of the oldest waiting turn; 0: none waits.")
        self.unattended = self._gauge(
            "oldest_unattended_seconds", "The same, of turns in whose thread nothing is being answered."
        )
        self.database = self._gauge("database_up", "1 while the database answers.", ())
        self.ready = self._gauge("ready", "1 while `/readyz` says so.", ())

        for metric in (self.messages, self.accepted, self.recoveries, self.parts, self.edits, self.refusals):
            for platform in platforms:
                metric.labels(platform)
        for gauge in (self.last_message, self.last_edit):
            for platform in platforms:
                gauge.labels(platform)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        labels = labels or ("platform",)
        return Counter(self._named(f"{name}_total", "counter", labels, text), text, labels, registry=self.registry)

    def _seconds(self, name: str, text: str, buckets: tuple[float, ...], label: str = "platform") -> Histogram:
        full = self._named(f"{name}_seconds", "histogram", (label,), text)
        return Histogram(full, text, (label,), buckets=buckets, registry=self.registry)

    def _gauge(self, name: str, text: str, labels: tuple[str, ...] = ("platform",)) -> Gauge:
        return Gauge(self._named(name, "gauge", labels, text), text, labels, registry=self.registry)

    def _named(self, name: str, kind: str, labels: tuple[str, ...], text: str) -> str:
        self.described.append((f"threadbridge_{name}", kind, labels, text))
        return f"threadbridge_{name}"

    # --- fed ------------------------------------------------------------------------------------------------------

    def observe(self, happening: Happening) -> None:
        match happening:
            case Heard(platform):
                self.messages.labels(platform).inc()
                self.last_message.labels(platform).set(time.time())
            case Accepted(platform):
                self.accepted.labels(platform).inc()
            case Began(turn):
                if turn.attempt > 1:
                    self.recoveries.labels(turn.bridge).inc()
            case Gathered():
                pass
            case Asked(_, upstream, seconds, error):
                self.asked.labels(upstream).observe(seconds)
                if error is not None:
                    self.errors.labels(upstream, type(error).__name__).inc()
            case Paced(turn, seconds):
                self.paced.labels(turn.bridge).observe(seconds)
            case Called():
                self._called(happening)
            case FirstSign(turn, seconds):
                self.first_sign.labels(turn.bridge).observe(seconds)
            case FirstText(turn, seconds):
                self.first_text.labels(turn.bridge).observe(seconds)
            case Shown(turn, seconds):
                self.final.labels(turn.bridge).observe(seconds)
            case Ended(turn, upstream, outcome, seconds):
                self.turns.labels(turn.bridge, upstream, outcome).inc()
                if outcome == "answered":
                    self.turn.labels(turn.bridge).observe(seconds)

    def _called(self, called: Called) -> None:
        platform = called.turn.bridge
        self.calls.labels(platform).observe(called.seconds)
        match called.error:
            case None:
                self.last_edit.labels(platform).set(time.time())
                (self.parts if called.call == "create" else self.edits).labels(platform).inc()
            case SlowDown() as refusal:
                self.refusals.labels(platform).inc()
                self.refused.labels(platform).inc(max(0.0, refusal.retry_after))
            case error:
                self.failures.labels(platform, type(error).__name__).inc()

    # --- read -----------------------------------------------------------------------------------------------------

    def scraped(self, report: Report) -> bytes:
        """The whole page, in the text format."""
        self.ready.set(report.ready)
        self.database.set(report.database is None)
        for platform, listener in report.listeners.items():
            self.listening.labels(platform).set(listener.reason is None)
            if listener.silence is not None:
                self.silence.labels(platform).set(listener.silence)
        for gauge in (self.waiting, self.running, self.oldest, self.unattended):
            gauge.clear()  # what nobody knows just now is not there
        for platform, delivery in report.delivery.items():
            if (turns := delivery.turns) is not None:
                self.waiting.labels(platform).set(turns.waiting)
                self.running.labels(platform).set(turns.running)
                self.oldest.labels(platform).set(turns.oldest)
                self.unattended.labels(platform).set(turns.unattended)
        return generate_latest(self.registry)


def table() -> str:
    """All metrics, as a table in Markdown."""
    rows = [
        f"| `{name}` | {kind} | {', '.join(f'`{label}`' for label in labels)} | {text} |"
        for name, kind, labels, text in Metrics(()).described
    ]
    return "\n".join(["| metric | kind | labels | |", "|---|---|---|---|", *rows])


if __name__ == "__main__":
    sys.stdout.write(table() + "\n")
