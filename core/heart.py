"""The heartbeat of one worker, in a thread of its own.

A thousand turns that begin at once may keep the event loop busy for longer than a lease lasts, and a worker that loses
all its turns for having too many would never recover. So the heart does not wait its turn in the loop; it beats as long
as the loop moves at all.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import URL, Engine, create_engine, select, text
from sqlalchemy.exc import SQLAlchemyError

from core.database import KEEPALIVE
from core.lease import Lease, clock
from core.statements import TURN
from core.tables import State

log = logging.getLogger(__name__)

BEAT = 0.5
"""Seconds between heartbeats, and so until a stop that came in through another process is noticed."""
STUCK = 30.0
"""Seconds without a sign of the event loop after which the heart stops: others should take over then."""

_BEAT = text("UPDATE procrastinate_workers SET last_heartbeat = clock_timestamp() WHERE id = :worker")
_WORKERS = text(
    "SELECT count(*) FROM procrastinate_workers "
    "WHERE last_heartbeat > clock_timestamp() - make_interval(secs => :stalled_after)"
)
_STOPPED = select(TURN.c.id).where(TURN.c.stop_requested, TURN.c.state == State.RUNNING)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a heartbeat learns."""

    workers: int
    """How many are alive."""
    stopped: frozenset[int]
    """The turns, of whatever worker, that a person does not want any more."""


class Heart:
    """`worker` gives the number under which the worker is registered, None while it is not; `seen` is called in the
    event loop."""

    def __init__(self, url: URL, lease: Lease, worker: Callable[[], int | None], seen: Callable[[Seen], None]) -> None:
        self._url = url
        self._lease = lease
        self._worker = worker
        self._seen = seen
        self._ended = threading.Event()
        self._moved = clock()

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Beats as long as the block runs, within an event loop."""
        loop = asyncio.get_running_loop()
        thread = threading.Thread(target=self._run, args=(loop,), name="heart", daemon=True)
        sign = loop.create_task(self._give_signs())
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            sign.cancel()
            thread.join(timeout=2 * BEAT)  # it may be waiting for a database that does not answer: then it is left

    async def _give_signs(self) -> None:
        while True:
            self._moved = clock()
            await asyncio.sleep(BEAT)

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        engine = create_engine(self._url, pool_size=1, max_overflow=0, connect_args=dict(KEEPALIVE))
        try:
            while not self._ended.wait(BEAT):
                worker = self._worker()
                if worker is None or clock() - self._moved > STUCK:
                    continue
                try:
                    seen = self._beat(engine, worker)
                except SQLAlchemyError as error:
                    log.warning("The heartbeat did not reach the database (%s).", type(error).__name__)
                else:
                    loop.call_soon_threadsafe(self._seen, seen)
        except RuntimeError:
            pass  # the loop is closed: the program ends
        finally:
            engine.dispose()

    def _beat(self, engine: Engine, worker: int) -> Seen:
        asked = clock()
        with engine.begin() as connection:
            known = connection.execute(_BEAT, {"worker": worker}).rowcount == 1
            workers = connection.execute(_WORKERS, {"stalled_after": self._lease.stalled_after}).scalar_one()
            stopped = frozenset(connection.execute(_STOPPED).scalars())
        if known:
            self._lease.renew(asked)
        elif worker == self._worker():
            self._lease.end()  # somebody took this worker for dead
        return Seen(workers, stopped)
