"""Received orders settle when their return window is over."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Applies the change."""
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.add_column(sa.Column("received_ms", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("settles_ms", sa.BigInteger(), nullable=True))
        batch_op.create_index(batch_op.f("ix_orders_settles_ms"), ["settles_ms"], unique=False)


def downgrade() -> None:
    """Takes the change back."""
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_orders_settles_ms"))
        batch_op.drop_column("settles_ms")
        batch_op.drop_column("received_ms")
