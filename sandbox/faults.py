"""Faults on request: what a stand-in does wrong, to which calls, and how often."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from typing import Literal

Kind = Literal["status", "drop", "lost", "slow", "cut", "break", "error", "garbage"]


@dataclass(slots=True)
class Fault:
    """One thing to go wrong.

    `status`: the call is refused with this HTTP status in the platform's own error format, and not performed.
    `drop`: the connection is closed without an answer, and the call is not performed.
    `lost`: the call is performed, then the connection is closed without an answer.
    `slow`: the call is performed after `seconds`.

    Only for an upstream's streams, each after `words` words of the answer: `cut`: the stream ends properly but without
    its terminal marker. `break`: the connection breaks. `error`: an error in the stream, in the upstream's own format.
    `garbage`: a record that cannot be read, after which the stream goes on.
    """

    on: str
    """The name of the call, as the stand-in names it, with `*` and `?` as in a shell."""
    kind: Kind
    times: int = 1
    skip: int = 0
    """Matching calls that pass before the first is struck."""
    status: int = 500
    retry_after: float | None = None
    seconds: float = 0.0
    words: int = 10
    error: str | None = None
    """The platform's own error word or sentence, where the default will not do."""


class Faults:
    """The faults that are still to come, struck in the order in which they were asked for."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self._waiting.append(fault)

    def clear(self) -> None:
        self._waiting.clear()

    def take(self, call: str) -> Fault | None:
        """The fault that strikes this call, used up by it."""
        for fault in self._waiting:
            if not fnmatch.fnmatchcase(call, fault.on):
                continue
            if fault.skip:
                fault.skip -= 1
                return None
            fault.times -= 1
            if fault.times <= 0:
                self._waiting.remove(fault)
            return fault
        return None

    @property
    def waiting(self) -> tuple[Fault, ...]:
        return tuple(self._waiting)
