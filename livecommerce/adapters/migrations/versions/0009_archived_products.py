"""Products can be put away."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Applies the change."""
    op.add_column("products", sa.Column("archived_ms", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Takes the change back."""
    with op.batch_alter_table("products", schema=None) as batch_op:
        batch_op.drop_column("archived_ms")
