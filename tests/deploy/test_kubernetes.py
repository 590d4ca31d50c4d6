"""The manifests against the schemas of Kubernetes, and what a schema cannot tell."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from sqlalchemy import URL, create_engine

from bridges.app import check
from bridges.settings import Settings
from bridges.slack.manifest import EVENTS_PATH
from bridges.telegram.webhook import PATH
from core.database import libpq
from core.loading import load
from tests.deploy import DEPLOY
from tests.deploy.rows import OLD_TURN, old_turn

FOLDER = DEPLOY / "kubernetes"
FILES = sorted(FOLDER.glob("*.yaml")) + sorted((FOLDER / "optional").glob("*.yaml"))
OLDEST, NEWEST = "1.29", "1.37"


def objects() -> Iterator[dict[str, Any]]:
    for file in FILES:
        yield from yaml.safe_load_all(file.read_text("utf-8"))


def kinds(kind: str) -> list[dict[str, Any]]:
    return [one for one in objects() if one["kind"] == kind]


def templates() -> list[dict[str, Any]]:
    return [one["spec"]["template"] for kind in ("Deployment", "Job") for one in kinds(kind)]


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_kubernetes_takes_every_object(version: str, tmp_path: Path) -> None:
    """All but those of kustomize and KEDA, which are not its own."""
    for number, one in enumerate(objects()):
        if not one["apiVersion"].startswith(("kustomize.", "keda.")):
            (tmp_path / f"{number}.yaml").write_text(yaml.safe_dump(one), "utf-8")
    files = [str(file) for file in tmp_path.iterdir()]
    assert len(files) >= 9
    done = subprocess.run(
        [sys.executable, "-m", "kubernetes_validate", "--strict", "-k", version, *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_kustomize_has_every_file_once() -> None:
    kustomization = yaml.safe_load((FOLDER / "kustomization.yaml").read_text("utf-8"))
    here = {file.name for file in FOLDER.glob("*.yaml")} - {"kustomization.yaml"}
    assert sorted(kustomization["resources"]) == sorted(here)


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_kubectl_makes_the_manifests() -> None:
    """The configuration gets its name, and the image its own, wherever they are used."""
    made = subprocess.run(["kubectl", "kustomize", str(FOLDER)], capture_output=True, text=True, check=True).stdout
    found = [one for one in yaml.safe_load_all(made) if one["kind"] in ("Deployment", "Job")]
    [config] = [one["metadata"]["name"] for one in yaml.safe_load_all(made) if one["kind"] == "ConfigMap"]
    assert len(found) == 3
    for one in found:
        pod = one["spec"]["template"]["spec"]
        assert pod["volumes"][0]["configMap"]["name"] == config
        for container in (*pod["containers"], *pod.get("initContainers", ())):
            assert container["image"].startswith("registry.example.com/threadbridge:")


def test_every_pod_is_confined() -> None:
    for template in templates():
        pod = template["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        for container in (*pod["containers"], *pod.get("initContainers", ())):
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"] is True
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"] == {"drop": ["ALL"]}


def test_what_selects_pods_finds_them() -> None:
    labels = [template["metadata"]["labels"] for template in templates()]
    selectors = [
        *(
            one["spec"]["selector"]["matchLabels"]
            for kind in ("Deployment", "PodDisruptionBudget")
            for one in kinds(kind)
        ),
        *(one["spec"]["selector"] for one in kinds("Service")),
        *(one["spec"]["podSelector"]["matchLabels"] for one in kinds("NetworkPolicy")),
    ]
    assert len(selectors) == 6
    for selector in selectors:
        assert any(selector.items() <= found.items() for found in labels)
    names = {one["metadata"]["name"] for kind in ("Deployment", "Service") for one in objects() if one["kind"] == kind}
    [scaled] = kinds("ScaledObject")
    assert scaled["spec"]["scaleTargetRef"]["name"] in names
    [ingress] = kinds("Ingress")
    paths = ingress["spec"]["rules"][0]["http"]["paths"]
    assert [path["path"] for path in paths] == [EVENTS_PATH, PATH]
    assert {path["backend"]["service"]["name"] for path in paths} <= names


def configuration() -> Settings:
    """As a pod has it: the file, with the keys of the secret in the environment."""
    lines = (FOLDER / "secret.env.example").read_text("utf-8").splitlines()
    pairs = [line.split("=", 1) for line in lines if line and not line.startswith("#")]
    return load(Settings, FOLDER / "config.toml", {name: value or "filled-in" for name, value in pairs})


def test_the_secret_has_what_the_configuration_asks_for() -> None:
    settings = configuration()
    check(settings)
    assert settings.http.host == "0.0.0.0", "the probes come from outside the pod"
    [authentication] = kinds("TriggerAuthentication")
    key = authentication["spec"]["secretTargetRef"][0]["key"]
    assert f"${{{key}}}" == tomllib.loads((FOLDER / "config.toml").read_text("utf-8"))["database"]["url"]


def test_one_platform_that_is_away_takes_no_pod_away() -> None:
    containers = [one for template in templates() for one in template["spec"]["containers"]]
    asked = [(one["livenessProbe"], one["readinessProbe"]) for one in containers if "readinessProbe" in one]
    assert len(asked) == 2
    paths = {tuple(probe["httpGet"]["path"] for probe in probes) for probes in asked}
    assert paths == {("/healthz", "/readyz/any")}


def test_pods_have_time_to_finish() -> None:
    for one in kinds("Deployment"):
        assert one["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] > configuration().relay.drain_within


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_the_autoscaler_counts_the_threads_that_have_something_to_do(url: URL) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        for number, (thread, state) in enumerate(
            [("a", "running"), ("a", "waiting"), ("b", "waiting"), ("c", "answered"), ("d", "failed")]
        ):
            connection.execute(OLD_TURN, old_turn(number, thread=thread, state=state))
    engine.dispose()
    [trigger] = kinds("ScaledObject")[0]["spec"]["triggers"]
    with psycopg.connect(libpq(url)) as asking:
        assert asking.execute(trigger["metadata"]["query"]).fetchone() == (2,)
