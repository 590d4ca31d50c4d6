"""Ratings that upstreams are told of, and their own names for the answers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("turn", sa.Column("rating_due", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("turn", sa.Column("answer_id", sa.Text))
    op.create_index(
        "turn_rated", "turn", ["id"], sqlite_where=sa.text("rating_due = 1"), postgresql_where=sa.text("rating_due")
    )


def downgrade() -> None:
    op.drop_index("turn_rated", "turn")
    op.drop_column("turn", "answer_id")
    op.drop_column("turn", "rating_due")
