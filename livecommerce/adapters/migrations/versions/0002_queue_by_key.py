"""The queue to the ledger is looked through by key."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Applies the change."""
    with op.batch_alter_table("sql_outbox", schema=None) as batch_op:
        batch_op.create_index("ix_sql_outbox_key_number", ["key", "number"], unique=False)


def downgrade() -> None:
    """Takes the change back."""
    with op.batch_alter_table("sql_outbox", schema=None) as batch_op:
        batch_op.drop_index("ix_sql_outbox_key_number")
