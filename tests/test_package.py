"""What is installed is the whole program: migrations and page files too, and nothing that is not its own."""

from __future__ import annotations

import zipfile
from pathlib import Path

from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parent.parent
PACKAGES = ("bridges", "console", "core", "migrations", "sandbox")


def test_the_wheel_holds_every_file_of_every_package(tmp_path: Path) -> None:
    [wheel] = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    here = {
        str(file.relative_to(ROOT))
        for package in PACKAGES
        for file in (ROOT / package).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert packed == here
    assert "migrations/script.py.mako" in packed
    assert {"console/templates/base.html", "console/static/console.css"} <= packed
    assert any(name.startswith("sandbox/playground/static/") and name.endswith(".html") for name in packed)


def test_the_locks_pin_every_requirement_by_hash_and_name_no_address() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (ROOT / name).read_text("utf-8")
        pins = [line for line in text.splitlines() if "==" in line]
        assert pins
        assert text.count("--hash=sha256:") >= len(pins)
        assert "://" not in text
