"""How long the first text may take, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from core.errors import UpstreamUnavailable
from core.model import Done, Event, File, Opened, Replace, Status, Text
from core.upstream.first_text import until_text
from core.upstream.http import SILENT
from tests import virtual_time

LIMIT = 60.0
Step = float | Event
"""Seconds that pass, or what comes then."""


def heard(*steps: Step, limit: float = LIMIT) -> tuple[list[Event], float, bool]:
    """What is heard, when it ended, and whether it ended for want of text."""
    closed: list[float] = []

    async def events() -> AsyncGenerator[Event, None]:
        try:
            for step in steps:
                if isinstance(step, float):
                    await asyncio.sleep(step)
                else:
                    yield step
        finally:
            closed.append(asyncio.get_running_loop().time())

    async def main() -> tuple[list[Event], float, bool]:
        found: list[Event] = []
        failed = False
        async with aclosing(events()) as source, aclosing(until_text(source, limit)) as beginning:
            try:
                async for event in beginning:
                    found += [event]
                async for event in source:
                    found += [event]
            except UpstreamUnavailable as error:
                failed = error.sentence == SILENT
            assert closed == [asyncio.get_running_loop().time()], "what was begun ends at once"
        return found, closed[0], failed

    return virtual_time.run(main())


@pytest.mark.parametrize("first", [Text("a"), Replace("a"), File("a", "b", "c"), Done()])
def test_once_there_is_text_everything_may_take_its_time(first: Event) -> None:
    found, _, failed = heard(59.0, first, 1000.0, Text("b"))
    assert (found, failed) == ([first, Text("b")], False)


def test_without_text_it_ends_at_the_limit() -> None:
    assert heard(Opened("c-1"), 61.0, Text("a")) == ([Opened("c-1")], 60.0, True)


def test_an_id_is_no_text() -> None:
    assert heard(50.0, Opened("c-1"), 50.0, Text("a"))[1:] == (60.0, True)


def test_while_a_status_stands_the_time_does_not_run() -> None:
    found, _, failed = heard(50.0, Status("Searching"), 500.0, Text("a"))
    assert not failed
    assert Text("a") in found


def test_when_the_status_goes_the_time_begins_anew() -> None:
    assert heard(Status("Searching"), 500.0, Status(""), 61.0, Text("a"))[1:] == (560.0, True)


def test_no_limit() -> None:
    assert not heard(1e6, Text("a"), limit=0)[2]
