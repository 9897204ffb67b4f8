"""The SQL tables. Money is in minor units, times are UTC milliseconds, documents are JSON text.

Personal data stands in ``persons``, ``addresses`` and ``deliveries`` alone; the others know people by id.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    false,
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

shop_policies = Table(
    "shop_policies",
    metadata,
    Column("shop", Id, ForeignKey("shops.shop"), primary_key=True),
    Column("return_window_days", Integer, nullable=False),
    Column("shipping_minor", BigInteger, nullable=False),
    Column("free_shipping_from_minor", BigInteger, nullable=False),
    Column("ships_within_hours", Integer, nullable=False),
    Column("address_needed", Boolean, nullable=False),
)
"""What shops promise now; orders keep what was promised to them."""

memberships = Table(
    "memberships",
    metadata,
    Column("person", Id, ForeignKey("persons.person"), primary_key=True),
    Column("shop", Id, primary_key=True),
    Column("role", String(20), primary_key=True),
)
"""Who may do what where; ``shop`` is empty for roles of the whole deployment (operator)."""

addresses = Table(
    "addresses",
    metadata,
    Column("address", Id, primary_key=True),
    Column("person", Id, nullable=False, index=True),
    Column("is_default", Boolean, nullable=False),
    Column("fields", JSON, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
)
"""People's address books; a person may come from the host application and have no row in ``persons``."""

deliveries = Table(
    "deliveries",
    metadata,
    Column("order", Id, primary_key=True),
    Column("buyer", Id, nullable=False, index=True),
    Column("fields", JSON),
    Column("note", Text, nullable=False),
    Column("chosen_ms", BigInteger, nullable=False, index=True),
)
"""Where an order goes and what its buyer asks for, copied when it is paid; no ``fields``: nothing is sent."""

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
    Column("archived_ms", BigInteger),
)
"""``archived_ms``: since when a product is put away."""

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
"""Transfers of shop stock to a sale and back; one row a sale, so that repeating one changes nothing.

``allocated`` is the sum of what was lent, also what the sale has not got yet.
"""

allocation_changes = Table(
    "allocation_changes",
    metadata,
    Column("operation", Id, primary_key=True),
    Column("sale", Id, ForeignKey("allocations.sale"), nullable=False, index=True),
    Column("units", BigInteger, nullable=False),
    Column("outcome", String(8)),
    Column("created_ms", BigInteger, nullable=False),
)
"""Units that followed (or, negative, left) a running sale; ``outcome`` is made, void, or not known yet."""

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

