"""Everything that ``livecommerce ledger …`` works with, opened together."""

from __future__ import annotations

import asyncio
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
from livecommerce.adapters.sql_repair import SqlRepair
from livecommerce.ids import OrderId, SaleId, shard_names
from livecommerce.ledger.backend import LedgerBackend
from livecommerce.ledger.bill import BillLine
from livecommerce.ledger.bill_wechat import read_wechat_bill
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
            open_sales = [SaleId(sale.sale) for sale in lent if sale.sold is None]
            counts = await RedisInventory(self.redis).stock(open_sales)
            sold |= {count.sale: count.sold for count in counts}
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
