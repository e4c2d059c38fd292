"""Schedules that the cloud starts: where they run, and what the cloud has of them."""

import sqlalchemy as sa
from alembic import op

revision = "1_0009"
down_revision = "1_0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add two columns; what was there runs here."""
    place = sa.Column("where", sa.String(16), nullable=False, server_default="here")
    op.add_column("schedules", place)
    op.add_column("schedules", sa.Column("placed", sa.JSON, comment="model.schedule.Placed"))
