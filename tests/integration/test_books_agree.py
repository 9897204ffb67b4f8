"""From the tap to the trial balance: orders, units, ledger and the provider's bill tell the same story."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.adapters.bill_sandbox import fetch_sandbox_bill
from livecommerce.adapters.ledgers import open_ledger
from livecommerce.adapters.redis_connection import Connection
from livecommerce.adapters.redis_outbox import RedisOutbox
from livecommerce.adapters.sql_figures import SqlFigures
from livecommerce.adapters.sql_ledger_queue import SqlLedgerQueue
from livecommerce.adapters.sql_projection import SqlProjection
from livecommerce.clock import now_ms
from livecommerce.gateway.sandbox.faults import Fault
from livecommerce.ledger import accounts
from livecommerce.ledger.backend import LedgerBackend
from livecommerce.ledger.reconcile import Booked, Difference, Finding, Story, reconcile
from livecommerce.ledger_desk import LedgerDesk
from livecommerce.settings import Settings
from livecommerce.worker.projector import Projector
from livecommerce.worker.relay import Relay
from tests.integration.test_booking_crashes import lend_stock
from tests.sandbox import SECRET, URL
from tests.selling import SHARD
from tests.till import Till


async def compare(till: Till, sql: AsyncEngine, ledger: LedgerBackend) -> list[Difference]:
    desk = LedgerDesk(settings=Settings(shards=1), sql=sql, ledger=ledger, redis=till.redis)
    booked = Booked()
    async for entry in ledger.scan():
        booked.add(entry)
    story = Story(
        orders=await SqlFigures(sql).orders(),
        unapplied=await SqlFigures(sql).unapplied(),
        unbooked=await SqlFigures(sql).unbooked(),
        sold=await desk.sold(),
        booked=booked,
        bill=await fetch_sandbox_bill(till.world.http, URL, SECRET),
    )
    return reconcile(story, now_ms())


async def owed_to_buyers(ledger: LedgerBackend) -> int:
    balances = {one.account: one.credit_minor - one.debit_minor for one in await ledger.trial_balance()}
    return balances.get(accounts.UNAPPLIED, 0)


async def test_an_evening_with_a_capture_that_became_no_order_reconciles(
    redis: Connection, sql: AsyncEngine, tmp_path: Path
) -> None:
    till = Till(redis, tmp_path / "sandbox.sqlite")
    ledger = await open_ledger(f"sqlite:{tmp_path / 'ledger.sqlite'}")
    projector = Projector(RedisOutbox(redis, "projector", "one"), SqlProjection(sql), till.orders, [SHARD])
    relay = Relay(SqlLedgerQueue(sql), ledger, "one", now_ms)
    await till.open_room()
    sale = await till.open_sale(3)
    await lend_stock(sql, sale)
    for buyer in ("a", "b"):
        await till.pay(await till.buy(sale, buyer), buyer)
        await till.world.callbacks.get()
    assert (await compare(till, sql, ledger))[0].finding is Finding.BILLED_WITHOUT_ORDER  # still on their way
    while await projector.step() + await relay.step():
        pass
    assert await compare(till, sql, ledger) == []
    late = await till.buy(sale, "late")
    payment = await till.pay_page(late, "late")
    await till.time_runs_out(late.order.order)
    await till.work()
    await till.buy(sale, "quick")
    await till.world.pay(payment, Fault.OVERDUE)
    await till.world.callbacks.get()
    while await projector.step() + await relay.step():
        pass
    assert await compare(till, sql, ledger) == []
    assert await owed_to_buyers(ledger) == late.order.total_minor
    await till.work()
    while await projector.step() + await relay.step():
        pass
    assert await compare(till, sql, ledger) == []
    assert await owed_to_buyers(ledger) == 0
    await ledger.aclose()
    await till.close()
