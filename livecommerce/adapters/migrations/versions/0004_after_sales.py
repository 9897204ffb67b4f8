"""Orders are shipped, received, returned and refunded."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ID = sa.String(32)


def upgrade() -> None:
    """Applies the change."""
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.add_column(sa.Column("receipt_due_ms", sa.BigInteger(), nullable=True))
        batch_op.create_index(batch_op.f("ix_orders_receipt_due_ms"), ["receipt_due_ms"], unique=False)
        batch_op.create_index("ix_orders_shop_confirmed_ms", ["shop", "confirmed_ms"], unique=False)
    lines = op.create_table(
        "order_lines",
        sa.Column("order", _ID, nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("product", _ID, nullable=False),
        sa.Column("sku", _ID, nullable=False),
        sa.Column("qty", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("order", "line", name=op.f("pk_order_lines")),
    )
    op.create_index(op.f("ix_order_lines_product"), "order_lines", ["product"])
    _create_parcels()
    _create_returns()
    _create_refunds()
    _fill(lines)


def downgrade() -> None:
    """Takes the change back."""
    for table in (
        "restocks",
        "refunds",
        "returns",
        "parcel_keys",
        "parcel_updates",
        "parcels",
        "order_lines",
    ):
        op.drop_table(table)
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.drop_index("ix_orders_shop_confirmed_ms")
        batch_op.drop_index(batch_op.f("ix_orders_receipt_due_ms"))
        batch_op.drop_column("receipt_due_ms")


def _create_parcels() -> None:
    op.create_table(
        "parcels",
        sa.Column("parcel", _ID, nullable=False),
        sa.Column("order", _ID, nullable=False),
        sa.Column("shop", _ID, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("carrier", sa.String(60), nullable=False),
        sa.Column("tracking", sa.String(60), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("wish", sa.JSON(), nullable=False),
        sa.Column("shipped_ms", sa.BigInteger(), nullable=False),
        sa.Column("delivered_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("parcel", name=op.f("pk_parcels")),
        _of_order("parcels"),
    )
    op.create_index(op.f("ix_parcels_order"), "parcels", ["order"])
    op.create_index("ix_parcels_shop_tracking", "parcels", ["shop", "tracking"])
    op.create_table(
        "parcel_updates",
        sa.Column("shop", _ID, nullable=False),
        sa.Column("message", sa.String(120), nullable=False),
        sa.Column("tracking", sa.String(60), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("told_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "message", name=op.f("pk_parcel_updates")),
    )
    op.create_index("ix_parcel_updates_shop_tracking", "parcel_updates", ["shop", "tracking"])
    op.create_table(
        "parcel_keys",
        sa.Column("shop", _ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shop", name=op.f("pk_parcel_keys")),
    )


def _create_returns() -> None:
    op.create_table(
        "returns",
        sa.Column("return_id", _ID, nullable=False),
        sa.Column("order", _ID, nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("reason", sa.String(20), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("wish", sa.JSON(), nullable=False),
        sa.Column("carrier", sa.String(60), nullable=False),
        sa.Column("tracking", sa.String(60), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("decided_ms", sa.BigInteger(), nullable=True),
        sa.Column("received_ms", sa.BigInteger(), nullable=True),
        sa.Column("refund", _ID, nullable=True),
        sa.PrimaryKeyConstraint("return_id", name=op.f("pk_returns")),
        _of_order("returns"),
    )
    op.create_index(op.f("ix_returns_order"), "returns", ["order"])
    op.create_index(op.f("ix_returns_state"), "returns", ["state"])


def _create_refunds() -> None:
    op.create_table(
        "refunds",
        sa.Column("refund", _ID, nullable=False),
        sa.Column("order", _ID, nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("cause", sa.String(12), nullable=False),
        sa.Column("payment", _ID, nullable=False),
        sa.Column("provider", sa.String(20), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("wish", sa.JSON(), nullable=False),
        sa.Column("restock", sa.Boolean(), nullable=False),
        sa.Column("return_id", _ID, nullable=True),
        sa.Column("requested_by", _ID, nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("sent_ms", sa.BigInteger(), nullable=True),
        sa.Column("done_ms", sa.BigInteger(), nullable=True),
        sa.Column("provider_refund", sa.String(80), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("refund", name=op.f("pk_refunds")),
        _of_order("refunds"),
    )
    op.create_index(op.f("ix_refunds_order"), "refunds", ["order"])
    op.create_index("ix_refunds_state_next_ms", "refunds", ["state", "next_ms"])
    op.create_table(
        "restocks",
        sa.Column("id", _ID, nullable=False),
        sa.Column("order", _ID, nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("qty", sa.Integer(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_restocks")),
        _of_order("restocks"),
    )
    op.create_index(op.f("ix_restocks_order"), "restocks", ["order"])


def _of_order(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["order"], ["orders.order"], name=op.f(f"fk_{table}_order_orders"))


def _fill(lines: sa.Table) -> None:
    """Lines of the orders that are there already."""
    orders = sa.table("orders", sa.column("order", _ID), sa.column("document", sa.JSON()))
    connection = op.get_bind()
    for order, document in connection.execute(sa.select(orders.c.order, orders.c.document)).all():
        rows = [
            {"order": order, **{name: line[name] for name in ("line", "product", "sku", "qty")}}
            for line in document["lines"]
        ]
        connection.execute(sa.insert(lines), rows)
