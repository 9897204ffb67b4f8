"""A segment on air gets more time once per key."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Applies the change."""
    op.create_table(
        "segment_extensions",
        sa.Column("segment", sa.String(32), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("by_ms", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["segment"], ["segments.segment"], name=op.f("fk_segment_extensions_segment_segments")
        ),
        sa.PrimaryKeyConstraint("segment", "key", name=op.f("pk_segment_extensions")),
    )


def downgrade() -> None:
    """Takes the change back."""
    op.drop_table("segment_extensions")
