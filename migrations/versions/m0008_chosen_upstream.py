"""Which upstream was chosen in a thread: found by the turn that chose it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

CHOSEN = sa.text("command = 'use' AND upstream IS NOT NULL")


def upgrade() -> None:
    op.create_index("turn_choosing", "turn", ["thread", "id"], sqlite_where=CHOSEN, postgresql_where=CHOSEN)


def downgrade() -> None:
    op.drop_index("turn_choosing", "turn")
