"""The web bridge's conversations and their messages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "web_thread",
        sa.Column("thread", sa.String(200), primary_key=True),
        sa.Column("client", sa.String(50), nullable=False),
        sa.Column("preview", sa.Text, nullable=False),
        sa.Column("changes", sa.Integer, nullable=False),
        sa.Column("started_at", moment, nullable=False),
        sa.Column("changed_at", moment, nullable=False),
    )
    op.create_index("web_thread_listed", "web_thread", ["client", "changed_at"])
    op.create_table(
        "web_message",
        sa.Column("thread", sa.String(200), sa.ForeignKey("web_thread.thread"), primary_key=True),
        sa.Column("id", sa.String(100), primary_key=True),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("author", sa.String(200), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("command", sa.String(20), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("reply_to", sa.String(100)),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("change", sa.Integer, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("changed_at", moment, nullable=False),
    )
    op.create_index("web_message_order", "web_message", ["thread", "place"])
    op.create_index("web_message_changes", "web_message", ["thread", "change"])


def downgrade() -> None:
    op.drop_table("web_message")
    op.drop_table("web_thread")
