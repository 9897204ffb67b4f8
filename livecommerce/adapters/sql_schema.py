"""The SQL tables. Money is in minor units, times are UTC milliseconds, documents are JSON text.

Personal data stands in ``persons`` alone; every other table knows people by id.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Id = String(32)
"""Width of an id; a payment provider's limit."""

deployment = Table(
    "deployment",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", Text, nullable=False),
)
"""Facts fixed at first start, such as the number of shards."""

persons = Table(
    "persons",
    metadata,
    Column("person", Id, primary_key=True),
    Column("login", String(80), unique=True),
    Column("password_hash", Text),
    Column("name", String(80), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
)

shops = Table(
    "shops",
    metadata,
    Column("shop", Id, primary_key=True),
    Column("name", JSON, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
)

memberships = Table(
    "memberships",
    metadata,
    Column("person", Id, ForeignKey("persons.person"), primary_key=True),
    Column("shop", Id, primary_key=True),
    Column("role", String(20), primary_key=True),
)
"""Who may do what where; ``shop`` is empty for roles of the whole deployment (operator)."""

products = Table(
    "products",
    metadata,
    Column("product", Id, primary_key=True),
    Column("shop", Id, ForeignKey("shops.shop"), nullable=False, index=True),
    Column("title", JSON, nullable=False),
    Column("image", Text, nullable=False),
    Column("category", String(40), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
)

skus = Table(
    "skus",
    metadata,
    Column("sku", Id, primary_key=True),
    Column("product", Id, ForeignKey("products.product"), nullable=False, index=True),
    Column("title", JSON, nullable=False),
    Column("price_minor", BigInteger, nullable=False),
    Column("on_hand", BigInteger, nullable=False),
    Column("position", Integer, nullable=False),
)
"""``on_hand`` is the shop's stock that is not allocated to any sale."""

allocations = Table(
    "allocations",
    metadata,
    Column("sale", Id, primary_key=True),
    Column("sku", Id, ForeignKey("skus.sku"), nullable=False, index=True),
    Column("allocated", BigInteger, nullable=False),
    Column("returned", BigInteger),
    Column("sold", BigInteger),
    Column("created_ms", BigInteger, nullable=False),
    Column("closed_ms", BigInteger),
)
"""Transfers of shop stock to a sale and back; one row a sale, so that repeating one changes nothing."""

shows = Table(
    "shows",
    metadata,
    Column("room", Id, primary_key=True),
    Column("shop", Id, ForeignKey("shops.shop"), nullable=False, index=True),
    Column("host", Id, ForeignKey("persons.person"), nullable=False, index=True),
    Column("title", JSON, nullable=False),
    Column("cover", Text, nullable=False),
    Column("phase", String(12), nullable=False),
    Column("starts_ms", BigInteger, nullable=False, index=True),
    Column("ends_ms", BigInteger, nullable=False),
    Column("time_zone", String(64), nullable=False),
    Column("started_ms", BigInteger),
    Column("ended_ms", BigInteger),
    Column("created_ms", BigInteger, nullable=False),
)

shelf = Table(
    "shelf",
    metadata,
    Column("room", Id, ForeignKey("shows.room"), primary_key=True),
    Column("product", Id, ForeignKey("products.product"), primary_key=True),
    Column("position", Integer, nullable=False),
)

segments = Table(
    "segments",
    metadata,
    Column("segment", Id, primary_key=True),
    Column("room", Id, ForeignKey("shows.room"), nullable=False, index=True),
    Column("brand", Id, ForeignKey("shops.shop"), nullable=False, index=True),
    Column("kind", String(12), nullable=False),
    Column("state", String(12), nullable=False),
    Column("title", JSON, nullable=False),
    Column("starts_ms", BigInteger, nullable=False),
    Column("ends_ms", BigInteger, nullable=False),
    Column("commission_ppm", Integer, nullable=False),
    Column("note", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("requested_by", Id, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
)

segment_products = Table(
    "segment_products",
    metadata,
    Column("segment", Id, ForeignKey("segments.segment"), primary_key=True),
    Column("product", Id, ForeignKey("products.product"), primary_key=True),
    Column("position", Integer, nullable=False),
)

campaigns = Table(
    "campaigns",
    metadata,
    Column("campaign", Id, primary_key=True),
    Column("shop", Id, ForeignKey("shops.shop"), nullable=False, index=True),
    Column("kind", String(12), nullable=False),
    Column("title", JSON, nullable=False),
    Column("funder", String(12), nullable=False),
    Column("discount_minor", BigInteger, nullable=False),
    Column("threshold_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("budget_minor", BigInteger, nullable=False),
    Column("allocated_minor", BigInteger, nullable=False),
    Column("per_person", Integer, nullable=False),
    Column("arrivals_needed", Integer, nullable=False),
    Column("starts_ms", BigInteger, nullable=False),
    Column("ends_ms", BigInteger, nullable=False),
)
"""``kind``: drop or share; ``funder``: merchant or platform; the budget's home."""

budget_transfers = Table(
    "budget_transfers",
    metadata,
    Column("campaign", Id, ForeignKey("campaigns.campaign"), primary_key=True),
    Column("transfer", Id, primary_key=True),
    Column("amount_minor", BigInteger, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
)
"""Money that a budget lent to rooms, or (negative) got back; one row a transfer: a repeat changes nothing."""

orders = Table(
    "orders",
    metadata,
    Column("order", Id, primary_key=True),
    Column("room", Id, nullable=False, index=True),
    Column("shop", Id, nullable=False, index=True),
    Column("buyer", Id, nullable=False, index=True),
    Column("sale", Id, nullable=False),
    Column("segment", Id),
    Column("brand", Id),
    Column("currency", String(3), nullable=False),
    Column("total_minor", BigInteger, nullable=False),
    Column("refunded_minor", BigInteger, nullable=False),
    Column("order_state", String(20), nullable=False),
    Column("charge_state", String(20), nullable=False),
    Column("fulfillment_state", String(20), nullable=False),
    Column("document", JSON, nullable=False),
    Column("confirmed_ms", BigInteger, nullable=False, index=True),
    Column("received_ms", BigInteger),
    Column("settles_ms", BigInteger, index=True),
)
"""Confirmed orders; ``document`` is the ``ConfirmedOrder`` as it left the live system.

``settles_ms`` is the end of the return window of a received order that is not settled yet.
"""

journal = Table(
    "journal",
    metadata,
    Column("id", String(120), primary_key=True),
    Column("room", Id, nullable=False),
    Column("position", BigInteger().with_variant(Integer, "sqlite"), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("v", Integer, nullable=False),
    Column("type", String(40), nullable=False),
    Column("payload", JSON, nullable=False),
    Index("ix_journal_room_at_ms", "room", "at_ms"),
)
"""Everything that happened in a show: its control events by offset, and its order events."""

sql_outbox = Table(
    "sql_outbox",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("id", String(120), nullable=False, unique=True),
    Column("key", Id, nullable=False),
    Column("type", String(40), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("document", JSON, nullable=False),
    Column("state", String(12), nullable=False, index=True),
    Column("attempts", Integer, nullable=False),
    Column("next_ms", BigInteger, nullable=False),
    Column("error", Text),
    Column("leased_by", String(64)),
    Column("leased_until_ms", BigInteger, nullable=False),
    Index("ix_sql_outbox_key_number", "key", "number"),
)
"""What the ledger must be told; ``state``: pending, applied, dead."""

audit = Table(
    "audit",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at_ms", BigInteger, nullable=False, index=True),
    Column("actor", Id, nullable=False),
    Column("action", String(40), nullable=False),
    Column("subject", String(64), nullable=False, index=True),
    Column("before", JSON),
    Column("after", JSON),
    Column("request", String(64), nullable=False),
)
"""Append only: each command of host, moderator, merchant and operator."""
