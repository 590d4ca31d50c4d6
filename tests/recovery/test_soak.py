"""A short soak (`tests.recovery.soak`), and its plan."""

from __future__ import annotations

import os

import pytest

from tests.recovery.plan import Kill, Outage, Say, plan
from tests.recovery.soak import soak

SEED = int(os.environ.get("THREADBRIDGE_SEED_OF_SOAK", "1"))


@pytest.mark.timeout(600)
async def test_nothing_is_lost_or_doubled_while_everything_goes_wrong(postgresql: str) -> None:
    report = await soak(postgresql, seconds=20, threads=15, seed=SEED, workers=2)
    assert not report.wrong, "\n".join(report.lines())
    assert report.counts["turns answered"] > 0
    assert report.counts["kills of work"] + report.counts["kills of listen"] > 0
    assert report.counts["outages of the database"] > 0


def test_the_seed_gives_the_plan() -> None:
    steps = plan(7, seconds=300, threads=200, programs=4)
    assert steps == plan(7, seconds=300, threads=200, programs=4)
    assert steps != plan(8, seconds=300, threads=200, programs=4)
    assert {step.thread for step in steps if isinstance(step, Say)} == set(range(200))
    assert sum(isinstance(step, Outage) for step in steps) > 2
    kills = [step for step in steps if isinstance(step, Kill)]
    assert len(kills) > 5
    assert {step.victim for step in kills if step.at >= 100} <= {2, 3}
