"""The relay on a database that many processes share: its turns come as jobs (`core.queue`), to any of the workers.

`core.heart` renews the lease, learns how many workers there are, and which turns a person stopped. `_tidy` ends the
jobs of dead workers and gives a job to every thread that has open turns and none, whatever it was that left it so.
`_live` is one life under one number: when the lease is lost, everything that runs is dropped at once, and the next life
begins as a newcomer.
"""

from __future__ import annotations

import asyncio
import logging

from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.job_context import JobContext
from procrastinate.jobs import Status
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine

from core.database import KEEPALIVE, libpq, opened
from core.errors import DatabaseError, DatabaseUnreachable
from core.heart import Heart, Seen
from core.lease import Lease, clock
from core.membership import Membership, PatientConnection, bind
from core.model import ThreadId
from core.observing import saying
from core.queue import QUEUE, TASK, JobQueue
from core.scheduler import Drainer
from core.settings import Relaying
from core.unattended import enlist_unattended

log = logging.getLogger(__name__)

WATCH = 0.25
"""Seconds between two looks at the lease."""
TIDY = 1.0
"""Seconds between two looks for what was left lying."""
POLL = 0.25
"""Seconds after which a job is found whose notification was missed: none is sent when a lock becomes free."""
CONNECTIONS = 8
"""For fetching and ending jobs; turns use the store's."""


class Worker:
    """Runs turns until it is told to stop. `lease` is the one by which the relay knows that it still may."""

    def __init__(self, url: URL, relay: Drainer, settings: Relaying, lease: Lease) -> None:
        connector = PsycopgConnector(
            conninfo=libpq(url),
            connection_class=PatientConnection,
            configure=bind,
            max_size=CONNECTIONS,
            kwargs=dict(KEEPALIVE),
        )
        self._url = url
        self._relay = relay
        self._settings = settings
        self._lease = lease
        self._members = Membership(connector, lease)
        self._app = App(connector=connector)
        self._app.job_manager = self._members
        self._app.task(name=TASK, queue=QUEUE, pass_context=True)(self._drain)
        self._drains: dict[ThreadId, asyncio.Task[object]] = {}
        self._jobs: set[int] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; then running turns get `drain_within` seconds, and what is unfinished is left to the other
        workers, or the next. Cancelled, it leaves everything at once. Raises `DatabaseError` only before it begins."""
        heart = Heart(self._url, self._lease, lambda: self._members.worker_id, self._seen)
        await self._recover(stop)
        if stop.is_set():
            return
        async with opened(self._url, connections=1) as engine, self._app.open_async():
            with heart.beating():
                tidying = asyncio.create_task(self._tidy(engine))
                try:
                    while not stop.is_set():
                        await self._live(stop)
                finally:
                    tidying.cancel()
                    await asyncio.wait({tidying})

    async def _recover(self, stop: asyncio.Event) -> None:
        """The database was there a moment ago, when its schema was looked at: a restart just then does not end this
        worker, as it does not at any later time."""
        while not stop.is_set():
            try:
                await self._relay.recover()
                return
            except DatabaseUnreachable as error:
                log.warning("The database went away as this worker began; it waits for it. (%s)", error.detail)
                await asyncio.sleep(WATCH)

    async def _live(self, stop: asyncio.Event) -> None:
        working = asyncio.create_task(
            self._app.run_worker_async(
                queues=[QUEUE],
                concurrency=self._settings.concurrency,
                fetch_job_polling_interval=POLL,
                abort_job_polling_interval=3600.0,  # nothing is aborted by its job: a stop ends a turn, not its thread
                shutdown_graceful_timeout=self._settings.drain_within,
                delete_jobs="always",
                install_signal_handlers=False,
                stalled_worker_timeout=self._lease.stalled_after,
            )
        )
        watching = asyncio.create_task(self._watch())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({working, watching, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not stopping.done():
                self._drop()
                reason = "its lease is lost" if watching.done() else "its job queue failed"
                log.error("This worker leaves its turns to others and begins anew: %s.", reason)
        except asyncio.CancelledError:
            self._drop()
            raise
        finally:
            self._relay.closing = stop.is_set()
            # Cancelling begins its orderly end: nothing more is fetched, and what runs is waited for.
            for task in (stopping, working, watching):
                task.cancel()
                await asyncio.wait({task})
            if not working.cancelled() and (error := working.exception()) is not None:
                log.error("the job queue: %r", error)
                await asyncio.sleep(WATCH)

    def _drop(self) -> None:
        """Ends all that runs, without finishing it."""
        for task in self._drains.values():
            task.cancel()

    # --- jobs -------------------------------------------------------------------------------------------------------

    async def _drain(self, context: JobContext, thread: ThreadId) -> None:
        """The one kind of job there is."""
        task, job = asyncio.current_task(), context.job.id
        assert task is not None
        assert job is not None
        self._jobs.add(job)
        try:
            if (earlier := self._drains.get(thread)) is not None:
                # its job was taken for a dead worker's: not before it has really ended
                await asyncio.wait({earlier})
            self._drains[thread] = task
            with saying(thread_id=thread):
                await self._attempt(thread)
        finally:
            self._jobs.discard(job)
            if self._drains.get(thread) is task:
                del self._drains[thread]

    async def _attempt(self, thread: ThreadId) -> None:
        try:
            await self._relay.drain(thread)
        except DatabaseError as error:
            log.error("%s The thread is taken up again soon. (%s)", error.sentence, error.detail)
        except Exception:
            log.exception("the drainer of %s ended by a fault of this program", thread)

    async def _watch(self) -> None:
        """Ends when the lease is lost."""
        while self._members.worker_id is None or self._lease.held(clock()):  # noqa: ASYNC110 - a clock tells nobody
            await asyncio.sleep(WATCH)

    def _seen(self, seen: Seen) -> None:
        self._relay.share(max(1, seen.workers))
        for turn in seen.stopped & set(self._relay.running):
            self._relay.stop_turn(turn)

    async def _tidy(self, engine: AsyncEngine) -> None:
        queue = JobQueue()
        suspects: set[int] = set()
        while True:
            await asyncio.sleep(TIDY)
            if not self._lease.settled(clock()):
                continue
            try:
                for job in await self._members.get_stalled_jobs(
                    queue=QUEUE, seconds_since_heartbeat=self._lease.stalled_after
                ):
                    log.warning("a worker is gone; its thread is taken over", extra={"thread_id": job.lock})
                    await self._end(job.id)
                # Twice in a row, for one that was fetched a moment ago is not running yet.
                orphans = await self._members.orphans() - self._jobs
                for orphan in orphans & suspects:
                    await self._end(orphan)
                suspects = orphans
                await enlist_unattended(engine, queue, self._relay.bridges)
            except (ConnectorException, DatabaseError) as error:
                log.debug("nothing can be tidied just now: %r", error)

    async def _end(self, job: int | None) -> None:
        assert job is not None
        try:
            await self._members.finish_job_by_id_async(job, Status.FAILED, delete_job=True)
        except ConnectorException:
            log.debug("job %d is ended by another worker", job)
