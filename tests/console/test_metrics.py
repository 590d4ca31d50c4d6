"""Metrics: what happens is counted under the names that operators are told of."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from console.health import Delivery, Listener, Report
from console.metrics import Metrics, table
from core.backlog import Open
from core.errors import PlatformUnavailable, SlowDown, UpstreamBusy
from core.observing import Accepted, Asked, Began, Called, Ended, FirstSign, FirstText, Happening, Heard, Paced, Shown
from core.tables import State
from tests.console.test_health import turn
from tests.messages import message

ONE = turn()
AGAIN = turn()
AGAIN.attempt = 2


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"threadbridge_{name}", labels)


FAKE = {"platform": "fake"}


CASES: list[tuple[Happening, str, dict[str, str], float]] = [
    (Heard("fake"), "messages_total", FAKE, 1),
    (Accepted("fake", message(), 0.1), "accepted_total", FAKE, 1),
    (Began(ONE, 1.0), "recoveries_total", FAKE, 0),
    (Began(AGAIN, 1.0), "recoveries_total", FAKE, 1),
    (Asked(ONE, "main", 2.0, None), "upstream_seconds_sum", {"upstream": "main"}, 2.0),
    (
        Asked(ONE, "main", 2.0, UpstreamBusy()),
        "upstream_errors_total",
        {"upstream": "main", "kind": "UpstreamBusy"},
        1,
    ),
    (Paced(ONE, 0.5), "pace_wait_seconds_sum", FAKE, 0.5),
    (Called(ONE, "create", 0.5, None), "parts_total", FAKE, 1),
    (Called(ONE, "edit", 0.5, None), "edits_total", FAKE, 1),
    (Called(ONE, "edit", 0.5, None), "call_seconds_count", FAKE, 1),
    (Called(ONE, "edit", 0.5, SlowDown(7.0)), "edits_total", FAKE, 0),
    (Called(ONE, "edit", 0.5, SlowDown(7.0)), "rate_limit_refusals_total", FAKE, 1),
    (Called(ONE, "edit", 0.5, SlowDown(7.0)), "rate_limit_refused_seconds_total", FAKE, 7.0),
    (
        Called(ONE, "edit", 0.5, PlatformUnavailable()),
        "call_failures_total",
        {"platform": "fake", "kind": "PlatformUnavailable"},
        1,
    ),
    (FirstSign(ONE, 0.3), "first_sign_seconds_sum", FAKE, 0.3),
    (FirstText(ONE, 0.4), "first_text_seconds_sum", FAKE, 0.4),
    (Shown(ONE, 0.2), "final_seconds_sum", FAKE, 0.2),
    (
        Ended(ONE, "main", State.FAILED, 3.0, "text"),
        "turns_total",
        {"platform": "fake", "upstream": "main", "outcome": "failed"},
        1,
    ),
    (Ended(ONE, "main", State.ANSWERED, 3.0, "text"), "turn_seconds_sum", FAKE, 3.0),
]


@pytest.mark.parametrize(("happening", "name", "labels", "expected"), CASES)
def test_each_happening_has_its_metric(
    happening: Happening, name: str, labels: dict[str, str], expected: float
) -> None:
    metrics = Metrics(("fake",))
    metrics.observe(happening)
    assert value(metrics, name, **labels) == expected


def test_the_last_message_and_the_last_edit_are_moments() -> None:
    metrics = Metrics(("fake",))
    assert value(metrics, "last_message_timestamp_seconds", **FAKE) == 0
    metrics.observe(Heard("fake"))
    metrics.observe(Called(ONE, "edit", 0.5, None))
    for name in ("last_message", "last_edit"):
        assert (value(metrics, f"{name}_timestamp_seconds", **FAKE) or 0) > 1.7e9


WELL = Report(
    None,
    {"fake": Listener(None, 2.0, None), "hook": Listener(None, None, None)},
    {"fake": Delivery(None, None, Open(4, 2, 9.0, 8.0))},
)


def test_what_is_known_at_the_scrape() -> None:
    metrics = Metrics(("fake",))
    metrics.scraped(WELL)
    names = ("listening", "listener_silence_seconds", "waiting_turns", "running_turns", "oldest_waiting_seconds")
    assert [value(metrics, name, **FAKE) for name in names] == [1, 2.0, 4, 2, 9.0]
    assert value(metrics, "oldest_unattended_seconds", **FAKE) == 8.0
    assert value(metrics, "listener_silence_seconds", platform="hook") is None
    assert (value(metrics, "database_up"), value(metrics, "ready")) == (1, 1)
    metrics.scraped(Report("away", {"fake": Listener("deaf", 60.0, None)}, {"fake": Delivery(None, None, None)}))
    assert (value(metrics, "database_up"), value(metrics, "ready")) == (0, 0)
    assert value(metrics, "listening", **FAKE) == 0
    assert value(metrics, "waiting_turns", **FAKE) is None, "an old number would hide that nobody knows"


def test_two_programs_in_one_process_share_nothing() -> None:
    one, two = Metrics(("fake",)), Metrics(("fake",))
    one.observe(Heard("fake"))
    assert value(two, "messages_total", **FAKE) == 0
    assert not [name for name in REGISTRY._names_to_collectors if name.startswith("threadbridge")]


def test_the_page_can_be_read_and_every_name_begins_alike() -> None:
    page = Metrics(("fake",)).scraped(Report(None)).decode()
    families = list(text_string_to_metric_families(page))
    assert families
    assert all(family.name.startswith("threadbridge_") for family in families)


def test_the_table_in_docs_is_up_to_date() -> None:
    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text("utf-8")
    assert table() in page, "put what python -m console.metrics says into docs/operations.md"
