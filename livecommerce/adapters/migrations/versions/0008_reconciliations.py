"""What reconciling found is kept, so that the console can show the last time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Applies the change."""
    op.create_table(
        "reconciliations",
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("bill", sa.String(200), nullable=False),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("at_ms", name=op.f("pk_reconciliations")),
    )


def downgrade() -> None:
    """Takes the change back."""
    op.drop_table("reconciliations")
