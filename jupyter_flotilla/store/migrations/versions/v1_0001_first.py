"""Runs, tags, attempts, events, leases."""

import sqlalchemy as sa
from alembic import op

revision = "1_0001"
down_revision = None
branch_labels = None
depends_on = None

_STATUSES = "'QUEUED','PENDING','RUNNING','SUCCEEDED','FAILED','CANCELLED'"
_TIME = sa.String(27)  # ISO 8601, UTC, microseconds, Z


def upgrade() -> None:
    """Create the first tables."""
    op.create_table(
        "runs",
        sa.Column("id", sa.String(13), primary_key=True, comment="r + 12 Crockford characters"),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False, comment="notebook, cell or command"),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("engine", sa.String(64), nullable=False),
        sa.Column("place", sa.String(255), nullable=False, comment="host, daemon or cluster"),
        sa.Column("owner", sa.String(255), nullable=False),
        sa.Column("path", sa.Text, comment="file that was submitted"),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("started_at", _TIME),
        sa.Column("ended_at", _TIME),
        sa.Column("cancel_requested_at", _TIME),
        sa.Column("cancel_grace_s", sa.Float, nullable=False, comment="seconds"),
        sa.Column("attempt", sa.Integer, nullable=False, comment="number of the latest, from 1"),
        sa.Column("failure_kind", sa.String(32)),
        sa.Column("message", sa.Text, comment="why it failed, for people"),
        sa.Column("spec", sa.JSON, nullable=False, comment="JobSpec"),
        sa.CheckConstraint(f"status IN ({_STATUSES})", name="runs_status"),
        sa.CheckConstraint(
            "(status IN ('SUCCEEDED','FAILED','CANCELLED')) = (ended_at IS NOT NULL)",
            name="runs_final_has_an_end",
        ),
        sa.CheckConstraint(
            "(status = 'FAILED') = (failure_kind IS NOT NULL)", name="runs_failed_has_a_kind"
        ),
    )
    op.create_index("runs_by_time", "runs", ["created_at", "id"])
    op.create_index("runs_by_status", "runs", ["status", "engine", "place", "created_at"])
    op.create_index("runs_by_name", "runs", ["name", "created_at"])
    op.create_table(
        "tags",
        sa.Column("run_id", sa.String(13), sa.ForeignKey("runs.id"), primary_key=True),
        sa.Column("key", sa.String(128), primary_key=True),
        sa.Column("value", sa.String(256), nullable=False),
    )
    op.create_index("tags_by_value", "tags", ["key", "value"])
    op.create_table(
        "attempts",
        sa.Column("run_id", sa.String(13), sa.ForeignKey("runs.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, comment="from 1"),
        sa.Column("engine", sa.String(64), nullable=False),
        sa.Column("place", sa.String(255), nullable=False),
        sa.Column("claimed_at", _TIME, nullable=False, comment="intent to launch"),
        sa.Column("ended_at", _TIME),
        sa.Column("charge_usd", sa.Float, comment="US dollars, final with ended_at"),
        sa.Column("facts", sa.JSON, nullable=False, comment="Attempt, whole"),
        sa.CheckConstraint("number >= 1", name="attempts_from_one"),
    )
    op.create_index(
        "attempts_open",
        "attempts",
        ["engine", "place"],
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "events",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("run_id", sa.String(13), sa.ForeignKey("runs.id"), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("name", sa.String(64), nullable=False, comment="the arrow or the request"),
        sa.Column("detail", sa.JSON, nullable=False),
    )
    op.create_index("events_by_run", "events", ["run_id", "seq"])
    op.create_table(
        "leases",
        sa.Column("engine", sa.String(64), primary_key=True),
        sa.Column("place", sa.String(255), primary_key=True),
        sa.Column("holder", sa.JSON, nullable=False, comment="host, pid, version, python"),
        sa.Column("taken_at", _TIME, nullable=False),
        sa.Column("leave_requested_at", _TIME, comment="the holder leaves at a step's end"),
    )
