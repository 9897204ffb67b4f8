"""Returns: within the window, of what the buyer has, step by step, and paid once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.errors import Conflict, Invalid, NotFound
from livecommerce.gateway.sandbox.refunds import RefundFault
from livecommerce.ids import PersonId
from tests.aftersales import BUYER, DAY_MS, MERCHANT, BackOffice, confirm, open_books, two_lines, units
from tests.orders import TERMS, an_order


@pytest.fixture
async def office(database: AsyncEngine, tmp_path: Path) -> AsyncIterator[BackOffice]:
    office = BackOffice(database, tmp_path / "sandbox.sqlite")
    await office.seed()
    yield office
    await office.close()


async def test_a_return_goes_from_the_wish_to_the_money(office: BackOffice, tmp_path: Path) -> None:
    order = await office.delivered(*two_lines())
    back = await office.ask_back(order, units(1, 2))
    assert back.state == "requested"
    await office.returns.approve(order, back.return_id, "send it to us", MERCHANT, office.clock())
    await office.returns.send_back(order, BUYER, back.return_id, "SF", "B1", office.clock())
    await office.returns.receive(order, back.return_id, MERCHANT, office.clock())
    refund = await office.pay_return(order, back, restock=True)
    assert (refund.amount_minor, refund.cause) == (5_333, "return")
    await office.work()
    (done,) = (await office.record(order)).returns
    assert (done.state, done.answer, done.tracking) == ("refunded", "send it to us", "B1")
    assert await office.axes(order) == ("confirmed", "partially_refunded", "received")
    assert await office.on_hand() == [2, 0, 0]
    books = await open_books(tmp_path)
    assert (await office.book(books))["provider.receivable:sandbox"] == -(13_000 - 5_333)
    await books.aclose()


async def test_everything_sent_back_makes_the_order_returned(office: BackOffice) -> None:
    order = await office.delivered(*two_lines())
    for line, qty in ((1, 3), (2, 1)):
        back = await office.ask_back(order, units(line, qty))
        await office.take_back(order, back)
        await office.pay_return(order, back)
    await office.work()
    assert await office.axes(order) == ("confirmed", "refunded", "returned")
    office.ahead(7 * DAY_MS)
    assert await office.settler.step() == 1
    assert (await office.axes(order))[0] == "completed"


async def test_goods_may_come_back_before_anybody_said_that_they_arrived(office: BackOffice) -> None:
    order = await office.sold()
    await office.ship(order)
    back = await office.ask_back(order)
    await office.take_back(order, back)
    await office.pay_return(order, back, amount_minor=8_000)
    await office.work()
    record = await office.record(order)
    assert await office.axes(order) == ("confirmed", "partially_refunded", "returned")
    assert record.received_ms == record.returns[0].received_ms
    office.ahead(7 * DAY_MS)
    assert await office.settler.step() == 1


async def test_after_the_window_nothing_is_returned(office: BackOffice) -> None:
    order = await office.delivered()
    office.ahead(7 * DAY_MS + 1_000)
    with pytest.raises(Conflict, match="return_window_over"):
        await office.ask_back(order)
    await office.settler.step()
    with pytest.raises(Conflict, match="return_window_over"):
        await office.ask_back(order)


async def test_goods_without_a_right_of_return_are_not_returned(office: BackOffice) -> None:
    final = an_order(order="final", terms=replace(TERMS, return_window_days=0))
    await confirm(office.engine, final)
    await office.ship(final.order)  # type: ignore[arg-type]
    with pytest.raises(Conflict, match="return_window_over"):
        await office.ask_back(final.order)  # type: ignore[arg-type]


async def test_what_was_never_shipped_is_not_returned(office: BackOffice) -> None:
    order = await office.sold(*two_lines())
    with pytest.raises(Conflict, match="nothing_to_return"):
        await office.ask_back(order)
    await office.ship(order, units(2, 1))
    with pytest.raises(Conflict, match="too_many_units"):
        await office.ask_back(order, units(1, 1))


async def test_no_unit_is_returned_twice_even_at_once(office: BackOffice) -> None:
    order = await office.delivered(*two_lines())
    answers = await asyncio.gather(
        *(office.ask_back(order, units(1, 2)) for _ in range(3)), return_exceptions=True
    )
    assert [str(answer) for answer in answers if isinstance(answer, Exception)] == ["too_many_units"] * 2


async def test_the_same_wish_is_the_same_return(office: BackOffice) -> None:
    order = await office.delivered()
    answers = await asyncio.gather(*(office.ask_back(order, key="k") for _ in range(3)))
    assert len({answer.return_id for answer in answers}) == 1
    with pytest.raises(Conflict, match="key_reused"):
        await office.ask_back(order, units(1, 2), key="k")


async def test_a_declined_return_leaves_the_goods_with_the_buyer_who_may_ask_again(
    office: BackOffice,
) -> None:
    order = await office.delivered()
    back = await office.ask_back(order)
    for _ in range(2):
        await office.returns.decline(order, back.return_id, "worn", MERCHANT, office.clock())
    with pytest.raises(Conflict, match="wrong_state"):
        await office.returns.approve(order, back.return_id, "", MERCHANT, office.clock())
    assert (await office.ask_back(order)).state == "requested"


async def test_a_return_is_paid_only_when_the_goods_are_there_and_only_once(office: BackOffice) -> None:
    order = await office.delivered()
    back = await office.ask_back(order)
    with pytest.raises(Conflict, match="wrong_state"):
        await office.pay_return(order, back)
    await office.take_back(order, back)
    with pytest.raises(Conflict, match="refund_too_large"):
        await office.pay_return(order, back, amount_minor=8_501)
    answers = await asyncio.gather(
        *(office.pay_return(order, back) for _ in range(3)), return_exceptions=True
    )
    assert [str(answer) for answer in answers if isinstance(answer, Exception)] == ["wrong_state"] * 2
    await office.work()
    assert await office.given_back() == [8_500]


async def test_a_return_whose_refund_was_refused_can_be_paid_again(office: BackOffice) -> None:
    order = await office.delivered()
    back = await office.ask_back(order)
    await office.take_back(order, back)
    payment = (await office.record(order)).order.charge.attempt
    await office.world.refund_misbehaves(payment, RefundFault.FAILED)
    await office.pay_return(order, back)
    await office.work()
    assert (await office.record(order)).returns[0].state == "received"
    await office.pay_return(order, back)
    await office.work()
    assert (await office.record(order)).returns[0].state == "refunded"
    assert await office.given_back() == [8_500]


async def test_only_the_buyer_asks_and_withdraws(office: BackOffice) -> None:
    order = await office.delivered()
    back = await office.ask_back(order)
    stranger = PersonId("somebody-else")
    with pytest.raises(NotFound):
        await office.returns.withdraw(order, stranger, back.return_id, office.clock())
    with pytest.raises(NotFound):
        await office.returns.approve(order, "unknown", "", MERCHANT, office.clock())
    await office.returns.withdraw(order, BUYER, back.return_id, office.clock())
    assert (await office.record(order)).returns[0].state == "canceled"


async def test_stock_comes_back_by_an_explicit_choice_once(office: BackOffice) -> None:
    order = await office.delivered(*two_lines())
    back = await office.ask_back(order, units(1, 1))
    await office.take_back(order, back)
    await office.pay_return(order, back)
    await office.work()
    assert await office.on_hand() == [0, 0, 0]
    await office.restock(order, units(1, 1))
    with pytest.raises(Conflict, match="too_many_units"):
        await office.restock(order, units(1, 1), key="again")
    assert await office.on_hand() == [1, 0, 0]


async def test_two_tabs_that_restock_the_same_restock_once(office: BackOffice) -> None:
    order = await office.delivered(*two_lines())
    back = await office.ask_back(order, units(1, 2))
    await office.take_back(order, back)
    await office.pay_return(order, back)
    await office.work()
    await asyncio.gather(*(office.restock(order, units(1, 1)) for _ in range(2)))
    assert await office.on_hand() == [1, 0, 0]
    with pytest.raises(Conflict, match="key_reused"):
        await office.restock(order, units(1, 2))
    await office.restock(order, units(1, 1), key="the other one")
    assert await office.on_hand() == [2, 0, 0]


async def test_an_unknown_line_cannot_be_returned(office: BackOffice) -> None:
    order = await office.delivered()
    with pytest.raises(Invalid, match="bad_lines"):
        await office.ask_back(order, units(9, 1))
