"""Turns, conversations and parts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPEN = sa.text("state IN ('waiting', 'running')")


def upgrade() -> None:
    op.create_table(
        "conversation",
        sa.Column("id", ID, primary_key=True),
        sa.Column("thread", sa.String(200), nullable=False),
        sa.Column("upstream", sa.String(100), nullable=False),
        sa.Column("upstream_id", sa.Text),
        sa.Column("fresh", sa.Boolean, nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("conversation_thread", "conversation", ["thread", "id"])
    op.create_table(
        "turn",
        sa.Column("id", ID, primary_key=True),
        sa.Column("bridge", sa.String(50), nullable=False),
        sa.Column("thread", sa.String(200), nullable=False),
        sa.Column("message", sa.String(100), nullable=False),
        sa.Column("author", sa.String(200), nullable=False),
        sa.Column("author_name", sa.Text, nullable=False),
        sa.Column("prompt", sa.Text, nullable=False),
        sa.Column("attachments", sa.JSON, nullable=False),
        sa.Column("command", sa.String(20), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("upstream", sa.String(100)),
        sa.Column("conversation_id", ID, sa.ForeignKey("conversation.id")),
        sa.Column("reply", sa.Text),
        sa.Column("error", sa.Text),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.UniqueConstraint("thread", "message", name="turn_message"),
    )
    op.create_index("turn_open", "turn", ["thread", "id"], sqlite_where=OPEN, postgresql_where=OPEN)
    op.create_index("turn_thread", "turn", ["thread", "id"])
    op.create_table(
        "part",
        sa.Column("id", ID, primary_key=True),
        sa.Column("turn_id", ID, sa.ForeignKey("turn.id"), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("key", sa.String(25), nullable=False, unique=True),
        sa.Column("message", sa.String(100)),
        sa.UniqueConstraint("turn_id", "position", name="part_position"),
    )


def downgrade() -> None:
    op.drop_table("part")
    op.drop_table("turn")
    op.drop_table("conversation")
