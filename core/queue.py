"""The job queue that many processes share, on the same PostgreSQL: one job drains one thread.

A job is deferred in the transaction that records the turn, under the thread as its lock (one at a time runs) and as its
queueing lock (one at a time waits). A message that finds a job waiting adds none; a job that finds nothing to do ends.
"""

from __future__ import annotations

from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ProcrastinateException
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.errors import DatabaseError
from core.model import ThreadId
from core.tables import Turn

QUEUE = "threads"
TASK = "drain"

# Locked until the turn's transaction ends, so that nobody fetches the waiting job, and finds nothing to do, before the
# turn can be seen.
_WAITING = text("SELECT 1 FROM procrastinate_jobs WHERE queueing_lock = :thread AND status = 'todo' FOR SHARE")


class JobQueue:
    """A `core.scheduler.Scheduler` whose turns are run by any `core.worker.Worker` on the same database."""

    def __init__(self) -> None:
        # never opened: jobs are deferred on the connection that records the turn
        self._app = App(connector=PsycopgConnector())

    async def enlist(self, connection: AsyncConnection, thread: ThreadId) -> None:
        raw = await connection.get_raw_connection()
        job = self._app.configure_task(
            TASK, queue=QUEUE, lock=thread, queueing_lock=thread, connection=raw.driver_connection
        )
        while (await connection.execute(_WAITING, {"thread": thread})).first() is None:
            try:
                async with connection.begin_nested():
                    await job.defer_async(thread=thread)
                return
            except AlreadyEnqueued:
                continue  # somebody was faster; whoever fetches that job has not begun with it
            except ProcrastinateException as error:
                raise DatabaseError("The database cannot be used just now.", detail=f"{error!r}") from error

    def wake(self, thread: ThreadId, turn: Turn | None = None) -> None:
        """Nothing to do: the job itself notifies the workers when it is committed."""

    def stop_turn(self, turn: int) -> None:
        """Nothing to do: whichever worker has the turn looks for the mark at every heartbeat."""
