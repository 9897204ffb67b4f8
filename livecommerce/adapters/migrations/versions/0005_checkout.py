"""Shops have policies, people address books, orders a delivery; coupons may be percentages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ID = sa.String(32)


def upgrade() -> None:
    """Applies the change."""
    op.create_table(
        "shop_policies",
        sa.Column("shop", _ID, nullable=False),
        sa.Column("return_window_days", sa.Integer(), nullable=False),
        sa.Column("shipping_minor", sa.BigInteger(), nullable=False),
        sa.Column("free_shipping_from_minor", sa.BigInteger(), nullable=False),
        sa.Column("ships_within_hours", sa.Integer(), nullable=False),
        sa.Column("address_needed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["shop"], ["shops.shop"], name=op.f("fk_shop_policies_shop_shops")),
        sa.PrimaryKeyConstraint("shop", name=op.f("pk_shop_policies")),
    )
    op.create_table(
        "addresses",
        sa.Column("address", _ID, nullable=False),
        sa.Column("person", _ID, nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_addresses")),
    )
    op.create_index(op.f("ix_addresses_person"), "addresses", ["person"])
    op.create_table(
        "deliveries",
        sa.Column("order", _ID, nullable=False),
        sa.Column("buyer", _ID, nullable=False),
        sa.Column("fields", sa.JSON(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("chosen_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("order", name=op.f("pk_deliveries")),
    )
    op.create_index(op.f("ix_deliveries_buyer"), "deliveries", ["buyer"])
    op.create_index(op.f("ix_deliveries_chosen_ms"), "deliveries", ["chosen_ms"])
    with op.batch_alter_table("campaigns", schema=None) as batch_op:
        batch_op.add_column(sa.Column("percent_ppm", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("exclusive", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """Takes the change back."""
    with op.batch_alter_table("campaigns", schema=None) as batch_op:
        batch_op.drop_column("exclusive")
        batch_op.drop_column("percent_ppm")
    for table in ("deliveries", "addresses", "shop_policies"):
        op.drop_table(table)
