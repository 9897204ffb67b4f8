"""An order keeps the rates of its tap: whatever is edited later, it is booked, and told again, the same."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.adapters.ledgers import open_ledger
from livecommerce.adapters.redis_connection import Connection
from livecommerce.adapters.redis_outbox import RedisOutbox
from livecommerce.adapters.sql_ledger_queue import SqlLedgerQueue
from livecommerce.adapters.sql_projection import SqlProjection
from livecommerce.checkout import Checkout
from livecommerce.clock import now_ms
from livecommerce.gateway.current_rates import CurrentRates
from livecommerce.ledger.backend import LedgerBackend
from livecommerce.ledger.entry import content_hash
from livecommerce.worker.projector import Projector
from livecommerce.worker.relay import Relay
from tests.selling import SHARD, Shop

FILE = """\
[bounds]
commission = {{ least = "0%", most = "20%" }}

[[rates]]
commission = "{commission}"
technical_fee = "1%"
creator = "10%"
[[payment]]
fee = "0.6%"
bearer = "{bearer}"
"""


async def booked(ledger: LedgerBackend) -> dict[str, str]:
    return {entry.entry: content_hash(entry) async for entry in ledger.scan()}


async def credited(ledger: LedgerBackend, order: str, account: str) -> int:
    entries = await ledger.lookup(order)
    return sum(one.credit_minor for entry in entries for one in entry.postings if one.account == account)


async def test_a_change_of_rates_touches_no_order_tapped_before_not_even_when_all_is_told_again(
    redis: Connection, sql: AsyncEngine, tmp_path: Path
) -> None:
    file = tmp_path / "rates.toml"
    file.write_text(FILE.format(commission="5%", bearer="merchant"))
    rates = CurrentRates(file, optional=False)
    shop = Shop(redis)
    shop.checkout = Checkout(shop.inventory, shop.coupons, shop.policies, now_ms, rates)
    await shop.open_room()
    sale = await shop.open_sale(10)
    before = await shop.buy(sale, "ann")
    file.write_text(FILE.format(commission="12.5%", bearer="platform"))
    rates.reload()
    after = await shop.sell(sale, "bob")
    # the one who tapped before the change pays after it
    await shop.capture(await shop.begin_payment(before, "ann"), before.order.total_minor)

    outbox, queue = RedisOutbox(redis, "projector", "worker"), SqlLedgerQueue(sql)
    await Projector(outbox, SqlProjection(sql), shop.orders, [SHARD]).step()
    first = await open_ledger(f"sqlite:{tmp_path / 'first.sqlite'}")
    assert await Relay(queue, first, "worker", now_ms).step() == 2
    commission = "platform.commission.deferred"
    paid = before.order.total_minor
    assert await credited(first, before.order.order, commission) == paid * 5 // 100
    assert await credited(first, after.order.order, commission) == paid * 125 // 1_000
    assert await credited(first, before.order.order, "provider.fees:sandbox") == paid * 6 // 1_000
    held = await booked(first)

    file.write_text(FILE.format(commission="0%", bearer="merchant"))
    rates.reload()
    second = await open_ledger(f"sqlite:{tmp_path / 'second.sqlite'}")
    for ledger in (first, second):
        assert await queue.replay(0) == 2
        assert await Relay(queue, ledger, "worker", now_ms).step() == 2
        assert await booked(ledger) == held
    status = await queue.status()
    assert (status.pending, status.dead) == (0, 0)
    await first.aclose()
    await second.aclose()
