"""What an attempt asks an engine for, before it is sent; and the whole size of the next attempt."""

import sqlalchemy as sa
from alembic import op

revision = "1_0004"
down_revision = "1_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add columns that may be NULL, so that version 1_0003 can go on writing."""
    op.add_column("attempts", sa.Column("request", sa.JSON, comment="as it was first sent"))
    op.add_column("attempts", sa.Column("requested_at", sa.String(27), comment="of the first"))
    op.add_column("runs", sa.Column("next_size", sa.JSON, comment="of the next attempt"))
