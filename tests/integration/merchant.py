"""A process that may be killed while it refunds, receives and books.

``python -m tests.integration.merchant SQL SANDBOX LEDGER REFUNDED CANCELED RETURNED BACK`` gives part of one
order back, takes a cancellation of another, pays for the return ``BACK`` of a third, and does what is due.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from livecommerce.adapters.ledgers import open_ledger
from livecommerce.adapters.sql_connection import open_sql
from livecommerce.errors import Conflict
from livecommerce.ids import OrderId
from tests.aftersales import BUYER, BackOffice


async def main(sql: str, sandbox: str, ledger: str, refunded: str, canceled: str, *returned: str) -> None:
    """Does what was asked for; a step that was done before is not done again."""
    engine, books = open_sql(sql), await open_ledger(ledger)
    office = BackOffice(engine, Path(sandbox))
    await office.refund(OrderId(refunded), "first", amount_minor=1_000)
    await office.refunds.cancel(OrderId(canceled), BUYER, office.clock())
    record = await office.record(OrderId(returned[0]))
    (back,) = (one for one in record.returns if one.return_id == returned[1])
    try:
        await office.pay_return(OrderId(returned[0]), back, "back", restock=True)
    except Conflict as error:
        assert error.code == "wrong_state", error.code
    while await office.receipts.step():
        pass
    await office.work()
    await office.book(books)
    await office.close()
    await books.aclose()
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
