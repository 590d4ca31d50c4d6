"""The reference of the configuration is what the settings say."""

from __future__ import annotations

from pathlib import Path

from bridges.reference import reference


def test_the_page_in_docs_is_up_to_date() -> None:
    page = Path(__file__).parents[2] / "docs" / "configuration.md"
    assert page.read_text("utf-8") == reference(), "run: python -m bridges.reference > docs/configuration.md"
