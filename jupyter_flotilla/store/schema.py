"""The tables. A change here needs a migration beside it, additive within a major version."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

from jupyter_flotilla.clock import utc_text


class UtcText(TypeDecorator[datetime]):
    """An aware UTC datetime as ISO 8601 text of fixed width, so that text order is time order."""

    impl = sa.String(27)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> str | None:
        """Return the text; a naive time is a bug."""
        if value is None:
            return None
        assert value.tzinfo is not None
        return utc_text(value)

    def process_result_value(self, value: str | None, dialect: Any) -> datetime | None:
        """Return the time."""
        return None if value is None else datetime.fromisoformat(value)


metadata = sa.MetaData()

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", sa.String(13), primary_key=True),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("engine", sa.String(64), nullable=False),
    sa.Column("place", sa.String(255), nullable=False),
    sa.Column("owner", sa.String(255), nullable=False),
    sa.Column("path", sa.Text),
    sa.Column("created_at", UtcText, nullable=False),
    sa.Column("started_at", UtcText),
    sa.Column("ended_at", UtcText),
    sa.Column("cancel_requested_at", UtcText),
    sa.Column("cancel_grace_s", sa.Float, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("failure_kind", sa.String(32)),
    sa.Column("message", sa.Text),
    sa.Column("spec", sa.JSON, nullable=False),
    sa.Column("not_before", UtcText),
    sa.Column("next_memory_mib", sa.BigInteger),
    sa.Column("next_size", sa.JSON(none_as_null=True)),
    sa.Column("retry_of", sa.String(13)),
    sa.Column("kept_at", UtcText),
    sa.Column("grid_id", sa.String(13)),
    sa.Column("grid_index", sa.Integer),
    sa.Column("ceiling_usd", sa.Float),
    sa.Column("schedule_id", sa.String(13)),
    sa.Column("scheduled_at", UtcText),
)

grids = sa.Table(
    "grids",
    metadata,
    sa.Column("id", sa.String(13), primary_key=True),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("owner", sa.String(255), nullable=False),
    sa.Column("created_at", UtcText, nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("max_parallel", sa.Integer, nullable=False),
    sa.Column("budget_usd", sa.Float),
)

tags = sa.Table(
    "tags",
    metadata,
    sa.Column("run_id", sa.String(13), sa.ForeignKey("runs.id"), primary_key=True),
    sa.Column("key", sa.String(128), primary_key=True),
    sa.Column("value", sa.String(256), nullable=False),
)

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("run_id", sa.String(13), sa.ForeignKey("runs.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("engine", sa.String(64), nullable=False),
    sa.Column("place", sa.String(255), nullable=False),
    sa.Column("claimed_at", UtcText, nullable=False),
    sa.Column("ended_at", UtcText),
    sa.Column("charge_usd", sa.Float),
    sa.Column("duration_s", sa.Float),
    sa.Column("failure_kind", sa.String(32)),
    sa.Column("facts", sa.JSON, nullable=False),
    sa.Column("request", sa.JSON(none_as_null=True)),
    sa.Column("requested_at", UtcText),
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("run_id", sa.String(13), sa.ForeignKey("runs.id"), nullable=False),
    sa.Column("at", UtcText, nullable=False),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("detail", sa.JSON, nullable=False),
)

leases = sa.Table(
    "leases",
    metadata,
    sa.Column("engine", sa.String(64), primary_key=True),
    sa.Column("place", sa.String(255), primary_key=True),
    sa.Column("holder", sa.JSON, nullable=False),
    sa.Column("taken_at", UtcText, nullable=False),
    sa.Column("leave_requested_at", UtcText),
)

schedules = sa.Table(
    "schedules",
    metadata,
    sa.Column("id", sa.String(13), primary_key=True),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("owner", sa.String(255), nullable=False),
    sa.Column("created_at", UtcText, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("edited_at", UtcText, nullable=False),
    sa.Column("edited_by", sa.String(255), nullable=False),
    sa.Column("host", sa.String(255)),
    sa.Column("paused_at", UtcText),
    sa.Column("cursor", UtcText, nullable=False),
    sa.Column("next_at", UtcText),
    sa.Column("is_chained", sa.Boolean, nullable=False),
    sa.Column("when", sa.JSON, nullable=False),
    sa.Column("rules", sa.JSON, nullable=False),
    sa.Column("what", sa.JSON, nullable=False),
    sa.Column("where", sa.String(16), nullable=False, server_default="here"),
    sa.Column("placed", sa.JSON(none_as_null=True)),
)

ticks = sa.Table(
    "ticks",
    metadata,
    sa.Column("schedule_id", sa.String(13), sa.ForeignKey("schedules.id"), primary_key=True),
    sa.Column("scheduled_at", UtcText, primary_key=True),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("trigger", sa.String(16), nullable=False),
    sa.Column("run_id", sa.String(13)),
    sa.Column("reason", sa.Text),
    sa.Column("decided_at", UtcText, nullable=False),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("first_at", UtcText),
    sa.Column("interval_start", UtcText),
    sa.Column("after_runs", sa.JSON, nullable=False),
)

notices = sa.Table(
    "notices",
    metadata,
    sa.Column("about", sa.String(64), primary_key=True),
    sa.Column("target", sa.String(64), primary_key=True),
    sa.Column("occasion", sa.String(16), primary_key=True),
    sa.Column("host", sa.String(255), nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("next_at", UtcText),
    sa.Column("reason", sa.Text),
)

publications = sa.Table(
    "publications",
    metadata,
    sa.Column("run_id", sa.String(13), primary_key=True),
    sa.Column("name", sa.String(100), primary_key=True),
    sa.Column("path", sa.Text),
    sa.Column("host", sa.String(255), nullable=False),
    sa.Column("as_of", UtcText, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("next_at", UtcText),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("published_at", UtcText),
    sa.Column("url", sa.Text),
    sa.Column("reason", sa.Text),
)
