"""Letters to the ledger, written in the transaction that changes what they tell of."""

from __future__ import annotations

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from livecommerce.adapters.sql_schema import sql_outbox
from livecommerce.adapters.sql_transactions import insert_new
from livecommerce.ledger.facts import Refund, ReturnPostage, Settlement


async def tell(
    connection: AsyncConnection, event: str, kind: str, fact: Refund | ReturnPostage | Settlement
) -> bool:
    """Adds a letter, once an event of an order; answers whether it was new."""
    letter = {
        "id": f"{fact.order}:{event}",
        "key": fact.order,
        "type": kind,
        "at_ms": fact.at_ms,
        "document": msgspec.to_builtins(fact),
        "state": "pending",
        "attempts": 0,
        "next_ms": 0,
        "leased_until_ms": 0,
    }
    return await insert_new(connection, sql_outbox, letter)
