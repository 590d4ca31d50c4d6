"""Health: every way in which a message may not come in, or an answer not get out, has its sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.health import Delivery, Listener, Listening, Pulse, Report, judge
from core.backlog import Open
from core.errors import MessageMissing, PlatformError, PlatformUnavailable, SlowDown
from core.observing import Called, Heard
from core.settings import HealthSection
from core.tables import State, Turn

SETTINGS = HealthSection(deaf_after=25, undelivered_after=30, waiting_after=60)


def turn(bridge: str = "fake") -> Turn:
    moment = datetime.now(UTC)
    return Turn(
        id=1,
        bridge=bridge,
        thread="t",
        message="m",
        author="a",
        author_name="Ann",
        prompt="Hi",
        state=State.RUNNING,
        sent_at=moment,
        accepted_at=moment,
    )


def called(error: PlatformError | None = None, bridge: str = "fake") -> Called:
    return Called(turn(bridge), "edit", 0.1, error)


def report(
    pulse: Pulse | None = None,
    *,
    after: float = 0.0,
    listening: Listening = Listening(None, 1.0),  # noqa: B008 - frozen
    turns: Mapping[str, Open] | None = None,
    database: str | None = None,
    answers: bool = True,
    settings: HealthSection = SETTINGS,
) -> Report:
    pulse = pulse or Pulse()
    return judge(
        settings,
        now=pulse.began + after,
        pulse=pulse,
        database=database,
        turns={} if turns is None and database is None else turns,
        listening={"fake": listening},
        platforms=("fake",),
        answers=answers,
    )


def test_all_is_well() -> None:
    found = report(turns={"fake": Open(3, 1, 20.0, 0.0)})
    assert found.ready
    said = found.as_json()
    assert said["status"] == "ready"
    assert said["database"] == {"ok": True}
    assert said["listeners"]["fake"] == {"ok": True, "seconds_since_sign_of_life": 1.0}
    assert said["delivery"]["fake"] == {
        "ok": True,
        "waiting_turns": 3,
        "running_turns": 1,
        "oldest_waiting_seconds": 20.0,
    }


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"database": "The database is away."}, "The database is away."),
        ({"listening": Listening("the token was revoked.", None)}, "fake: the token was revoked."),
        ({"listening": Listening(None, 26.0)}, "fake: no sign of life for 26 s; it may be deaf"),
        ({"listening": Listening("it does not answer.", 40.0)}, "fake: it does not answer."),
        ({"turns": {"fake": Open(1, 0, 61.0, 61.0)}}, "fake: a turn has waited for 61 s, and nobody is at its thread"),
        (
            {"settings": SETTINGS.model_copy(update={"quiet_after": 3600.0}), "after": 3700.0},
            "fake: no message has come in for 3700 s",
        ),
    ],
)
def test_what_is_wrong_is_said(changes: dict[str, Any], reason: str) -> None:
    found = report(**changes)
    assert not found.ready
    assert found.as_json()["reason"] == reason
    assert found.as_json()["status"] == "not ready"


@pytest.mark.parametrize(
    "changes",
    [
        {"listening": Listening(None, None)},  # where the platform calls us, nothing is to be expected
        {"turns": {"fake": Open(1, 1, 900.0, 0.0)}},  # it waits behind a long answer
        {"turns": {"fake": Open(1, 0, 900.0, 900.0)}, "answers": False},  # which is the workers' fault
        {"after": 1e6},  # nobody has said anything, and nobody has to
    ],
)
def test_what_is_no_fault(changes: dict[str, Any]) -> None:
    assert report(**changes).ready


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (PlatformUnavailable(detail="secret"), "it does not answer"),
        (SlowDown(300.0), "it asks to slow down, for 300 s"),
    ],
)
def test_what_does_not_get_out_is_said_until_something_does(error: PlatformError, reason: str) -> None:
    pulse = Pulse()
    pulse.observe(called(error))
    assert report(pulse, after=29).ready
    assert report(pulse, after=40).reasons == [f"fake: nothing has got out for 40 s: {reason}"]
    pulse.observe(called())
    found = report(pulse, after=40)
    assert found.ready
    assert found.delivery["fake"].since_edit == pytest.approx(40, abs=5)


def test_a_failure_says_nothing_when_nothing_is_to_be_shown_any_more() -> None:
    pulse = Pulse()
    pulse.observe(called(PlatformUnavailable()))
    assert not report(pulse, after=40).ready
    assert report(pulse, after=100).ready


def test_a_message_that_is_gone_is_no_trouble_of_the_platform() -> None:
    pulse = Pulse()
    pulse.observe(called(MessageMissing()))
    assert report(pulse, after=40).ready


def test_one_platform_says_nothing_of_another() -> None:
    pulse = Pulse()
    pulse.observe(called(PlatformUnavailable(), bridge="other"))
    assert report(pulse, after=40).ready


def test_the_last_message_in_is_told() -> None:
    pulse = Pulse()
    assert report(pulse).listeners["fake"].since_message is None
    pulse.observe(Heard("fake"))
    assert report(pulse, after=10).listeners["fake"].since_message == pytest.approx(10, abs=5)


def test_what_is_wrong_with_one_platform_is_no_fault_of_another() -> None:
    deaf, well = Listener("it may be deaf", 30.0, None), Listener(None, 1.0, None)
    found = Report(None, {"slack": deaf, "discord": well}, {"slack": Delivery(None, None, None)})
    assert (found.ready, found.useful) == (False, True)
    assert [found.of(name).ready for name in ("slack", "discord")] == [False, True]
    assert set(found.of("slack").as_json()["listeners"]) == {"slack"}
    assert not Report(None, {"slack": deaf}, {"slack": Delivery(None, None, None)}).useful
    assert not replace(found, database="The database is away.").useful


@given(
    st.none() | st.text(),
    st.none() | st.floats(0, 1e6),
    st.none() | st.just("down"),
    st.floats(0, 1e6),
    st.booleans(),
)
def test_not_ready_is_never_without_a_reason(
    trouble: str | None, silence: float | None, database: str | None, unattended: float, answers: bool
) -> None:
    found = report(
        listening=Listening(trouble, silence),
        database=database,
        turns={"fake": Open(1, 0, unattended, unattended)},
        answers=answers,
    )
    said = found.as_json()
    parts = [said["database"], *said["listeners"].values(), *said["delivery"].values()]
    assert found.ready == all(part["ok"] for part in parts) == ("reason" not in said)
    assert all(("reason" in part) != part["ok"] for part in parts)
