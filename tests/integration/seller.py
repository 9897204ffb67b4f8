"""A process that may be killed while it sells: it asks for one order's pay page, then does all that is due.

``python -m tests.integration.seller URL SANDBOX ROOM ORDER BUYER``
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from livecommerce.adapters.redis_address import connect
from livecommerce.ids import OrderId, PersonId, RoomId
from tests.selling import CURRENCY
from tests.till import Till


async def main(url: str, sandbox: str, room: str, order: str, buyer: str) -> None:
    """Pays and works."""
    redis = connect(url)
    till = Till(redis, Path(sandbox), RoomId(room))
    await till.cashier.pay(OrderId(order), PersonId(buyer), CURRENCY, "Umbrella", "http://merchant.test/")
    await till.work()
    await till.close()
    await redis.aclose()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:6]))
