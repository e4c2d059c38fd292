"""Schedules: jobs that run again and again, and what became of each of their ticks."""

import sqlalchemy as sa
from alembic import op

revision = "1_0005"
down_revision = "1_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add tables, and columns that may be NULL, so that version 1_0004 can go on writing."""
    op.create_table(
        "schedules",
        sa.Column("id", sa.String(13), primary_key=True, comment="s + 12 Crockford characters"),
        sa.Column("name", sa.String(100), nullable=False, unique=True),
        sa.Column("owner", sa.String(255), nullable=False),
        sa.Column("created_at", sa.String(27), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False, comment="counts edits, from 1"),
        sa.Column("edited_at", sa.String(27), nullable=False),
        sa.Column("edited_by", sa.String(255), nullable=False),
        sa.Column("host", sa.String(255), comment="whose dispatcher makes its runs; NULL: any"),
        sa.Column("paused_at", sa.String(27)),
        sa.Column("cursor", sa.String(27), nullable=False, comment="ticks up to here are done"),
        sa.Column("next_at", sa.String(27), comment="NULL: none by the clock"),
        sa.Column("is_chained", sa.Boolean, nullable=False, comment="runs after others"),
        sa.Column("when", sa.JSON, nullable=False, comment="model.when.When"),
        sa.Column("rules", sa.JSON, nullable=False, comment="model.schedule.Rules"),
        sa.Column("what", sa.JSON, nullable=False, comment="model.schedule.What"),
    )
    op.create_index("schedules_by_next", "schedules", ["next_at"])
    op.create_index("schedules_by_cursor", "schedules", ["cursor"])
    op.create_index("schedules_by_edit", "schedules", ["edited_at"])
    op.create_index("schedules_by_chain", "schedules", ["is_chained"])
    op.create_table(
        "ticks",
        sa.Column("schedule_id", sa.String(13), sa.ForeignKey("schedules.id"), primary_key=True),
        # with it the key: however many processes tick, a moment is decided once
        sa.Column("scheduled_at", sa.String(27), primary_key=True),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("trigger", sa.String(16), nullable=False),
        sa.Column("run_id", sa.String(13), comment="runs.id; its row may be gone"),
        sa.Column("reason", sa.Text, comment="why there is no run"),
        sa.Column("decided_at", sa.String(27), nullable=False),
        sa.Column("count", sa.Integer, nullable=False, comment="ticks that a MISSED row is for"),
        sa.Column("first_at", sa.String(27), comment="the first of them"),
        sa.Column("interval_start", sa.String(27)),
        sa.Column("after_runs", sa.JSON, nullable=False, comment="runs that it waited for"),
        sa.CheckConstraint("(status = 'MADE') = (run_id IS NOT NULL)", name="ticks_made_have_runs"),
    )
    op.create_index("ticks_by_status", "ticks", ["status", "schedule_id"])
    op.add_column("runs", sa.Column("schedule_id", sa.String(13), comment="schedules.id"))
    op.add_column("runs", sa.Column("scheduled_at", sa.String(27), comment="the tick"))
    op.create_index("runs_by_schedule", "runs", ["schedule_id", "created_at"])
