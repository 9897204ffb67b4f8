"""Sales get more units while they run, and give some back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_ID = sa.String(32)


def upgrade() -> None:
    """Applies the change."""
    op.create_table(
        "allocation_changes",
        sa.Column("operation", _ID, nullable=False),
        sa.Column("sale", _ID, nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(8), nullable=True),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sale"], ["allocations.sale"], name=op.f("fk_allocation_changes_sale_allocations")
        ),
        sa.PrimaryKeyConstraint("operation", name=op.f("pk_allocation_changes")),
    )
    op.create_index(op.f("ix_allocation_changes_sale"), "allocation_changes", ["sale"])


def downgrade() -> None:
    """Takes the change back."""
    op.drop_table("allocation_changes")
