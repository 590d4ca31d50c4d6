"""An event loop whose clock jumps to the next timer instead of waiting for it: an hour passes in a moment."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, TypeVar

T = TypeVar("T")

IN_FLIGHT = 0.1
"""Real seconds after which nothing can be on its way any more between two sockets of this machine."""


class _Selector(selectors.DefaultSelector):
    """Never waits for a timer: it tells the loop's clock how long it would have waited."""

    def __init__(self, *, in_flight: float) -> None:
        super().__init__()
        self.waited = 0.0
        self._patience = in_flight

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout != 0:
            ready = super().select(self._patience)
        if not ready:
            if timeout is None:
                raise AssertionError("everything waits, and no timer would ever wake it")
            self.waited += timeout
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    def __init__(self, *, in_flight: float = 0.0) -> None:
        self._virtual = _Selector(in_flight=in_flight)
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.waited


def run(main: Coroutine[Any, Any, T], *, sockets: bool = False, in_flight: float = IN_FLIGHT) -> T:
    """Runs to the end in virtual time. Only for what uses no threads or processes, and `sockets` only if told: then
    time stands still while something is on its way between two of them, both of which belong to this loop."""
    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(in_flight=in_flight if sockets else 0.0)) as runner:
        return runner.run(main)


def in_virtual_time(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """A test with sockets, and an event loop of its own for it."""

    @wraps(test)
    def sync() -> None:
        run(test(), sockets=True)

    return sync
