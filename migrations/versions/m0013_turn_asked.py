"""When questions were asked, so that what was used of late is added up without reading what was used before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


ASKED = sa.text("command = ''")


def upgrade() -> None:
    op.create_index("turn_asked", "turn", ["accepted_at"], sqlite_where=ASKED, postgresql_where=ASKED)


def downgrade() -> None:
    op.drop_index("turn_asked", "turn")
