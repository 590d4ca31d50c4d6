"""The worked examples of the documents do what they say: their code is run, and the tests that they show pass."""

from __future__ import annotations

import importlib.util
import inspect
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest

EXAMPLES = sorted((Path(__file__).parent.parent / "docs").glob("adding-*.md"))


@contextmanager
def module(document: Path, folder: Path) -> Iterator[ModuleType]:
    """All the code of a page, as one module."""
    code = re.findall(r"^```python\n(.*?)^```$", document.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    file = folder / f"{document.stem.replace('-', '_')}.py"
    file.write_text("from __future__ import annotations\n\n" + "\n".join(code), "utf-8")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    found = sys.modules[file.stem] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(found)
        yield found
    finally:
        del sys.modules[file.stem]


@pytest.mark.parametrize("document", EXAMPLES, ids=lambda one: one.name)
async def test_the_tests_of_the_page_pass(document: Path, tmp_path: Path) -> None:
    with module(document, tmp_path) as example:
        tests = [one for name, one in vars(example).items() if name.startswith("test_")]
        assert len(tests) > 2
        for one in tests:
            result = one()
            if inspect.isawaitable(result):
                await result


def test_there_are_examples() -> None:
    assert EXAMPLES
