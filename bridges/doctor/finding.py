"""What the doctor looks at, and what it finds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "failed", "skipped"]
"""`warning`: it works, but perhaps not as meant. `skipped`: nothing can be said of it."""


@dataclass(frozen=True, slots=True)
class Finding:
    state: State
    found: str
    """What is so, in one sentence. May repeat what a server said."""
    remedy: str = ""
    """What to do, in one sentence or two; for warnings and failures only."""


@dataclass(frozen=True, slots=True)
class Check:
    area: str
    """What it belongs to: `slack`, `database`."""
    name: str
    look: Callable[[], Awaitable[Finding]]
    """Called once. May be cancelled when it takes too long."""


def ok(found: str) -> Finding:
    return Finding("ok", found)


def warning(found: str, remedy: str) -> Finding:
    return Finding("warning", found, remedy)


def failed(found: str, remedy: str) -> Finding:
    return Finding("failed", found, remedy)


def skipped(found: str) -> Finding:
    return Finding("skipped", found)
