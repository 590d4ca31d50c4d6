"""The rules of dependency, read from the imports themselves."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("bridges", "console", "core", "migrations", "sandbox")
PLATFORMS = re.compile(r"slack|discord|telegram", re.IGNORECASE)


def modules(package: str) -> list[Path]:
    found = sorted((ROOT / package).rglob("*.py"))
    assert found, package
    return found


def imports(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(name), names=names):
                yield name
                yield from (f"{name}.{alias.name}" for alias in names)
            case _:
                pass


def offenders(package: str, forbidden: tuple[str, ...]) -> list[str]:
    return [
        f"{module.relative_to(ROOT)} imports {name}"
        for module in modules(package)
        for name in imports(module)
        if name.split(".")[0] in forbidden
    ]


def test_core_never_imports_bridges() -> None:
    assert offenders("core", ("bridges", "sandbox", "console")) == []


def test_no_module_in_core_names_a_platform() -> None:
    named = [
        f"{module.relative_to(ROOT)}:{number}"
        for module in modules("core")
        for number, line in enumerate(module.read_text("utf-8").splitlines(), 1)
        if PLATFORMS.search(line)
    ]
    assert named == []


def test_only_the_composition_root_imports_the_relay() -> None:
    importers = {
        str(module.relative_to(ROOT))
        for package in PACKAGES
        for module in modules(package)
        if "core.relay" in set(imports(module))
    }
    assert importers == {"bridges/app.py"}


def test_the_stand_ins_share_no_code_with_the_program() -> None:
    assert offenders("sandbox", ("core", "bridges", "console", "migrations")) == []


@pytest.mark.parametrize("package", ["slack", "discord", "telegram", "web"])
def test_no_bridge_knows_another(package: str) -> None:
    others = {"slack", "discord", "telegram", "web"} - {package}
    known = [
        f"{module.relative_to(ROOT)} imports {name}"
        for module in modules(f"bridges/{package}")
        for name in imports(module)
        if name.startswith("bridges.") and name.split(".")[1] in others
    ]
    assert known == []


def test_no_file_has_outgrown_one_concern() -> None:
    """Past about 250 lines a file is to be thought over; past 350 it is to be taken apart."""
    grown = {
        str(module.relative_to(ROOT)): lines
        for package in PACKAGES
        for module in modules(package)
        if (lines := len(module.read_text("utf-8").splitlines())) > 350
    }
    assert grown == {}
