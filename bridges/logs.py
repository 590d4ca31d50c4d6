"""Logs: one line for each event, for people or as JSON, and never with a secret in it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, SecretStr

from core.observing import Accepted, Ended, Happening, ids

log = logging.getLogger(__name__)

QUIET = (
    "aiohttp",
    "aiosqlite",
    "alembic",
    "asyncio",
    "discord",
    "httpcore",
    "httpx",
    "opentelemetry",
    "procrastinate",
    "psycopg",
    "slack_bolt",
    "slack_sdk",
    "telegram",
)
"""Libraries whose own news are not the operator's; some of them print addresses that hold a token."""

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def secrets_of(settings: object) -> Iterator[str]:
    """Every secret value in a tree of settings."""
    match settings:
        case SecretStr():
            yield settings.get_secret_value()
        case BaseModel():
            for name in type(settings).model_fields:
                yield from secrets_of(getattr(settings, name))
        case dict():
            for value in settings.values():
                yield from secrets_of(value)
        case _:
            return


def hiding(secrets: Iterable[str]) -> Callable[[str], str]:
    """Takes every one of these secrets out of a text."""
    # The longest first: one secret may be part of another. A secret of a few characters would blot out words.
    known = sorted({secret for secret in secrets if len(secret) > 5}, key=len, reverse=True)

    def hidden(text: str) -> str:
        for secret in known:
            text = text.replace(secret, "[secret]")
        return text

    return hidden


class Formatter(logging.Formatter):
    """Writes a record as text or JSON, and takes every known secret out of what it wrote, tracebacks included."""

    def __init__(self, style: Literal["text", "json"], secrets: Iterator[str]) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%Y-%m-%d %H:%M:%S")
        self._json = style == "json"
        self._hidden = hiding(secrets)

    def format(self, record: logging.LogRecord) -> str:
        return self._hidden(self._as_json(record) if self._json else self._as_text(record))

    def _as_text(self, record: logging.LogRecord) -> str:
        extra = " ".join(f"{key}={value}" for key, value in _extra(record).items())
        return super().format(record) + (f" [{extra}]" if extra else "")

    def _as_json(self, record: logging.LogRecord) -> str:
        fields = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_extra(record),
        }
        if record.exc_info:
            fields["error"] = self.formatException(record.exc_info)
        return json.dumps(fields, default=str)


def _extra(record: logging.LogRecord) -> dict[str, object]:
    given = {key: value for key, value in vars(record).items() if key not in _STANDARD}
    # A record is written where it was made, so whatever it is about is what runs here.
    return {**ids(), **given}


def messages(happening: Happening) -> None:
    """Writes what people say, and what they are answered: an observer for operators who ask for it."""
    match happening:
        case Accepted(_, message):
            log.info("asked", extra={"author": message.author, "text": message.text})
        case Ended(reply=reply):
            log.info("answered", extra={"text": reply})
        case _:
            pass


def configure(level: str, style: Literal["text", "json"], secrets: Iterator[str]) -> None:
    """Sends all logs to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(Formatter(style, secrets))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
