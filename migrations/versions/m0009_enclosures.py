"""Files of a reply."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "enclosure",
        sa.Column("id", big, primary_key=True),
        sa.Column("turn_id", big, sa.ForeignKey("turn.id"), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("key", sa.String(25), nullable=False, unique=True),
        sa.Column("message", sa.String(100)),
        sa.UniqueConstraint("turn_id", "position", name="enclosure_position"),
    )


def downgrade() -> None:
    op.drop_table("enclosure")
