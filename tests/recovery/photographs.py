"""What a kill leaves, taken after every step of a run: see `test_every_await`."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections.abc import Callable, Coroutine, Generator, Hashable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from core.model import MessageId, ThreadId
from tests.fakes import FakeBridge, FakeSurface, Posted

T = TypeVar("T")

TABLES = {
    "turn": "id, message, state, attempt, conversation_id, reply, error",
    "conversation": "id, upstream_id, fresh",
    "part": "id, turn_id, position, message, key",
}
"""What recovery goes by, without the times, which differ each time."""


class Platform(FakeBridge):
    """A fake platform that can be photographed. `idempotent`: nothing can be found, but a creation under a known key
    gives the first message again, and what is to be taken away is found in that way: what a platform with nonces does.
    """

    def __init__(self, limit: int = 40, *, idempotent: bool = False, **kind: bool) -> None:
        super().__init__(limit, **kind)
        self.idempotent = idempotent
        self.created = 0

    def new(self, thread: ThreadId, key: str, reply_to: MessageId | None, text: str, final: bool) -> Posted:
        known = next((posted for posted in self.messages if posted.key == key), None)
        if self.idempotent and known is not None:
            return known
        self.created += 1
        return super().new(thread, key, reply_to, text, final)

    def open(
        self, thread: ThreadId, key: str, message: MessageId | None = None, *, reply_to: MessageId | None = None
    ) -> FakeSurface:
        return _Surface(self, thread, key, message, reply_to)

    def restore(self, messages: list[Posted], created: int) -> None:
        """As it was when the photograph was taken."""
        self.messages, self.created = deepcopy(messages), created
        self._numbers = itertools.count(created + 1)


class _Surface(FakeSurface):
    async def show(self, text: str, *, final: bool) -> None:
        bridge = self._bridge
        if isinstance(bridge, Platform) and bridge.idempotent and final and not text and self.message is None:
            self.message = next((posted.id for posted in bridge.messages if posted.key == self._key), None)
        await super().show(text, final=final)


@dataclass(frozen=True)
class Remains:
    """All that there is after a kill: the database as committed, the platform, and what the outside was told."""

    database: Path
    messages: list[Posted] = field(default_factory=list)
    created: int = 0
    asked: int = 0
    """How many prompts the upstream has had."""
    accepted: frozenset[MessageId] = frozenset()
    """The messages of which the platform was told that they are recorded."""
    kills: int = 0
    rows: Mapping[str, list[tuple[Any, ...]]] = field(default_factory=dict)

    def __str__(self) -> str:
        said = [f"{posted.id} {posted.text!r}{' final' if posted.final else ''}" for posted in self.messages]
        return f"after {self.kills} kills, the last with {dict(self.rows)} and on the platform {said}"


class Photographer:
    """Photographs one life after another, and keeps each picture that is unlike all before."""

    def __init__(self, folder: Path, most_kills: int) -> None:
        self._folder = folder
        self._most_kills = most_kills
        self._seen: set[Hashable] = set()
        self.looks = 0
        self.found: list[Remains] = []

    @contextmanager
    def watching(self, before: Remains, database: Path, now: Callable[[], Remains]) -> Iterator[Callable[[], None]]:
        """Gives the function that takes a picture of the life that began with `before`. `now` tells of all but the
        database."""
        if before.kills >= self._most_kills:
            yield lambda: None
            return
        reader = sqlite3.connect(database, isolation_level=None)
        try:
            yield lambda: self._look(reader, before, now())
        finally:
            reader.close()

    def _look(self, reader: sqlite3.Connection, before: Remains, outside: Remains) -> None:
        self.looks += 1
        reader.execute("BEGIN")  # one moment for all that is read, and for the copy
        try:
            rows = {
                table: reader.execute(f"SELECT {columns} FROM {table} ORDER BY id").fetchall()
                for table, columns in TABLES.items()
            }
            picture = _without_randomness(rows, outside)
            if picture in self._seen:
                return
            self._seen.add(picture)
            copy = self._folder / f"{len(self._seen)}.db"
            with sqlite3.connect(copy) as target:
                reader.backup(target)
            target.close()
        finally:
            reader.execute("COMMIT")
        self.found.append(
            Remains(
                copy,
                deepcopy(outside.messages),
                outside.created,
                outside.asked,
                outside.accepted,
                before.kills + 1,
                rows,
            )
        )


def _without_randomness(rows: Mapping[str, list[tuple[Any, ...]]], outside: Remains) -> Hashable:
    """Keys are random; two pictures are alike if they differ in nothing else."""
    numbers: dict[str, int] = {}
    parts = [(*row[:-1], numbers.setdefault(row[-1], len(numbers))) for row in rows["part"]]
    posted = [
        (one.id, numbers.setdefault(one.key, len(numbers)), one.reply_to, one.text, one.final)
        for one in outside.messages
    ]
    return (
        tuple(rows["turn"]),
        tuple(rows["conversation"]),
        tuple(parts),
        tuple(posted),
        outside.created,
        outside.asked,
        outside.accepted,
    )


class _Stepped(Coroutine[Any, Any, T]):
    """A coroutine that is looked at before and after each of its steps."""

    def __init__(self, inner: Coroutine[Any, Any, T], look: Callable[[], None]) -> None:
        self._inner = inner
        self._look = look

    def send(self, value: Any) -> Any:
        self._look()
        try:
            return self._inner.send(value)
        finally:
            self._look()

    def throw(self, kind: Any, value: BaseException | object = None, trace: TracebackType | None = None, /) -> Any:
        self._look()
        try:
            return self._inner.throw(kind) if value is None else self._inner.throw(kind, value, trace)
        finally:
            self._look()

    def close(self) -> None:
        self._inner.close()

    def __await__(self) -> Generator[Any, Any, T]:
        return (yield from self._inner.__await__())


def stepped(main: Coroutine[Any, Any, T], look: Callable[[], None]) -> T:
    """Runs `main` to its end and calls `look` before and after each step of it and of every task that it starts: at
    every await at which anything else could happen, a kill included."""

    def factory(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        return asyncio.Task(_Stepped(coroutine, look), loop=loop, **options)

    with asyncio.Runner() as runner:
        runner.get_loop().set_task_factory(factory)
        return runner.run(main)
