"""Logs: readable by people or machines, and never with a secret in them."""

from __future__ import annotations

import json
import logging
import sys
from typing import Literal

import pytest
from pydantic import SecretStr

from bridges.logs import Formatter, messages, secrets_of
from bridges.settings import Settings
from core.loading import load
from core.observing import Accepted, Ended, saying
from core.tables import State
from tests.console.test_health import turn
from tests.messages import message

SECRET = "xoxb-very-secret-value"
STYLES: tuple[Literal["text", "json"], ...] = ("text", "json")


def record(message: str, **extra: object) -> logging.LogRecord:
    made = logging.makeLogRecord({"name": "core.relay", "levelno": logging.INFO, "levelname": "INFO", "msg": message})
    vars(made).update(extra)
    return made


@pytest.mark.parametrize("style", STYLES)
def test_a_known_secret_never_gets_into_a_line(style: Literal["text", "json"]) -> None:
    formatter = Formatter(style, iter([SECRET]))
    failed = record(f"calling https://x/bot{SECRET}/getMe", address=f"?token={SECRET}")
    try:
        raise ValueError(SECRET)
    except ValueError:
        failed.exc_info = sys.exc_info()
    line = formatter.format(failed)
    assert SECRET not in line
    assert line.count("[secret]") >= 3


def test_every_secret_of_the_settings_is_known() -> None:
    environ = {
        "THREADBRIDGE__BRIDGES__SLACK__BOT_TOKEN": "secret-1",
        "THREADBRIDGE__BRIDGES__SLACK__APP_TOKEN": "secret-2",
        "THREADBRIDGE__UPSTREAMS__A__KIND": "goapi",
        "THREADBRIDGE__UPSTREAMS__A__API_KEY": "secret-3",
        "THREADBRIDGE__HTTP__ADMIN_TOKEN": "secret-4",
    }
    found = set(secrets_of(load(Settings, None, environ)))
    assert found == {"secret-1", "secret-2", "secret-3", "secret-4"}
    assert list(secrets_of(SecretStr("x"))) == ["x"]


def test_a_short_secret_does_not_blot_out_words() -> None:
    assert Formatter("text", iter(["a"])).format(record("a cat")).endswith("a cat")


def test_json_lines_hold_what_was_given_with_them() -> None:
    fields = json.loads(Formatter("json", iter(())).format(record("turn accepted", thread_id="slack:T:C:1")))
    assert (fields["message"], fields["thread_id"], fields["level"]) == ("turn accepted", "slack:T:C:1", "info")


def test_text_lines_end_with_it() -> None:
    line = Formatter("text", iter(())).format(record("turn accepted", thread_id="t"))
    assert line.endswith("core.relay: turn accepted [thread_id=t]")


@pytest.mark.parametrize("style", STYLES)
def test_lines_carry_the_ids_of_what_they_are_about(style: Literal["text", "json"]) -> None:
    formatter = Formatter(style, iter(()))
    with saying(thread_id="slack:T:C:1", turn_id=7):
        line = formatter.format(record("the upstream is away", thread_id="its own"))
    assert "turn_id" in line
    assert "its own" in line
    assert "turn_id" not in formatter.format(record("something else"))


def test_what_people_say_is_written_for_those_who_ask_for_it(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        messages(Accepted("fake", message("my question"), 0.1))
        messages(Ended(turn(), "main", State.ANSWERED, 1.0, "an answer"))
    assert [vars(one)["text"] for one in caplog.records] == ["my question", "an answer"]
