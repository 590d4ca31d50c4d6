"""One worker among those that share a database: its number, its lease, and calls of the job queue that outlast a
short absence of the database.

The library ends its worker at the first call that fails, and all turns with it. Here such a call is made again as long
as the lease holds: what is running goes on, and only a database that stays away ends it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Any, Self

import psycopg
from procrastinate import jobs
from procrastinate.connector import BaseAsyncConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.manager import JobManager

from core.database import BOUND
from core.lease import Lease, clock

log = logging.getLogger(__name__)

PAUSE = 0.5
"""Seconds between two attempts at a database that does not answer."""


class PatientConnection(psycopg.AsyncConnection[Any]):
    """A connection that keeps trying to come about. The library's listener for notifications opens one of its own, and
    would end the worker at the first failure."""

    @classmethod
    async def connect(cls, *args: Any, **options: Any) -> Self:
        while True:
            try:
                return await super().connect(*args, **options)
            except psycopg.OperationalError as error:
                log.debug("no connection to the database: %s", error)
                await asyncio.sleep(PAUSE)


async def bind(connection: psycopg.AsyncConnection[Any]) -> None:
    """What `core.database.bound` is to the store's connections."""
    await connection.execute(BOUND)
    await connection.commit()


class Membership(JobManager):
    """The library's job manager, for one worker at a time."""

    def __init__(self, connector: BaseAsyncConnector, lease: Lease) -> None:
        super().__init__(connector)
        self._lease = lease
        self.worker_id: int | None = None

    async def register_worker(self) -> int:
        asked = clock()
        self.worker_id = await super().register_worker()
        self._lease.begin(asked)
        return self.worker_id

    async def unregister_worker(self, worker_id: int) -> None:
        self.worker_id = None
        self._lease.end()
        await super().unregister_worker(worker_id)

    async def update_heartbeat(self, worker_id: int) -> None:
        """`core.heart` does it: the library's own loop stops while running turns are waited for."""

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> jobs.Job | None:
        """None also when it cannot be told whether there is one: one that was fetched then is found as an orphan."""
        try:
            return await super().fetch_job(queues, worker_id)
        except ConnectorException as error:
            log.debug("no job can be fetched: %r", error.__cause__)
            await asyncio.sleep(PAUSE)
            return None

    async def finish_job(self, job: jobs.Job, status: jobs.Status, delete_job: bool) -> None:
        """A job that cannot be ended while the lease holds is taken for one of a dead worker later."""
        while self._lease.held(clock()):
            try:
                await super().finish_job(job, status, delete_job)
                return
            except ConnectorException as error:
                if isinstance(error.__cause__, psycopg.errors.RaiseException):
                    return  # it is gone already: the answer to an earlier attempt was lost
                log.debug("job %s cannot be ended: %r", job.id, error.__cause__)
                await asyncio.sleep(PAUSE)

    async def orphans(self) -> set[int]:
        """The jobs that are running under this worker's number, by what the database says."""
        mine = await self.list_jobs_async(queue=None, status=jobs.Status.DOING.value, worker_id=self.worker_id)
        return {job.id for job in mine if job.id is not None}
