"""What the documents say of this repository is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted(file for file in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("deploy/*.md")))


def named(document: Path) -> list[tuple[str, str]]:
    """The tests that a document names: file, and function if there is one."""
    return re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", document.read_text("utf-8"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: one.name)
def test_the_tests_that_are_named_exist(document: Path) -> None:
    for file, function in named(document):
        source = ROOT / file
        assert source.is_file(), file
        known = {node.name for node in ast.walk(ast.parse(source.read_text("utf-8"))) if hasattr(node, "name")}
        assert not function or function in known, f"{file}::{function}"


def test_the_guarantees_name_the_tests_that_show_them() -> None:
    assert len(named(ROOT / "docs" / "guarantees.md")) > 20


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: one.name)
def test_links_to_files_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#|<)([^)#\s]+)", document.read_text("utf-8")):
        assert (document.parent / target).exists(), f"{document.name} links to {target}"
