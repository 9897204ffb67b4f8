"""Everything that ``livecommerce ledger …`` works with, opened together."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from msgspec import Raw
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.adapters.bill_sandbox import fetch_sandbox_bill
from livecommerce.adapters.ledgers import late_ledger
from livecommerce.adapters.redis_address import connect
from livecommerce.adapters.redis_connection import Connection
from livecommerce.adapters.redis_inventory import RedisInventory
from livecommerce.adapters.redis_orders import RedisOrders
from livecommerce.adapters.redis_outbox import RedisOutbox
from livecommerce.adapters.sql_connection import migrate, open_sql
from livecommerce.adapters.sql_figures import SqlFigures
from livecommerce.adapters.sql_ledger_queue import SqlLedgerQueue
from livecommerce.adapters.sql_reconciliations import SqlReconciliations
from livecommerce.adapters.sql_repair import SqlRepair
from livecommerce.clock import now_ms
from livecommerce.ids import OrderId, SaleId, Shard, shard_names, shard_of
from livecommerce.ledger.backend import LedgerBackend
from livecommerce.ledger.bill import BillLine
from livecommerce.ledger.bill_wechat import read_wechat_bill
from livecommerce.ledger.entry import Entry
from livecommerce.ledger.reconcile import Booked, Difference, Reconciliation, Story, reconcile
from livecommerce.outbox import OutboxLag
from livecommerce.settings import Settings


@dataclass(frozen=True)
class LedgerDesk:
    """One operator's access to queue, ledger and figures; Redis only where ``REDIS_URL`` says where it is."""

    settings: Settings
    sql: AsyncEngine
    ledger: LedgerBackend
    redis: Connection | None

    @property
    def queue(self) -> SqlLedgerQueue:
        """The SQL outbox."""
        return SqlLedgerQueue(self.sql)

    async def outbox(self) -> OutboxLag | None:
        """What is not in SQL yet, of all shards; ``None`` without Redis."""
        if self.redis is None:
            return None
        reader = RedisOutbox(self.redis, "desk", "desk")
        lags = [await reader.lag(shard) for shard in shard_names(self.settings.shards)]
        oldest = min((lag.oldest_ms for lag in lags if lag.oldest_ms is not None), default=None)
        return OutboxLag(length=sum(lag.length for lag in lags), oldest_ms=oldest)

    async def sold(self) -> dict[str, int]:
        """Sale → units sold: of closed sales, and of open ones where nothing is on its way into SQL."""
        lent = await SqlFigures(self.sql).lent()
        sold = {sale.sale: sale.sold for sale in lent if sale.sold is not None}
        outbox = await self.outbox()
        if self.redis is not None and outbox is not None and outbox.length == 0:
            sold |= await _sold_so_far(self.redis, [SaleId(one.sale) for one in lent if one.sold is None])
        return sold

    async def repair(self, ids: Sequence[str], document: bytes | None) -> dict[str, str]:
        """Applies facts that SQL could not take; letter → why it still cannot be taken, or an empty text.

        The live system is told of orders that SQL owns now, where it can be reached.
        """
        repair, report = SqlRepair(self.sql), {}
        for record in await repair.untaken(ids):
            fact = record if document is None else replace(record, data=Raw(document))
            report[record.id] = await repair.apply(fact)
            if self.redis is not None and record.type == "order.confirmed" and not report[record.id]:
                await RedisOrders(self.redis, self.settings.shards).projected(OrderId(record.key))
        return report

    async def bill(self, source: str) -> list[BillLine] | None:
        """The provider's bill: ``sandbox``, ``none``, or a WeChat Pay trade bill's file.

        Raises:
            BadBill: it cannot be had or read.
            OSError: there is no such file.
        """
        if source == "none":
            return None
        if source == "sandbox":
            async with httpx.AsyncClient(timeout=30) as http:
                return await fetch_sandbox_bill(http, self.settings.sandbox_url, self.settings.token_secret)
        return read_wechat_bill(await asyncio.to_thread(Path(source).read_text, "utf-8"))

    async def reconcile(
        self, entries: AsyncIterator[Entry], bill: str
    ) -> tuple[Reconciliation, list[Difference]]:
        """Compares the ledger's entries with everything else, and keeps how it went.

        Raises:
            BadBill, OSError: as ``bill``.
            LedgerAway: the entries cannot be read.
        """
        figures, booked = SqlFigures(self.sql), Booked()
        # the ledger first: an order that is confirmed meanwhile is not missed in it
        async for entry in entries:
            booked.add(entry)
        story = Story(
            booked=booked,
            orders=await figures.orders(),
            unapplied=await figures.unapplied(),
            unbooked=await figures.unbooked(),
            sold=await self.sold(),
            bill=await self.bill(bill),
        )
        at_ms = now_ms()
        differences = await asyncio.to_thread(reconcile, story, at_ms)
        done = Reconciliation(
            at_ms=at_ms,
            bill=Path(bill).name[:200],
            orders=len(story.orders),
            findings=dict(Counter(one.finding.value for one in differences)),
        )
        await SqlReconciliations(self.sql).keep(done)
        return done, differences


@asynccontextmanager
async def open_desk(settings: Settings) -> AsyncIterator[LedgerDesk]:
    """Opens what the settings name, and closes it afterwards."""
    await migrate(settings.sql_url)
    async with AsyncExitStack() as stack:
        sql = open_sql(settings.sql_url)
        stack.push_async_callback(sql.dispose)
        ledger = late_ledger(settings.ledger_address)
        stack.push_async_callback(ledger.aclose)
        redis = connect(settings.redis_url) if settings.redis_url else None
        if redis is not None:
            stack.push_async_callback(redis.aclose)
        yield LedgerDesk(settings=settings, sql=sql, ledger=ledger, redis=redis)


async def _sold_so_far(redis: Connection, sales: Sequence[SaleId]) -> dict[str, int]:
    """Of sales that are not closed, whatever their shards."""
    by_shard: defaultdict[Shard, list[SaleId]] = defaultdict(list)
    for sale in sales:
        by_shard[shard_of(sale)].append(sale)
    inventory = RedisInventory(redis)
    counts = [await inventory.stock(of_shard) for of_shard in by_shard.values()]
    return {count.sale: count.sold for some in counts for count in some}
