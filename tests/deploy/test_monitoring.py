"""The dashboard and the alerts ask for what there is."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from console.metrics import Metrics

MONITORING = Path(__file__).parents[2] / "deploy" / "monitoring"
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((MONITORING / "alerts.yaml").read_text("utf-8"))["groups"]
    for rule in group["rules"]
]
DASHBOARD: dict[str, Any] = json.loads((MONITORING / "dashboard.json").read_text("utf-8"))
LABELS = {name: {*labels} for name, _, labels, _ in Metrics(()).described} | {"up": set()}
EVERYWHERE = {"job", "instance", "le"}


def known() -> set[str]:
    """The names under which Prometheus stores them."""
    suffixes = {"counter": ("",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
    return {name + suffix for name, kind, _, _ in Metrics(()).described for suffix in suffixes[kind]}


def panels() -> Iterator[dict[str, Any]]:
    yield from (panel for panel in DASHBOARD["panels"] if panel["type"] != "row")


def queries() -> Iterator[str]:
    yield from (rule["expr"] for rule in RULES)
    yield from (target["expr"] for panel in panels() for target in panel["targets"])
    yield from (one["query"]["query"] for one in DASHBOARD["templating"]["list"] if one["type"] == "query")


@pytest.mark.parametrize("query", list(queries()))
def test_every_metric_and_label_of_a_query_exists(query: str) -> None:
    names = set(re.findall(r"\bthreadbridge_\w+", query))
    assert names or "up{" in query
    assert names <= known()
    grouped = {label for by in re.findall(r"by \(([^)]*)\)", query) for label in re.split(r",\s*", by)}
    for name in (re.sub(r"_(bucket|sum|count)$", "", name) for name in names):
        assert grouped <= LABELS[name] | EVERYWHERE, name
    assert query.count("(") == query.count(")")


def test_every_metric_is_on_the_dashboard() -> None:
    asked = set(re.findall(r"\bthreadbridge_\w+", " ".join(queries())))
    shown = {re.sub(r"_(bucket|sum|count)$", "", name) for name in asked}
    assert set(LABELS) - {"up"} == shown


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_a_rule_is_whole(rule: dict[str, Any]) -> None:
    assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
    assert rule["alert"].startswith("Threadbridge")
    assert re.fullmatch(r"\d+[smh]", rule["for"])
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert set(rule["annotations"]) == {"summary", "description"}
    grouped = re.search(r"by \(([^)]*)\)", rule["expr"])
    there = set(re.split(r",\s*", grouped[1])) if grouped else {"instance", "platform"}
    assert set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"])) <= there


def test_no_two_panels_are_in_one_place() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not on PATH")
def test_promtool_takes_the_rules() -> None:
    done = subprocess.run(["promtool", "check", "rules", MONITORING / "alerts.yaml"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
