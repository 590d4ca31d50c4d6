"""What the pages tell people to write is what the program reads."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from bridges.settings import Settings
from bridges.slack.manifest import SCOPES
from core.loading import load

DOCS = Path(__file__).parents[3] / "docs"


def page(name: str) -> str:
    return (DOCS / f"{name}.md").read_text("utf-8")


@pytest.mark.parametrize("name", ["slack", "discord", "telegram", "web"])
def test_every_configuration_on_a_page_is_read(name: str, tmp_path: Path) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", page(name), re.S)
    assert blocks
    for block in blocks:
        file = tmp_path / "threadbridge.toml"
        file.write_text(block, "utf-8")
        environ = {name: f"1:secret-of-{name}-and-no-other" for name in re.findall(r"\$\{(\w+)\}", block)}
        settings = load(Settings, file, environ)
        assert getattr(settings.bridges, name) is not None
        assert tomllib.loads(block)


def test_every_scope_is_explained() -> None:
    table = page("slack").partition("## What the scopes are for")[2].partition("##")[0]
    assert set(re.findall(r"`([\w:]+)`", table.replace("| scope", ""))) == set(SCOPES)
