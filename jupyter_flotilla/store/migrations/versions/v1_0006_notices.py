"""Who wants to be told of a run, or of a tick that has none."""

import sqlalchemy as sa
from alembic import op

revision = "1_0006"
down_revision = "1_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a table; version 1_0005 goes on without it, and tells nobody."""
    op.create_table(
        "notices",
        # no foreign key: an older version that deletes runs does not know this table
        sa.Column("about", sa.String(64), primary_key=True, comment="runs.id, or SCHEDULE@TICK"),
        sa.Column("target", sa.String(64), primary_key=True, comment="a name, never an address"),
        sa.Column("occasion", sa.String(16), primary_key=True, comment="model.notice.Occasion"),
        sa.Column("host", sa.String(255), nullable=False, comment="whose dispatcher tells it"),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("next_at", sa.String(27)),
        sa.Column("reason", sa.Text),
    )
    op.create_index("notices_by_status", "notices", ["status", "about"])
