"""What many workers need: stops that reach another process, crashes counted apart, and on PostgreSQL the job queue.

The queue's own schema is that of the library as it is installed; its version is pinned to one minor release, and a
later one comes with a revision of ours.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from procrastinate.schema import SchemaManager

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STOPPING = sa.text("stop_requested AND state = 'running'")


def upgrade() -> None:
    op.add_column("turn", sa.Column("crashes", sa.Integer, nullable=False, server_default="0"))
    op.add_column("turn", sa.Column("stop_requested", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_index("turn_stopping", "turn", ["id"], sqlite_where=STOPPING, postgresql_where=STOPPING)
    if op.get_bind().dialect.name == "postgresql":
        _run(SchemaManager.get_schema())
        # Fetching asks for other jobs of the same lock; without this it reads all of them for each one that waits.
        op.execute("CREATE INDEX threadbridge_jobs_lock ON procrastinate_jobs (lock) WHERE status IN ('todo', 'doing')")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        _run(
            """
            DROP TABLE procrastinate_events, procrastinate_periodic_defers, procrastinate_jobs, procrastinate_workers
              CASCADE;
            DO $$
            DECLARE made regprocedure;
            BEGIN
              FOR made IN SELECT oid FROM pg_proc
                WHERE proname LIKE 'procrastinate\\_%' AND pronamespace = current_schema()::regnamespace
              LOOP EXECUTE format('DROP FUNCTION %s', made); END LOOP;
            END $$;
            DROP TYPE procrastinate_job_to_defer_v1, procrastinate_job_event_type, procrastinate_job_status;
            """
        )
    op.drop_index("turn_stopping", "turn")
    op.drop_column("turn", "stop_requested")
    op.drop_column("turn", "crashes")


def _run(script: str) -> None:
    """Several statements at once, with percent signs that are not parameters."""
    op.get_bind().execution_options(no_parameters=True).exec_driver_sql(script)
