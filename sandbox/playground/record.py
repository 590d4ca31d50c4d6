"""What the program wrote down about its turns, and about who may talk to it, read from its database as an operator
would: without its help."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

LATEST = 12
"""Turns of each bridge that are looked at; what was merged into another is a part of that."""

_TURNS = """
select t.id, t.bridge, t.thread, t.message, t.author_name, t.prompt, t.command, t.state, t.attempt, t.upstream,
       c.upstream_id, t.reply, t.error, t.accepted_at, t.started_at, t.ended_at,
       (select group_concat(json_extract(value, '$.name'), ', ') from json_each(t.attachments))
from turn t left join conversation c on c.id = t.conversation_id
where t.bridge = ? and t.merged_into is null order by t.id desc limit ?
"""
_WAITING = """
select bridge, author_name, substr(code, 1, 3) || '-' || substr(code, 4) from pairing
where expires_at > strftime('%Y-%m-%d %H:%M:%f', 'now') order by expires_at
"""
_LET_IN = "select bridge, author_name from paired order by at"
_PARTS = "select turn_id, message from part where turn_id >= ? order by turn_id, position"


@dataclass(frozen=True, slots=True)
class Turn:
    id: int
    bridge: str
    thread: str
    message: str
    """The message it answers, as the bridge names it."""
    author_name: str
    prompt: str
    command: str
    state: str
    attempt: int
    upstream: str | None
    conversation: str | None
    """The upstream's own id of the conversation."""
    reply: str | None
    error: str | None
    accepted_at: str
    """UTC, as the database writes it."""
    started_at: str | None
    ended_at: str | None
    files: str | None = None
    """The names of what came with it."""
    parts: tuple[str | None, ...] = ()
    """The platform messages of the reply, as the bridge names them; None where one is not posted yet."""

    @property
    def open(self) -> bool:
        return self.state in ("waiting", "running")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A stranger who was given a code that nobody has confirmed yet."""

    bridge: str
    name: str
    code: str
    """As people write it."""


@dataclass(frozen=True, slots=True)
class LetIn:
    """Somebody who was let in by a code."""

    bridge: str
    name: str


@dataclass(frozen=True, slots=True)
class Access:
    waiting: tuple[Waiting, ...] = ()
    let_in: tuple[LetIn, ...] = ()


def latest(database: Path, bridges: Iterable[str]) -> tuple[Turn, ...] | None:
    """The newest turns of each bridge, newest first. None while there is no database, or it cannot be read just now
    (the program is making it, or holds it)."""
    if not database.exists():
        return None
    try:
        with closing(_opened(database)) as connection:
            rows = [row for bridge in bridges for row in connection.execute(_TURNS, (bridge, LATEST))]
            parts: dict[int, list[str | None]] = {}
            for turn, message in connection.execute(_PARTS, (min((row[0] for row in rows), default=0),)):
                parts.setdefault(turn, []).append(message)
    except sqlite3.Error:
        return None
    turns = [replace(turn, parts=tuple(parts.get(turn.id, ()))) for turn in (Turn(*row) for row in rows)]
    return tuple(sorted(turns, key=lambda turn: -turn.id))


def access(database: Path) -> Access | None:
    """Who waits to be let in, and who was. None as above."""
    if not database.exists():
        return None
    try:
        with closing(_opened(database)) as connection:
            waiting = tuple(Waiting(*row) for row in connection.execute(_WAITING))
            return Access(waiting, tuple(LetIn(*row) for row in connection.execute(_LET_IN)))
    except sqlite3.Error:
        return None


def _opened(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=0.2)


def names(stored: str | None, shown: str) -> bool:
    """Whether a message id that a bridge wrote down means the one that the stand-in shows. What a bridge adds to it
    (a channel, a workspace) is its own affair."""
    if stored is None or not stored.endswith(shown):
        return False
    return len(stored) == len(shown) or not stored[-len(shown) - 1].isalnum()
