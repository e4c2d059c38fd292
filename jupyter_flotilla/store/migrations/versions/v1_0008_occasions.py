"""Finds those who want to know of slow and late runs without reading everybody who waits."""

from alembic import op

revision = "1_0008"
down_revision = "1_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add an index, which older versions write to without knowing."""
    op.create_index("notices_by_occasion", "notices", ["occasion", "status"])
