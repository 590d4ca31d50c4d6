"""The dashboard and the alerts ask for what there is."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from console.metrics import Metrics
from tests.console.test_metrics import CASES, WELL

MONITORING = Path(__file__).parents[2] / "deploy" / "monitoring"
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((MONITORING / "alerts.yaml").read_text("utf-8"))["groups"]
    for rule in group["rules"]
]
DASHBOARD: dict[str, Any] = json.loads((MONITORING / "dashboard.json").read_text("utf-8"))
EVERYWHERE = {"job", "instance", "le"}
"""What Prometheus adds, and the bounds of a histogram."""
GRAFANA = {"$__rate_interval": "5m", "$job": ".*"}
"""What Grafana puts in its place."""


@pytest.fixture(scope="module")
def exposed() -> dict[str, set[str]]:
    """The labels of each sample on the program's page, once everything has happened."""
    metrics = Metrics(("fake",))
    for happening, *_ in CASES:
        metrics.observe(happening)
    page = metrics.scraped(WELL).decode()
    samples = [sample for family in text_string_to_metric_families(page) for sample in family.samples]
    return {sample.name: {*sample.labels} for sample in samples} | {"up": set()}


def panels() -> Iterator[dict[str, Any]]:
    yield from (panel for panel in DASHBOARD["panels"] if panel["type"] != "row")


def queries() -> Iterator[str]:
    yield from (rule["expr"] for rule in RULES)
    yield from (target["expr"] for panel in panels() for target in panel["targets"])


def parsed(query: str) -> promql.Expr:
    """As Prometheus reads it, types and arguments included. Raises `ValueError`."""
    for name, value in GRAFANA.items():
        query = query.replace(name, value)
    return promql.parse(query)


def selectors(expression: promql.Expr) -> list[promql.VectorSelector]:
    found: list[promql.VectorSelector] = []

    def visit(node: promql.Expr) -> None:
        match node:
            case promql.MatrixSelector():
                found.append(node.vector_selector)
            case promql.VectorSelector():
                found.append(node)
            case _:
                pass

    promql.walk(expression, visit)
    return found


def groupings(expression: promql.Expr) -> list[tuple[set[str], promql.AggregateExpr]]:
    """The labels that an aggregation keeps."""
    found: list[tuple[set[str], promql.AggregateExpr]] = []

    def visit(node: promql.Expr) -> None:
        if isinstance(node, promql.AggregateExpr):
            assert node.modifier is None or node.modifier.type == promql.AggModifierType.By
            found.append((set(node.modifier.labels) if node.modifier is not None else set(), node))

    promql.walk(expression, visit)
    return found


@pytest.mark.parametrize("query", list(queries()))
def test_every_query_is_one_and_asks_for_what_the_program_tells(query: str, exposed: dict[str, set[str]]) -> None:
    expression = parsed(query)
    assert selectors(expression)
    for selector in selectors(expression):
        assert selector.name in exposed
        matched = {matcher.name for matcher in selector.matchers.matchers}
        assert matched <= exposed[selector.name] | EVERYWHERE
    for kept, aggregation in groupings(expression):
        for selector in selectors(aggregation.expr):
            assert kept <= exposed[selector.name or ""] | EVERYWHERE, selector.name


def test_the_variables_of_the_dashboard_are_there_and_ask_for_what_the_program_tells(
    exposed: dict[str, set[str]],
) -> None:
    variables = {one["name"]: one for one in DASHBOARD["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(DASHBOARD["panels"])))
    assert used - {"__rate_interval"} == variables.keys()
    for one in variables.values():
        if one["type"] == "query":
            asked = re.fullmatch(r"label_values\((\w+), (\w+)\)", one["query"]["query"])
            assert asked
            assert asked[1] in exposed
            assert asked[2] in exposed[asked[1]] | EVERYWHERE


def test_every_metric_is_on_the_dashboard() -> None:
    asked = {selector.name or "" for query in queries() for selector in selectors(parsed(query))}
    shown = {re.sub(r"_(bucket|sum|count)$", "", name) for name in asked}
    assert {name for name, *_ in Metrics(()).described} == shown - {"up"}


@pytest.mark.parametrize("panel", list(panels()), ids=lambda panel: panel["title"])
def test_a_panel_is_whole(panel: dict[str, Any]) -> None:
    """As Grafana's schema has it, and its legends name what its queries keep."""
    assert panel.keys() >= {"id", "type", "title", "datasource", "gridPos", "fieldConfig", "options", "targets"}
    assert panel["type"] in ("stat", "timeseries")
    assert panel["datasource"] == {"type": "prometheus", "uid": "${source}"}
    assert panel["fieldConfig"]["defaults"]["unit"]
    names = [target["refId"] for target in panel["targets"]]
    assert len(set(names)) == len(names)
    for target in panel["targets"]:
        kept = {label for labels, _ in groupings(parsed(target["expr"])) for label in labels}
        assert set(re.findall(r"\{\{(\w+)\}\}", target.get("legendFormat", ""))) <= kept


def test_the_dashboard_is_whole() -> None:
    assert DASHBOARD.keys() >= {"uid", "title", "schemaVersion", "time", "refresh", "templating", "panels"}
    assert re.fullmatch(r"[\w-]{1,40}", DASHBOARD["uid"])
    rows = [panel for panel in DASHBOARD["panels"] if panel["type"] == "row"]
    assert all(row["panels"] == [] and row["title"] for row in rows)


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_a_rule_is_whole(rule: dict[str, Any], exposed: dict[str, set[str]]) -> None:
    assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
    assert rule["alert"].startswith("Threadbridge")
    assert re.fullmatch(r"\d+[smh]", rule["for"])
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert set(rule["annotations"]) == {"summary", "description"}
    expression = parsed(rule["expr"])
    kept = groupings(expression)
    there = kept[0][0] if kept else {"instance"} | exposed[selectors(expression)[0].name or ""]
    assert set(re.findall(r"\$labels\.(\w+)", " ".join(rule["annotations"].values()))) <= there


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
