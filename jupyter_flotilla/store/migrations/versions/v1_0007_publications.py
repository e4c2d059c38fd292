"""What runs publish under names that stay."""

import sqlalchemy as sa
from alembic import op

revision = "1_0007"
down_revision = "1_0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a table; version 1_0006 goes on without it, and publishes nothing."""
    op.create_table(
        "publications",
        # no foreign key: what is published outlives its run
        sa.Column("run_id", sa.String(13), primary_key=True, comment="runs.id; it may be gone"),
        sa.Column("name", sa.String(100), primary_key=True),
        sa.Column("path", sa.Text, comment="a file of the job; NULL: the executed notebook"),
        sa.Column("host", sa.String(255), nullable=False, comment="whose home it is in"),
        sa.Column("as_of", sa.String(27), nullable=False, comment="the run's tick, or submit"),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("next_at", sa.String(27)),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("published_at", sa.String(27)),
        sa.Column("url", sa.Text),
        sa.Column("reason", sa.Text),
    )
    op.create_index("publications_by_status", "publications", ["status", "name"])
