"""The units, as systemd itself reads them."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from core.settings import Relaying
from tests.deploy import DEPLOY

UNITS = DEPLOY / "systemd"
PROGRAMS = ("threadbridge-run.service", "threadbridge-listen@.service", "threadbridge-work@.service")
needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units, of a program that is where they look for it."""
    folder = tmp_path / "units"
    shutil.copytree(UNITS, folder)
    for unit in folder.glob("*.service"):
        text = unit.read_text("utf-8")
        unit.write_text(
            re.sub(r"^ExecStart=/opt/threadbridge/bin/\w+", f"ExecStart={sys.executable}", text, flags=re.M)
        )
    return folder


def analyze(*arguments: str, folder: Path) -> str:
    done = subprocess.run(["systemd-analyze", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stderr


@needs_systemd
def test_systemd_finds_nothing_wrong_with_any_unit(installed: Path) -> None:
    units = [f"./{unit.name}" for unit in (*installed.glob("*.service"), *installed.glob("*.timer"))]
    said = analyze("verify", "--man=no", *units, folder=installed)
    assert [line for line in said.splitlines() if "threadbridge" in line] == []


@needs_systemd
@pytest.mark.parametrize("unit", [*PROGRAMS, "threadbridge-backup.service"])
def test_every_unit_is_confined(unit: str, installed: Path) -> None:
    """Exposure of 2.0 at most; a service that says nothing of it has 9.6."""
    analyze("security", "--no-pager", "--offline=true", "--threshold=20", f"./{unit}", folder=installed)


@pytest.mark.skipif(shutil.which("systemd-sysusers") is None, reason="systemd-sysusers is not installed")
def test_systemd_makes_the_user_that_the_units_run_as(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    file = UNITS / "threadbridge.sysusers"
    done = subprocess.run(["systemd-sysusers", f"--root={tmp_path}", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    [user] = [line for line in (tmp_path / "etc" / "passwd").read_text("utf-8").splitlines() if "threadbridge" in line]
    name, _, _, _, _, home, shell = user.split(":")
    common = (UNITS / "threadbridge-.service.d" / "common.conf").read_text("utf-8")
    assert f"User={name}" in common
    assert f"WorkingDirectory={home}" in common
    assert shell.endswith("nologin")


@pytest.mark.parametrize("unit", PROGRAMS)
def test_a_program_comes_back_and_has_time_to_finish(unit: str) -> None:
    text = (UNITS / unit).read_text("utf-8")
    assert "Restart=always" in text
    assert "StartLimitIntervalSec=0" in text
    common = configparser.RawConfigParser(strict=False)
    common.optionxform = str  # type: ignore[assignment,method-assign]  # as the documentation has it
    common.read(UNITS / "threadbridge-.service.d" / "common.conf", "utf-8")
    assert int(common["Service"]["TimeoutStopSec"]) > Relaying().drain_within
