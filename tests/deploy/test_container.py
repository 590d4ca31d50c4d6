"""The Containerfile: its steps, what they find in the build context, and the health check, which runs."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import shutil
import sys
import tomllib
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from aiohttp import web
from dockerfile_parse import DockerfileParser  # type: ignore[import-untyped]  # it has no types
from hatchling.builders.wheel import WheelBuilder

from console.health import Report
from console.metrics import Metrics
from console.server import serving
from core.settings import Http
from tests.deploy import DEPLOY, ROOT

FILE = DEPLOY / "Containerfile"


def stages() -> list[list[tuple[str, str]]]:
    """The instructions of each stage, with their values."""
    found: list[list[tuple[str, str]]] = []
    for step in DockerfileParser(fileobj=BytesIO(FILE.read_bytes())).structure:
        if step["instruction"] in ("COMMENT", "ARG"):
            continue
        if step["instruction"] == "FROM":
            found.append([])
        found[-1].append((step["instruction"], step["value"]))
    return found


def values(stage: list[tuple[str, str]], instruction: str) -> list[str]:
    return [value for name, value in stage if name == instruction]


def copied(stage: list[tuple[str, str]]) -> list[str]:
    """What a stage takes from the build context."""
    return [source for value in values(stage, "COPY") if "--from=" not in value for source in shlex.split(value)[:-1]]


def test_the_build_context_holds_what_is_copied_and_nothing_else() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line and line[0] != "#"]
    assert lines[0] == "*"
    admitted = {line[1:] for line in lines if line.startswith("!")}
    assert admitted == {source for stage in stages() for source in copied(stage)}
    assert all((ROOT / name).exists() for name in admitted)


def test_what_is_copied_makes_the_whole_program(tmp_path: Path) -> None:
    for source in copied(stages()[0]):
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, tmp_path / source, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / source, tmp_path / source)

    def packed(root: Path, out: str) -> set[str]:
        [wheel] = WheelBuilder(str(root)).build(directory=str(tmp_path / out), versions=["standard"])
        with zipfile.ZipFile(wheel) as archive:
            return set(archive.namelist())

    assert packed(tmp_path, "of-the-context") == packed(ROOT, "of-the-repository")


def test_nothing_is_installed_but_what_is_locked_by_hash() -> None:
    [build, final] = stages()
    installing = [step for step in values(build, "RUN") if " install" in step]
    assert len(installing) == 2
    assert "--require-hashes" in installing[0]
    assert "-r requirements.txt" in installing[0]
    assert "--no-deps" in installing[1]
    assert not any("install" in step for step in values(final, "RUN"))
    assert not re.search(r"://(?!127\.0\.0\.1)|index.url", FILE.read_text("utf-8"))


def test_the_image_is_not_root_and_runs_the_command_that_the_package_has() -> None:
    final = stages()[-1]
    [user] = values(final, "USER")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user), "Kubernetes can tell only of a number that it is not root"
    [entry] = values(final, "ENTRYPOINT")
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]
    assert json.loads(entry)[0] in scripts
    assert values(final, "CMD") == ['["run"]']


@pytest.mark.parametrize(("port", "code"), [("its own", 0), ("another", 1)])
async def test_the_health_check_tells_a_living_process_from_none(port: str, code: int) -> None:
    [check] = values(stages()[-1], "HEALTHCHECK")
    command = json.loads(check.partition("CMD ")[2])

    async def nothing(_: object) -> web.Response:
        return web.Response(status=404)

    async def report() -> Report:
        return Report(database="The database cannot be reached.")

    async with serving(Http(port=0), platforms=nothing, report=report, metrics=Metrics(())) as (_, bound):
        # Port 1 of this machine is nobody's.
        script = command[2].replace("8080", str(bound) if port == "its own" else "1")
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stderr=asyncio.subprocess.DEVNULL)
        assert await process.wait() == code
