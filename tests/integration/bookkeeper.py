"""A worker process that may be killed while it projects, settles and books everything there is.

``python -m tests.integration.bookkeeper REDIS SQL LEDGER``
"""

from __future__ import annotations

import asyncio
import sys

from livecommerce.adapters.ledgers import open_ledger
from livecommerce.adapters.redis_address import connect
from livecommerce.adapters.redis_orders import RedisOrders
from livecommerce.adapters.redis_outbox import RedisOutbox
from livecommerce.adapters.sql_connection import open_sql
from livecommerce.adapters.sql_ledger_queue import SqlLedgerQueue
from livecommerce.adapters.sql_projection import SqlProjection
from livecommerce.adapters.sql_settlement import SqlSettlement
from livecommerce.clock import now_ms
from livecommerce.worker.projector import Projector
from livecommerce.worker.relay import Relay
from livecommerce.worker.settlement import Settler
from tests.selling import SHARD


async def main(redis_url: str, sql_url: str, ledger_url: str) -> None:
    """Works in small batches until nothing is left."""
    redis, sql = connect(redis_url), open_sql(sql_url)
    ledger = await open_ledger(ledger_url)
    outbox = RedisOutbox(redis, "projector", "worker")
    projector = Projector(outbox, SqlProjection(sql), RedisOrders(redis, 1), [SHARD], batch=3)
    relay = Relay(SqlLedgerQueue(sql), ledger, "worker", now_ms, batch=2)
    settler = Settler(SqlSettlement(sql), now_ms)
    while await projector.step() + await settler.step() + await relay.step():
        pass
    await ledger.aclose()
    await sql.dispose()
    await redis.aclose()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
