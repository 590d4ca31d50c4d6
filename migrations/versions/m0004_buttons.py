"""Buttons below replies, and what people think of the answers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

OFFERING = sa.text("offered IS NOT NULL")


def upgrade() -> None:
    op.add_column("turn", sa.Column("offered", sa.Text))
    op.add_column("turn", sa.Column("rating", sa.Integer))
    op.create_index("turn_offering", "turn", ["thread", "id"], sqlite_where=OFFERING, postgresql_where=OFFERING)


def downgrade() -> None:
    op.drop_index("turn_offering", "turn")
    op.drop_column("turn", "rating")
    op.drop_column("turn", "offered")
