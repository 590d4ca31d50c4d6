"""The sign on a message that waits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

SIGNED = sa.text("waiting_sign IS NOT NULL")


def upgrade() -> None:
    op.add_column("turn", sa.Column("waiting_sign", sa.Boolean))
    op.create_index("turn_signed", "turn", ["thread", "id"], sqlite_where=SIGNED, postgresql_where=SIGNED)


def downgrade() -> None:
    op.drop_index("turn_signed", "turn")
    op.drop_column("turn", "waiting_sign")
