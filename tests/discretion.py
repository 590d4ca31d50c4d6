"""Listens to everything that the program writes during the whole suite: its log, its output, its databases, and what
it says in a chat. A secret in any of it fails the test in which it is found, in whatever process that runs."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sandbox.feed import Feed

SECRETS = (
    "xoxb-sandbox",
    "xapp-sandbox",
    "sandbox-discord-token",
    "sandbox-telegram-token",
    "sandbox-key",
    "wrong-word",
    "sandbox-signing-secret",
    "token-of-ann-and-nobody-else",
    "token-of-bob-and-nobody-else",
    "sandbox-admin-token",
)
"""What the program is given in tests, right or wrong, and never says."""

_found: list[str] = []


def hear(where: str, said: str) -> None:
    """Something was written there."""
    _found.extend(f"{where}: {secret} in {said[:2000]}" for secret in SECRETS if secret in said)


def found() -> list[str]:
    """What was heard and should not have been, since the last time this was asked."""
    heard = list(_found)
    _found.clear()
    return heard


def read_databases(folder: Path) -> None:
    """SQLite's files, what is not yet moved from their logs included."""
    for file in folder.rglob("*.db*"):
        if file.is_file():
            hear(file.name, file.read_bytes().decode("latin-1"))


class _Ear(logging.Handler):
    """Hears each line as it is logged, with its traceback, before the program's own formatter takes secrets out."""

    def emit(self, record: logging.LogRecord) -> None:
        hear(f"log of {record.name}", self.format(record))


@contextmanager
def listening() -> Iterator[None]:
    """To this process's log, and to all stand-ins."""
    ear = _Ear()
    real = Feed.publish

    def publish(self: Feed, kind: str, **data: Any) -> None:
        hear(f"{self.source}, {kind}", repr(data))
        real(self, kind, **data)

    logging.getLogger().addHandler(ear)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Feed, "publish", publish)
        yield
    logging.getLogger().removeHandler(ear)
