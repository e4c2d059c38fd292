"""Further attempts, runs that repeat another or are kept, and what costs are summed by."""

import sqlalchemy as sa
from alembic import op

revision = "1_0002"
down_revision = "1_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add columns; all of them may be NULL, so that version 1_0001 can go on writing."""
    op.add_column("runs", sa.Column("not_before", sa.String(27), comment="of a further attempt"))
    op.add_column("runs", sa.Column("next_memory_mib", sa.BigInteger, comment="of the next one"))
    op.add_column("runs", sa.Column("retry_of", sa.String(13), comment="the run it repeats"))
    op.add_column("runs", sa.Column("kept_at", sa.String(27), comment="not to be deleted"))
    op.add_column("attempts", sa.Column("duration_s", sa.Float, comment="seconds"))
    op.add_column("attempts", sa.Column("failure_kind", sa.String(32)))
    op.create_index("runs_by_path", "runs", ["path", "created_at"])
    op.create_index("attempts_by_end", "attempts", ["engine", "ended_at"])
