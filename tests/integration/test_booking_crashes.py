"""A worker is killed at each fail point from the outbox to the ledger: nothing is lost, nothing doubled."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import Table, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.adapters.ledgers import open_ledger
from livecommerce.adapters.redis_connection import Connection, tag
from livecommerce.adapters.sql_connection import reading
from livecommerce.adapters.sql_ledger_queue import SqlLedgerQueue
from livecommerce.adapters.sql_schema import allocations, journal, orders, products, shops, skus
from livecommerce.ids import OrderId, SaleId
from tests.fail_points import fail_points
from tests.integration.test_relay import confirm
from tests.selling import SHARD, Shop
from tests.servers import ValkeyServer

SOLD = 4
UNSOLD = 2
OLD = OrderId("old")


async def lend_stock(engine: AsyncEngine, sale: str) -> None:
    product = {"product": "umbrella", "shop": "shop", "title": {}, "image": "", "category": "home"}
    sku = {"sku": "umbrella-red", "product": "umbrella", "title": {}, "price_minor": 1, "position": 0}
    async with engine.begin() as connection:
        await connection.execute(insert(shops).values(shop="shop", name={}, created_ms=0))
        await connection.execute(insert(products).values(**product, currency="CNY", created_ms=0))
        await connection.execute(insert(skus).values(**sku, on_hand=100))
        lent = {"sale": sale, "sku": "umbrella-red", "allocated": SOLD + UNSOLD, "created_ms": 0}
        await connection.execute(insert(allocations).values(lent))


async def an_evening(redis: Connection, engine: AsyncEngine) -> tuple[list[str], int]:
    """Orders, a sale that closes, an old order to settle; answers the new orders and how much was told."""
    shop = Shop(redis)
    await shop.open_room()
    sale = await shop.open_sale(SOLD + UNSOLD)
    await lend_stock(engine, sale)
    sold = [(await shop.sell(sale, f"buyer{number}")).order.order for number in range(SOLD)]
    await shop.inventory.close_sale(SaleId(sale), 1)
    await confirm(engine, OLD)
    async with engine.begin() as connection:
        await connection.execute(update(orders).where(orders.c.order == OLD).values(settles_ms=1))
    return sold, len(await shop.told())


async def count(engine: AsyncEngine, table: Table) -> int:
    async with reading(engine) as connection:
        return (await connection.execute(select(func.count()).select_from(table))).scalar_one()


@pytest.mark.parametrize("point", fail_points("projection", "projector", "relay", "settlement"))
async def test_a_worker_killed_at_a_fail_point_loses_nothing_and_doubles_nothing(
    point: str, redis: Connection, sql: AsyncEngine, valkey: ValkeyServer, tmp_path: Path
) -> None:
    ledger_url = f"sqlite:{tmp_path / 'ledger.sqlite'}"
    sold, told = await an_evening(redis, sql)

    async def work(**environ: str) -> int:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.integration.bookkeeper"),
            *(valkey.url, f"sqlite:{tmp_path / 'livecommerce.sqlite'}", ledger_url),
            env={**os.environ, **environ},
        )
        return await process.wait()

    assert await work(FAIL_POINT=point, FAIL_POINT_MARK=str(tmp_path / "mark")) == -signal.SIGKILL
    assert await work() == 0

    ledger = await open_ledger(ledger_url)
    booked = Counter([(entry.order, entry.kind) async for entry in ledger.scan()])
    expected = [(order, kind) for order in (*sold, OLD) for kind in ("sale", "payment_fee")]
    assert booked == Counter([*expected, (OLD, "settlement")])
    balance = await ledger.trial_balance()
    assert sum(one.debit_minor - one.credit_minor for one in balance) == 0
    await ledger.aclose()
    assert await count(sql, orders) == SOLD + 1
    assert await count(sql, journal) == told + 1
    status = await SqlLedgerQueue(sql).status()
    assert (status.pending, status.applied, status.dead) == (0, SOLD + 2, 0)
    async with reading(sql) as connection:
        assert await connection.scalar(select(skus.c.on_hand)) == 100 + UNSOLD
    assert await redis.xlen(f"{tag(SHARD)}:outbox") == 0
    assert await redis.zcard(f"{tag(SHARD)}:projected") == SOLD
