"""The tree of errors in the module's docstring is the tree of classes."""

from __future__ import annotations

import inspect
import re

from core import errors


def test_the_tree_in_the_docstring_is_true() -> None:
    drawn: dict[str, str] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^((?:[│ ]   )*(?:[├└]── )?)([A-Z]\w+)", line)
        if found is None or found[2] not in vars(errors):
            continue
        depth = len(found[1]) // 4
        above = [*above[:depth], found[2]]
        drawn[found[2]] = above[depth - 1] if depth else "Exception"
    real = {
        name: kind.__mro__[1].__name__
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if kind.__module__ == errors.__name__
    }
    assert drawn == real


def test_every_error_has_a_sentence_of_its_own() -> None:
    for name, kind in inspect.getmembers(errors, inspect.isclass):
        if issubclass(kind, errors.ThreadbridgeError):
            error = kind(1.0) if issubclass(kind, errors.SlowDown) else kind()
            assert error.sentence.endswith("."), name


def test_the_detail_is_not_in_the_sentence() -> None:
    error = errors.UpstreamUnavailable(detail="10.0.0.7 refused")
    assert "10.0.0.7" not in error.sentence + str(error)
