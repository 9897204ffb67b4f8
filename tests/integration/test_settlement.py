"""Settlement: from SQL to the books, when nothing can come back any more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.adapters.sql_ledger_queue import SqlLedgerQueue
from livecommerce.adapters.sql_settlement import SqlSettlement
from livecommerce.errors import Conflict, NotFound, Unavailable
from livecommerce.ids import OrderId
from livecommerce.ledger.backend import LedgerBackend
from livecommerce.ledger.facts import ReturnPostage
from livecommerce.worker.settlement import Settler
from tests.aftersales import BUYER, DAY_MS, BackOffice, open_books
from tests.integration.test_relay import Clock


@pytest.fixture
async def office(database: AsyncEngine, tmp_path: Path) -> AsyncIterator[BackOffice]:
    office = BackOffice(database, tmp_path / "sandbox.sqlite")
    await office.seed()
    yield office
    await office.close()


@pytest.fixture
async def books(tmp_path: Path) -> AsyncIterator[LedgerBackend]:
    ledger = await open_books(tmp_path)
    yield ledger
    await ledger.aclose()


async def test_an_order_settles_when_its_return_window_is_over(
    office: BackOffice, books: LedgerBackend
) -> None:
    order = await office.delivered()
    office.ahead(7 * DAY_MS - 60_000)
    assert await office.settler.step() == 0
    office.ahead(60_000)
    assert [await office.settler.step(), await office.settler.step()] == [1, 0]
    assert await office.axes(order) == ("completed", "full", "received")
    balances = await office.book(books)
    assert balances["creator.available:creator"] == 1900
    assert balances["platform.commission.revenue"] == 475
    assert not [account for account in balances if "pending" in account or "deferred" in account]


async def test_an_order_that_was_not_received_does_not_settle(office: BackOffice) -> None:
    await office.ship(await office.sold())
    office.ahead(1_000 * DAY_MS)
    assert await office.settler.step() == 0


async def test_an_open_refund_holds_settlement_up_until_it_has_ended(office: BackOffice) -> None:
    order = await office.delivered()
    await office.refund(order, amount_minor=1_000)
    office.ahead(7 * DAY_MS)
    assert await office.settler.step() == 0
    await office.work()
    assert await office.settler.step() == 1


async def test_an_open_return_holds_settlement_up_until_it_has_ended(office: BackOffice) -> None:
    order = await office.delivered()
    back = await office.ask_back(order)
    office.ahead(7 * DAY_MS)
    assert await office.settler.step() == 0
    await office.returns.withdraw(order, BUYER, back.return_id, office.clock())
    assert await office.settler.step() == 1


async def test_a_refund_after_settlement_is_clawed_back(office: BackOffice, books: LedgerBackend) -> None:
    order = await office.delivered()
    office.ahead(7 * DAY_MS)
    await office.settler.step()
    assert await office.book(books) != {}
    await office.refund(order, amount_minor=1_234)
    await office.refund(order)
    await office.work()
    assert await office.book(books) == {}
    assert await office.axes(order) == ("completed", "refunded", "received")


async def test_workers_at_once_settle_an_order_once(office: BackOffice) -> None:
    await office.delivered()
    office.ahead(7 * DAY_MS)
    assert sum(await asyncio.gather(*(office.settler.step() for _ in range(4)))) == 1
    assert await office.letters("order.settled") == 1


async def test_return_postage_is_booked_once_on_whoever_bears_it(
    office: BackOffice, books: LedgerBackend
) -> None:
    order, settlement = await office.sold(), SqlSettlement(office.engine)
    postage = ReturnPostage(
        order=order, parcel="p", amount_minor=1_200, currency="CNY", bearer="platform", at_ms=1
    )
    assert [await settlement.postage_returned(postage) for _ in range(2)] == [True, False]
    assert (await office.book(books))["platform.return_postage"] == -1_200


async def test_what_cannot_be_is_refused_and_tells_the_ledger_nothing(office: BackOffice) -> None:
    order = await office.sold()
    with pytest.raises(Conflict, match="not_shipped"):
        await office.receive(order)
    with pytest.raises(NotFound):
        await office.receive(OrderId("unknown"))
    assert (await SqlLedgerQueue(office.engine).status()).pending == 1


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
