"""The console can have books reconciled."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Applies the change."""
    op.create_table(
        "reconciliation_requests",
        sa.Column("one", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("requested_ms", sa.BigInteger(), nullable=False),
        sa.Column("taken_ms", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_reconciliation_requests")),
    )


def downgrade() -> None:
    """Takes the change back."""
    op.drop_table("reconciliation_requests")
