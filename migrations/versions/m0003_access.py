"""Who may talk and how much: people who were paired, what was refused, what limits count; and turns that are merged."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

COUNTED = {
    "turn_by_person": ["bridge", "author", "accepted_at"],
    "turn_by_channel": ["bridge", "channel", "accepted_at"],
    "turn_by_bridge": ["bridge", "accepted_at"],
}
MERGED = sa.text("merged_into IS NOT NULL")


def _columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("channel", sa.String(200)),
        sa.Column("counts", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("album", sa.String(100)),
        sa.Column("merges", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("not_before", sa.DateTime(timezone=True)),
        sa.Column("merged_into", ID),
        sa.Column("prompt_tokens", sa.Integer),
        sa.Column("reply_tokens", sa.Integer),
        sa.Column("credits", sa.Float),
    ]


def upgrade() -> None:
    for column in _columns():
        op.add_column("turn", column)
    for name, columns in COUNTED.items():
        op.create_index(name, "turn", columns, sqlite_where=sa.text("counts = 1"), postgresql_where=sa.text("counts"))
    op.create_index("turn_merged", "turn", ["merged_into"], sqlite_where=MERGED, postgresql_where=MERGED)
    op.create_table(
        "refusal",
        sa.Column("id", ID, primary_key=True),
        sa.Column("bridge", sa.String(50), nullable=False),
        sa.Column("thread", sa.String(200), nullable=False),
        sa.Column("message", sa.String(100), nullable=False),
        sa.Column("author", sa.String(200), nullable=False),
        sa.Column("reason", sa.String(50), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("noted", sa.Boolean, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("thread", "message", name="refusal_message"),
    )
    op.create_index(
        "refusal_noted",
        "refusal",
        ["bridge", "subject", "reason", "at"],
        sqlite_where=sa.text("noted = 1"),
        postgresql_where=sa.text("noted"),
    )
    op.create_table(
        "pairing",
        sa.Column("code", sa.String(20), primary_key=True),
        sa.Column("bridge", sa.String(50), nullable=False),
        sa.Column("author", sa.String(200), nullable=False),
        sa.Column("author_name", sa.Text, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("bridge", "author", name="pairing_person"),
    )
    op.create_table(
        "paired",
        sa.Column("bridge", sa.String(50), primary_key=True),
        sa.Column("author", sa.String(200), primary_key=True),
        sa.Column("author_name", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    for table in ("paired", "pairing", "refusal"):
        op.drop_table(table)
    for name in ("turn_merged", *COUNTED):
        op.drop_index(name, "turn")
    for column in reversed(_columns()):
        op.drop_column("turn", column.name)
