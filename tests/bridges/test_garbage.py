"""`bridges.garbage`: what the program tells Python's collector when it is up."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from bridges.garbage import look_seldom


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def test_what_is_there_when_the_program_is_up_is_not_looked_at_again() -> None:
    look_seldom()
    assert gc.get_freeze_count() > len(gc.get_objects())


def test_circles_are_found_all_the_same() -> None:
    class Circle:
        def __init__(self) -> None:
            self.itself = self

    look_seldom()
    assert gc.isenabled()
    for _ in range(2 * gc.get_threshold()[0]):
        Circle()
    left = sum(isinstance(one, Circle) for one in gc.get_objects())
    assert left <= gc.get_threshold()[0]
