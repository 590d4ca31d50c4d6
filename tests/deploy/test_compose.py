"""compose.yaml against the schema of the Compose Specification, and what a schema cannot tell."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.settings import Relaying
from tests.deploy import DEPLOY

FILE = DEPLOY / "compose.yaml"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(FILE.read_text("utf-8"))
    return found


def ours(compose: dict[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in compose["services"].items() if one["image"].startswith("threadbridge")}


def test_it_is_what_the_specification_allows() -> None:
    subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(FILE)], check=True
    )


def test_the_program_is_confined_and_has_time_to_finish(compose: dict[str, Any]) -> None:
    services = ours(compose)
    assert {one["command"] for one in services.values()} == {"run", "work", "db upgrade"}
    for one in services.values():
        assert one["read_only"] is True
        assert one["cap_drop"] == ["ALL"]
        assert int(one["stop_grace_period"].removesuffix("s")) > Relaying().drain_within


def test_the_schema_is_there_before_the_program(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert services["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    for name in ("threadbridge", "worker"):
        assert services[name]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}


def test_prometheus_and_grafana_find_what_they_are_to_show(compose: dict[str, Any]) -> None:
    services, configs = compose["services"], compose["configs"]

    def mounted(service: str) -> set[str]:
        return {volume.split(":")[1] for volume in services[service]["volumes"] if volume.startswith("./")}

    prometheus = yaml.safe_load(configs["prometheus"]["content"])
    assert set(prometheus["rule_files"]) == mounted("prometheus")
    [job] = prometheus["scrape_configs"]
    assert job["job_name"] == "threadbridge", "the alert for a process that is gone names the job"
    assert set(job["dns_sd_configs"][0]["names"]) <= services.keys()
    [provider] = yaml.safe_load(configs["grafana-dashboards"]["content"])["providers"]
    assert {str(Path(file).parent) for file in mounted("grafana")} == {provider["options"]["path"]}
    [source] = yaml.safe_load(configs["grafana-source"]["content"])["datasources"]
    assert source["url"].partition("//")[2].partition(":")[0] in services


def test_nothing_is_published_beyond_this_machine(compose: dict[str, Any]) -> None:
    ports = [port for one in compose["services"].values() for port in one.get("ports", ())]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_every_image_has_a_version(compose: dict[str, Any]) -> None:
    for one in compose["services"].values():
        assert re.search(r":(?!latest)\S+$", one["image"])


def test_every_volume_config_and_variable_that_is_used_is_there(compose: dict[str, Any]) -> None:
    example = (DEPLOY / ".env.example").read_text("utf-8")
    for name in re.findall(r"\$\{(\w+)", FILE.read_text("utf-8")):
        assert re.search(rf"^#?{name}=", example, re.MULTILINE), f"{name} is not in .env.example"
    for one in compose["services"].values():
        for volume in one.get("volumes", ()):
            source = volume.split(":")[0]
            assert source.startswith("./") or source in compose["volumes"]
        for config in one.get("configs", ()):
            yaml.safe_load(compose["configs"][config["source"]]["content"])
