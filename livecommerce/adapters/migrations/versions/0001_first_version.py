"""Everything the first version keeps."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Applies the change."""
    op.create_table(
        "audit",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=32), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.Column("after", sa.JSON(), nullable=True),
        sa.Column("request", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_at_ms"), ["at_ms"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_subject"), ["subject"], unique=False)

    op.create_table(
        "deployment",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_deployment")),
    )
    op.create_table(
        "journal",
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("room", sa.String(length=32), nullable=False),
        sa.Column("position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("v", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(length=40), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal")),
    )
    with op.batch_alter_table("journal", schema=None) as batch_op:
        batch_op.create_index("ix_journal_room_at_ms", ["room", "at_ms"], unique=False)

    op.create_table(
        "orders",
        sa.Column("order", sa.String(length=32), nullable=False),
        sa.Column("room", sa.String(length=32), nullable=False),
        sa.Column("shop", sa.String(length=32), nullable=False),
        sa.Column("buyer", sa.String(length=32), nullable=False),
        sa.Column("sale", sa.String(length=32), nullable=False),
        sa.Column("segment", sa.String(length=32), nullable=True),
        sa.Column("brand", sa.String(length=32), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), nullable=False),
        sa.Column("order_state", sa.String(length=20), nullable=False),
        sa.Column("charge_state", sa.String(length=20), nullable=False),
        sa.Column("fulfillment_state", sa.String(length=20), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("confirmed_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("order", name=op.f("pk_orders")),
    )
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_orders_buyer"), ["buyer"], unique=False)
        batch_op.create_index(batch_op.f("ix_orders_confirmed_ms"), ["confirmed_ms"], unique=False)
        batch_op.create_index(batch_op.f("ix_orders_room"), ["room"], unique=False)
        batch_op.create_index(batch_op.f("ix_orders_shop"), ["shop"], unique=False)

    op.create_table(
        "persons",
        sa.Column("person", sa.String(length=32), nullable=False),
        sa.Column("login", sa.String(length=80), nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("person", name=op.f("pk_persons")),
        sa.UniqueConstraint("login", name=op.f("uq_persons_login")),
    )
    op.create_table(
        "shops",
        sa.Column("shop", sa.String(length=32), nullable=False),
        sa.Column("name", sa.JSON(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shop", name=op.f("pk_shops")),
    )
    op.create_table(
        "sql_outbox",
        sa.Column(
            "number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("type", sa.String(length=40), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_ms", sa.BigInteger(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("leased_by", sa.String(length=64), nullable=True),
        sa.Column("leased_until_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_sql_outbox")),
        sa.UniqueConstraint("id", name=op.f("uq_sql_outbox_id")),
    )
    with op.batch_alter_table("sql_outbox", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sql_outbox_state"), ["state"], unique=False)

    op.create_table(
        "campaigns",
        sa.Column("campaign", sa.String(length=32), nullable=False),
        sa.Column("shop", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("title", sa.JSON(), nullable=False),
        sa.Column("funder", sa.String(length=12), nullable=False),
        sa.Column("discount_minor", sa.BigInteger(), nullable=False),
        sa.Column("threshold_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("budget_minor", sa.BigInteger(), nullable=False),
        sa.Column("allocated_minor", sa.BigInteger(), nullable=False),
        sa.Column("per_person", sa.Integer(), nullable=False),
        sa.Column("arrivals_needed", sa.Integer(), nullable=False),
        sa.Column("starts_ms", sa.BigInteger(), nullable=False),
        sa.Column("ends_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["shop"], ["shops.shop"], name=op.f("fk_campaigns_shop_shops")),
        sa.PrimaryKeyConstraint("campaign", name=op.f("pk_campaigns")),
    )
    with op.batch_alter_table("campaigns", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_campaigns_shop"), ["shop"], unique=False)

    op.create_table(
        "budget_transfers",
        sa.Column("campaign", sa.String(length=32), nullable=False),
        sa.Column("transfer", sa.String(length=32), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign"], ["campaigns.campaign"], name=op.f("fk_budget_transfers_campaign_campaigns")
        ),
        sa.PrimaryKeyConstraint("campaign", "transfer", name=op.f("pk_budget_transfers")),
    )
    op.create_table(
        "memberships",
        sa.Column("person", sa.String(length=32), nullable=False),
        sa.Column("shop", sa.String(length=32), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["persons.person"], name=op.f("fk_memberships_person_persons")),
        sa.PrimaryKeyConstraint("person", "shop", "role", name=op.f("pk_memberships")),
    )
    op.create_table(
        "products",
        sa.Column("product", sa.String(length=32), nullable=False),
        sa.Column("shop", sa.String(length=32), nullable=False),
        sa.Column("title", sa.JSON(), nullable=False),
        sa.Column("image", sa.Text(), nullable=False),
        sa.Column("category", sa.String(length=40), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["shop"], ["shops.shop"], name=op.f("fk_products_shop_shops")),
        sa.PrimaryKeyConstraint("product", name=op.f("pk_products")),
    )
    with op.batch_alter_table("products", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_products_shop"), ["shop"], unique=False)

    op.create_table(
        "shows",
        sa.Column("room", sa.String(length=32), nullable=False),
        sa.Column("shop", sa.String(length=32), nullable=False),
        sa.Column("host", sa.String(length=32), nullable=False),
        sa.Column("title", sa.JSON(), nullable=False),
        sa.Column("cover", sa.Text(), nullable=False),
        sa.Column("phase", sa.String(length=12), nullable=False),
        sa.Column("starts_ms", sa.BigInteger(), nullable=False),
        sa.Column("ends_ms", sa.BigInteger(), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("started_ms", sa.BigInteger(), nullable=True),
        sa.Column("ended_ms", sa.BigInteger(), nullable=True),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["host"], ["persons.person"], name=op.f("fk_shows_host_persons")),
        sa.ForeignKeyConstraint(["shop"], ["shops.shop"], name=op.f("fk_shows_shop_shops")),
        sa.PrimaryKeyConstraint("room", name=op.f("pk_shows")),
    )
    with op.batch_alter_table("shows", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_shows_host"), ["host"], unique=False)
        batch_op.create_index(batch_op.f("ix_shows_shop"), ["shop"], unique=False)
        batch_op.create_index(batch_op.f("ix_shows_starts_ms"), ["starts_ms"], unique=False)

    op.create_table(
        "segments",
        sa.Column("segment", sa.String(length=32), nullable=False),
        sa.Column("room", sa.String(length=32), nullable=False),
        sa.Column("brand", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("title", sa.JSON(), nullable=False),
        sa.Column("starts_ms", sa.BigInteger(), nullable=False),
        sa.Column("ends_ms", sa.BigInteger(), nullable=False),
        sa.Column("commission_ppm", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.String(length=32), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["brand"], ["shops.shop"], name=op.f("fk_segments_brand_shops")),
        sa.ForeignKeyConstraint(["room"], ["shows.room"], name=op.f("fk_segments_room_shows")),
        sa.PrimaryKeyConstraint("segment", name=op.f("pk_segments")),
    )
    with op.batch_alter_table("segments", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_segments_brand"), ["brand"], unique=False)
        batch_op.create_index(batch_op.f("ix_segments_room"), ["room"], unique=False)

    op.create_table(
        "shelf",
        sa.Column("room", sa.String(length=32), nullable=False),
        sa.Column("product", sa.String(length=32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["product"], ["products.product"], name=op.f("fk_shelf_product_products")),
        sa.ForeignKeyConstraint(["room"], ["shows.room"], name=op.f("fk_shelf_room_shows")),
        sa.PrimaryKeyConstraint("room", "product", name=op.f("pk_shelf")),
    )
    op.create_table(
        "skus",
        sa.Column("sku", sa.String(length=32), nullable=False),
        sa.Column("product", sa.String(length=32), nullable=False),
        sa.Column("title", sa.JSON(), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("on_hand", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["product"], ["products.product"], name=op.f("fk_skus_product_products")),
        sa.PrimaryKeyConstraint("sku", name=op.f("pk_skus")),
    )
    with op.batch_alter_table("skus", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_skus_product"), ["product"], unique=False)

    op.create_table(
        "allocations",
        sa.Column("sale", sa.String(length=32), nullable=False),
        sa.Column("sku", sa.String(length=32), nullable=False),
        sa.Column("allocated", sa.BigInteger(), nullable=False),
        sa.Column("returned", sa.BigInteger(), nullable=True),
        sa.Column("sold", sa.BigInteger(), nullable=True),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("closed_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["sku"], ["skus.sku"], name=op.f("fk_allocations_sku_skus")),
        sa.PrimaryKeyConstraint("sale", name=op.f("pk_allocations")),
    )
    with op.batch_alter_table("allocations", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_allocations_sku"), ["sku"], unique=False)

    op.create_table(
        "segment_products",
        sa.Column("segment", sa.String(length=32), nullable=False),
        sa.Column("product", sa.String(length=32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["product"], ["products.product"], name=op.f("fk_segment_products_product_products")
        ),
        sa.ForeignKeyConstraint(
            ["segment"], ["segments.segment"], name=op.f("fk_segment_products_segment_segments")
        ),
        sa.PrimaryKeyConstraint("segment", "product", name=op.f("pk_segment_products")),
    )


def downgrade() -> None:
    """Takes the change back."""
    op.drop_table("segment_products")
    with op.batch_alter_table("allocations", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_allocations_sku"))

    op.drop_table("allocations")
    with op.batch_alter_table("skus", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_skus_product"))

    op.drop_table("skus")
    op.drop_table("shelf")
    with op.batch_alter_table("segments", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_segments_room"))
        batch_op.drop_index(batch_op.f("ix_segments_brand"))

    op.drop_table("segments")
    with op.batch_alter_table("shows", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_shows_starts_ms"))
        batch_op.drop_index(batch_op.f("ix_shows_shop"))
        batch_op.drop_index(batch_op.f("ix_shows_host"))

    op.drop_table("shows")
    with op.batch_alter_table("products", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_products_shop"))

    op.drop_table("products")
    op.drop_table("memberships")
    op.drop_table("budget_transfers")
    with op.batch_alter_table("campaigns", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_campaigns_shop"))

    op.drop_table("campaigns")
    with op.batch_alter_table("sql_outbox", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sql_outbox_state"))

    op.drop_table("sql_outbox")
    op.drop_table("shops")
    op.drop_table("persons")
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_orders_shop"))
        batch_op.drop_index(batch_op.f("ix_orders_room"))
        batch_op.drop_index(batch_op.f("ix_orders_confirmed_ms"))
        batch_op.drop_index(batch_op.f("ix_orders_buyer"))

    op.drop_table("orders")
    with op.batch_alter_table("journal", schema=None) as batch_op:
        batch_op.drop_index("ix_journal_room_at_ms")

    op.drop_table("journal")
    op.drop_table("deployment")
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audit_subject"))
        batch_op.drop_index(batch_op.f("ix_audit_at_ms"))

    op.drop_table("audit")
