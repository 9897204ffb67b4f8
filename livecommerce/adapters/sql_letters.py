"""Letters to the ledger, written in the transaction that changes what they tell of.

A fact that SQL itself could not take is a dead letter from the beginning, with an error that begins with
``REFUSED`` or ``UNREADABLE``; it needs a repair before it can be sent.
"""

from __future__ import annotations

import msgspec
from sqlalchemy import ColumnElement, and_, or_
from sqlalchemy.ext.asyncio import AsyncConnection

from livecommerce.adapters.sql_schema import sql_outbox
from livecommerce.adapters.sql_transactions import insert_new
from livecommerce.ledger.facts import Refund, ReturnPostage, Settlement
from livecommerce.ledger.queue import LetterState

REFUSED = "refused: "
UNREADABLE = "unreadable: "


def is_untaken() -> ColumnElement[bool]:
    """Whether a letter is one whose fact SQL could not take."""
    error = sql_outbox.c.error
    return and_(
        sql_outbox.c.state == LetterState.DEAD, or_(error.startswith(REFUSED), error.startswith(UNREADABLE))
    )


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