room_archives = Table(
    "room_archives",
    metadata,
    Column("room", Id, ForeignKey("shows.room"), primary_key=True),
    Column("epoch", String(64), nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("state", JSON, nullable=False),
    Column("likes", BigInteger, nullable=False),
    Column("sharing", JSON, nullable=False),
    Column("archived_ms", BigInteger, nullable=False),
    Column("cleared_ms", BigInteger),
)
"""How rooms ended; ``cleared_ms`` is when the live system had nothing of one any more."""

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

segment_extensions = Table(
    "segment_extensions",
    metadata,
    Column("segment", Id, ForeignKey("segments.segment"), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("by_ms", Integer, nullable=False),
)
"""More time that a segment got on air, once per key."""

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
    Column("percent_ppm", Integer, nullable=False, server_default="0"),
    Column("exclusive", Boolean, nullable=False, server_default=false()),
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
    Column("receipt_due_ms", BigInteger, index=True),
    Column("settles_ms", BigInteger, index=True),
    Index("ix_orders_shop_confirmed_ms", "shop", "confirmed_ms"),
)
"""Confirmed orders; ``document`` is the ``ConfirmedOrder`` as it left the live system.

``receipt_due_ms`` is when a shipped order counts as received; ``settles_ms`` is the end of the return
window of a received order that is not settled yet and has nothing open.
"""

order_lines = Table(
    "order_lines",
    metadata,
    Column("order", Id, primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("product", Id, nullable=False, index=True),
    Column("sku", Id, nullable=False),
    Column("qty", Integer, nullable=False),
)
"""What orders are of, for looking them up; the document has the rest."""

parcels = Table(
    "parcels",
    metadata,
    Column("parcel", Id, primary_key=True),
    Column("order", Id, ForeignKey("orders.order"), nullable=False, index=True),
    Column("shop", Id, nullable=False),
    Column("state", String(20), nullable=False),
    Column("carrier", String(60), nullable=False),
    Column("tracking", String(60), nullable=False),
    Column("lines", JSON, nullable=False),
    Column("wish", JSON, nullable=False),
    Column("shipped_ms", BigInteger, nullable=False),
    Column("delivered_ms", BigInteger),
    Index("ix_parcels_shop_tracking", "shop", "tracking"),
)
"""What merchants gave to carriers; ``wish`` is what was asked for, to tell a repeat from another wish."""

parcel_updates = Table(
    "parcel_updates",
    metadata,
    Column("shop", Id, primary_key=True),
    Column("message", String(120), primary_key=True),
    Column("tracking", String(60), nullable=False),
    Column("state", String(20), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
    Column("told_ms", BigInteger, nullable=False),
    Index("ix_parcel_updates_shop_tracking", "shop", "tracking"),
)
"""What carriers told, once a message; also of parcels that the merchant enters later."""

parcel_keys = Table(
    "parcel_keys",
    metadata,
    Column("shop", Id, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("since_ms", BigInteger, nullable=False),
)
"""How often a shop has changed the key of its carriers' messages; the key itself is derived."""

returns = Table(
    "returns",
    metadata,
    Column("return_id", Id, primary_key=True),
    Column("order", Id, ForeignKey("orders.order"), nullable=False, index=True),
    Column("state", String(12), nullable=False, index=True),
    Column("reason", String(20), nullable=False),
    Column("note", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("lines", JSON, nullable=False),
    Column("wish", JSON, nullable=False),
    Column("carrier", String(60), nullable=False),
    Column("tracking", String(60), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("decided_ms", BigInteger),
    Column("received_ms", BigInteger),
    Column("refund", Id),
)

refunds = Table(
    "refunds",
    metadata,
    Column("refund", Id, primary_key=True),
    Column("order", Id, ForeignKey("orders.order"), nullable=False, index=True),
    Column("state", String(12), nullable=False),
    Column("cause", String(12), nullable=False),
    Column("payment", Id, nullable=False),
    Column("provider", String(20), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("reason", Text, nullable=False),
    Column("lines", JSON, nullable=False),
    Column("wish", JSON, nullable=False),
    Column("restock", Boolean, nullable=False),
    Column("return_id", Id),
    Column("requested_by", Id, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("sent_ms", BigInteger),
    Column("done_ms", BigInteger),
    Column("provider_refund", String(80), nullable=False),
    Column("error", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_ms", BigInteger),
    Index("ix_refunds_state_next_ms", "state", "next_ms"),
)
"""Money on its way back to buyers; ``payment`` and ``refund`` are the numbers that the provider knows.

``next_ms`` is when the provider is asked next; leasing one moves it ahead.
"""

restocks = Table(
    "restocks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("order", Id, ForeignKey("orders.order"), nullable=False, index=True),
    Column("line", Integer, nullable=False),
    Column("qty", Integer, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)
"""Units that merchants put back in stock."""

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

reconciliations = Table(
    "reconciliations",
    metadata,
    Column("at_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("bill", String(200), nullable=False),
    Column("orders", Integer, nullable=False),
    Column("findings", JSON, nullable=False),
)
"""What reconciling found: kind of finding → how many; ``bill`` is what was compared with."""

reconciliation_requests = Table(
    "reconciliation_requests",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("requested_ms", BigInteger, nullable=False),
    Column("taken_ms", BigInteger),
    Column("error", String(200), nullable=False),
)
"""What the console asks a worker to reconcile: one row, or none."""

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
