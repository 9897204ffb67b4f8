"""Rooms that are over stand in SQL and leave the live system."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Applies the change."""
    op.create_table(
        "room_archives",
        sa.Column("room", sa.String(32), nullable=False),
        sa.Column("epoch", sa.String(64), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.JSON(), nullable=False),
        sa.Column("likes", sa.BigInteger(), nullable=False),
        sa.Column("sharing", sa.JSON(), nullable=False),
        sa.Column("archived_ms", sa.BigInteger(), nullable=False),
        sa.Column("cleared_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["room"], ["shows.room"], name=op.f("fk_room_archives_room_shows")),
        sa.PrimaryKeyConstraint("room", name=op.f("pk_room_archives")),
    )


def downgrade() -> None:
    """Takes the change back."""
    op.drop_table("room_archives")
