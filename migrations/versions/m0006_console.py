"""What the operator's console needs: people who are banned, turns whose text is gone, and ways to find turns."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0004"
branch_labels = None
depends_on = None

FAILED = sa.text("state IN ('failed', 'expired')")


def upgrade() -> None:
    op.add_column("turn", sa.Column("erased", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_index("turn_conversation", "turn", ["conversation_id", "id"])
    op.create_index("turn_failed", "turn", ["id"], sqlite_where=FAILED, postgresql_where=FAILED)
    op.create_index(
        "turn_kept",
        "turn",
        ["ended_at"],
        sqlite_where=sa.text("erased = 0"),
        postgresql_where=sa.text("NOT erased"),
    )
    op.create_table(
        "banned",
        sa.Column("bridge", sa.String(50), primary_key=True),
        sa.Column("author", sa.String(200), primary_key=True),
        sa.Column("author_name", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("banned")
    for name in ("turn_kept", "turn_failed", "turn_conversation"):
        op.drop_index(name, "turn")
    op.drop_column("turn", "erased")
