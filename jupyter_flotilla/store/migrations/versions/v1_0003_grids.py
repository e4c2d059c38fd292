"""Grids: runs that share limits."""

import sqlalchemy as sa
from alembic import op

revision = "1_0003"
down_revision = "1_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a table, and columns that may be NULL, so that version 1_0002 can go on writing."""
    op.create_table(
        "grids",
        sa.Column("id", sa.String(13), primary_key=True, comment="g + 12 Crockford characters"),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("owner", sa.String(255), nullable=False),
        sa.Column("created_at", sa.String(27), nullable=False),
        sa.Column("size", sa.Integer, nullable=False, comment="runs"),
        sa.Column("max_parallel", sa.Integer, nullable=False, comment="runs going on at a time"),
        sa.Column("budget_usd", sa.Float, comment="US dollars over all runs"),
        sa.CheckConstraint("max_parallel >= 1", name="grids_may_run"),
    )
    op.add_column("runs", sa.Column("grid_id", sa.String(13), comment="grids.id"))
    op.add_column("runs", sa.Column("grid_index", sa.Integer, comment="from 0"))
    op.add_column("runs", sa.Column("ceiling_usd", sa.Float, comment="US dollars, at submit"))
    op.create_index("runs_by_grid", "runs", ["grid_id", "grid_index"])
