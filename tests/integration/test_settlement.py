"""After confirmation: receipt, refunds and settlement, from SQL to the books."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.adapters.ledgers import open_ledger
from livecommerce.adapters.sql_connection import migrate, open_sql, reading
from livecommerce.adapters.sql_ledger_queue import SqlLedgerQueue
from livecommerce.adapters.sql_schema import orders
from livecommerce.adapters.sql_settlement import SqlSettlement
from livecommerce.errors import Conflict, NotFound, Unavailable
from livecommerce.ids import OrderId
from livecommerce.ledger.backend import LedgerBackend
from livecommerce.ledger.facts import Refund, ReturnPostage
from livecommerce.worker.relay import Relay
from livecommerce.worker.settlement import Settler
from tests.integration.test_relay import Clock, confirm

DAY = 86_400_000
ORDER = OrderId("a")


class Shop:
    """One confirmed order and everything that may happen to it."""

    def __init__(self, engine: AsyncEngine, ledger: LedgerBackend) -> None:
        self.engine = engine
        self.ledger = ledger
        self.clock = Clock()
        self.after = SqlSettlement(engine)
        self.settler = Settler(self.after, self.clock)

    async def refund(self, amount: int, refund: str = "r1", currency: str = "CNY") -> bool:
        return await self.after.refunded(
            Refund(order=ORDER, refund=refund, amount_minor=amount, currency=currency, reason="", at_ms=1)
        )

    async def row(self) -> Any:
        async with reading(self.engine) as connection:
            return (await connection.execute(select(orders))).one()

    async def balances(self) -> dict[str, int]:
        """What the books say when everything is booked: credits less debits, where it is not zero."""
        relay = Relay(SqlLedgerQueue(self.engine), self.ledger, "one", self.clock)
        while await relay.step():
            pass
        sides = {one.account: one.credit_minor - one.debit_minor for one in await self.ledger.trial_balance()}
        return {account: minor for account, minor in sides.items() if minor}


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:{tmp_path / 'shop.sqlite'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
async def shop(database_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    await migrate(database_url)
    engine = open_sql(database_url)
    ledger = await open_ledger(f"sqlite:{tmp_path / 'ledger.sqlite'}")
    await confirm(engine, ORDER)
    yield Shop(engine, ledger)
    await ledger.aclose()
    await engine.dispose()


async def test_an_order_settles_when_its_return_window_is_over(shop: Shop) -> None:
    await shop.after.received(ORDER, shop.clock.now)
    shop.clock.now += 7 * DAY - 1
    assert await shop.settler.step() == 0
    shop.clock.now += 1
    assert [await shop.settler.step(), await shop.settler.step()] == [1, 0]
    assert ((await shop.row()).order_state, (await shop.row()).fulfillment_state) == ("completed", "received")
    balances = await shop.balances()
    assert balances["creator.available:creator"] == 1900
    assert balances["platform.commission.revenue"] == 475
    assert not [account for account in balances if "pending" in account or "deferred" in account]


async def test_an_order_that_was_not_received_does_not_settle(shop: Shop) -> None:
    shop.clock.now += 1_000 * DAY
    assert await shop.settler.step() == 0


async def test_receipt_counts_from_the_first_time(shop: Shop) -> None:
    await shop.after.received(ORDER, shop.clock.now)
    await shop.after.received(ORDER, shop.clock.now + DAY)
    assert (await shop.row()).received_ms == shop.clock.now


async def test_refunds_add_up_and_end_in_zero(shop: Shop) -> None:
    assert await shop.refund(1_000, "r1")
    assert (await shop.row()).charge_state == "partially_refunded"
    assert await shop.refund(7_500, "r2")
    assert ((await shop.row()).charge_state, (await shop.row()).refunded_minor) == ("refunded", 8_500)
    assert await shop.balances() == {}


async def test_the_same_refund_counts_once(shop: Shop) -> None:
    assert await shop.refund(8_500)
    assert not await shop.refund(8_500)
    assert (await shop.row()).refunded_minor == 8_500


async def test_more_than_was_paid_cannot_be_refunded_even_at_once(shop: Shop) -> None:
    answers = await asyncio.gather(
        *(shop.refund(3_000, f"r{number}") for number in range(4)), return_exceptions=True
    )
    assert sorted(str(answer) for answer in answers) == [
        "True",
        "True",
        "refund_too_large",
        "refund_too_large",
    ]
    assert (await shop.row()).refunded_minor == 6_000
    assert (await shop.balances())["provider.receivable:sandbox"] == -2_500


async def test_a_refund_after_settlement_is_clawed_back(shop: Shop) -> None:
    await shop.after.received(ORDER, shop.clock.now)
    shop.clock.now += 7 * DAY
    await shop.settler.step()
    await shop.refund(8_500)
    assert await shop.balances() == {}


async def test_workers_at_once_settle_an_order_once(shop: Shop) -> None:
    await shop.after.received(ORDER, shop.clock.now)
    shop.clock.now += 7 * DAY
    assert sum(await asyncio.gather(*(shop.settler.step() for _ in range(4)))) == 1


async def test_return_postage_is_booked_once_on_whoever_bears_it(shop: Shop) -> None:
    postage = ReturnPostage(
        order=ORDER, parcel="p", amount_minor=1_200, currency="CNY", bearer="platform", at_ms=1
    )
    assert [await shop.after.postage_returned(postage) for _ in range(2)] == [True, False]
    assert (await shop.balances())["platform.return_postage"] == -1_200


async def test_what_cannot_be_is_refused_and_tells_the_ledger_nothing(shop: Shop) -> None:
    with pytest.raises(Conflict, match="wrong_currency"):
        await shop.refund(1, currency="USD")
    with pytest.raises(NotFound):
        await shop.after.received(OrderId("unknown"), 1)
    assert (await SqlLedgerQueue(shop.engine).status()).pending == 1


async def test_a_settler_ends_when_it_is_cancelled_and_outlives_an_outage() -> None:
    tried = asyncio.Event()

    class Away:
        async def settle_due(self, now_ms: int, count: int) -> int:
            tried.set()
            raise Unavailable("sql_away")

    running = asyncio.create_task(Settler(Away(), Clock()).run())
    await tried.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
