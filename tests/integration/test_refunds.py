"""Refunds of confirmed orders: never more than was paid, given once, booked once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.adapters.payment_sandbox import SandboxProvider
from livecommerce.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable
from livecommerce.gateway.sandbox.refunds import RefundFault
from livecommerce.ids import OrderId, PersonId
from livecommerce.orders import Capture
from livecommerce.payment import RefundStanding
from tests.aftersales import BUYER, BackOffice, confirm, open_books, two_lines
from tests.orders import an_order
from tests.sandbox import SECRET
from tests.servers import free_port


@pytest.fixture
async def office(database: AsyncEngine, tmp_path: Path) -> AsyncIterator[BackOffice]:
    office = BackOffice(database, tmp_path / "sandbox.sqlite")
    await office.seed()
    yield office
    await office.close()


async def paid_with(office: BackOffice, order: OrderId, fault: RefundFault) -> None:
    """The order's next refund will misbehave."""
    await office.world.refund_misbehaves((await office.record(order)).order.charge.attempt, fault)


async def test_a_partial_refund_goes_back_and_is_booked(office: BackOffice, tmp_path: Path) -> None:
    order = await office.sold()
    refund = await office.refund(order, amount_minor=1_000, reason="scratched")
    assert (refund.state, await office.axes(order)) == ("requested", ("confirmed", "full", "unfulfilled"))
    await office.work()
    assert await office.axes(order) == ("confirmed", "partially_refunded", "unfulfilled")
    assert await office.given_back() == [1_000]
    books = await open_books(tmp_path)
    balances = await office.book(books)
    # marketing 1000 × 1000 ÷ 8500 goes back with the refund: the platform funded that part of the price
    assert (balances["provider.receivable:sandbox"], balances["platform.marketing"]) == (-7_500, -883)
    await books.aclose()


async def test_all_of_it_in_parts_leaves_zero_on_every_account(office: BackOffice, tmp_path: Path) -> None:
    order = await office.sold(*two_lines())
    await office.refund(order, lines=[{"line": 1, "qty": 1}])
    await office.refund(order, amount_minor=777)
    await office.refund(order)
    await office.work()
    assert sum(await office.given_back()) == 13_000
    assert await office.axes(order) == ("canceled", "refunded", "unfulfilled")
    books = await open_books(tmp_path)
    assert await office.book(books) == {}
    await books.aclose()


async def test_units_of_a_line_are_worth_what_is_left_of_it(office: BackOffice) -> None:
    order = await office.sold(*two_lines())
    amounts = [(await office.refund(order, lines=[{"line": 1, "qty": 1}])).amount_minor for _ in range(3)]
    assert amounts == [2_666, 2_667, 2_667]
    with pytest.raises(Conflict, match="too_many_units"):
        await office.refund(order, lines=[{"line": 1, "qty": 1}])


async def test_more_than_was_paid_cannot_be_asked_for_even_at_once(office: BackOffice) -> None:
    order = await office.sold()
    answers = await asyncio.gather(
        *(office.refund(order, amount_minor=3_000) for _ in range(4)), return_exceptions=True
    )
    assert sorted(str(answer) for answer in answers if isinstance(answer, Exception)) == [
        "refund_too_large",
        "refund_too_large",
    ]
    await office.work()
    assert await office.given_back() == [3_000, 3_000]


async def test_a_repeated_wish_is_the_same_refund_and_another_with_its_key_is_refused(
    office: BackOffice,
) -> None:
    order = await office.sold()
    answers = await asyncio.gather(*(office.refund(order, "k", amount_minor=500) for _ in range(3)))
    assert len({answer.refund for answer in answers}) == 1
    with pytest.raises(Conflict, match="key_reused"):
        await office.refund(order, "k", amount_minor=501)
    await office.work()
    assert (await office.refund(order, "k", amount_minor=500)).state == "done"
    assert await office.given_back() == [500]


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"amount_minor": 8_501}, "refund_too_large"),
        ({"lines": [{"line": 1, "amount_minor": 8_501}]}, "refund_too_large"),
        ({"lines": [{"line": 1, "qty": 2}]}, "too_many_units"),
        ({"lines": [{"line": 1}]}, "nothing_to_refund"),
        ({"lines": [{"line": 7, "qty": 1}]}, "bad_lines"),
        ({"lines": [{"line": 1, "qty": 1}, {"line": 1, "amount_minor": 1}]}, "bad_lines"),
        ({"lines": [{"line": 1, "qty": 1}], "amount_minor": 1}, "bad_lines"),
    ],
)
async def test_what_cannot_be_is_refused(office: BackOffice, wish: dict[str, Any], code: str) -> None:
    order = await office.sold()
    with pytest.raises((Conflict, Invalid), match=code):
        await office.refund(order, **wish)
    assert (await office.record(order)).refunds == ()


async def test_a_slow_refund_is_looked_up_until_it_is_done(office: BackOffice) -> None:
    order = await office.sold()
    await paid_with(office, order, RefundFault.LOST)
    await office.refund(order, amount_minor=1_000)
    await office.watch.step()
    assert await office.refund_states(order) == ["sent"]
    await office.work()
    assert await office.refund_states(order) == ["done"]
    assert await office.letters() == 1


async def test_a_callback_tells_before_anybody_asks_and_twice_is_once(office: BackOffice) -> None:
    order = await office.sold()
    await paid_with(office, order, RefundFault.DUPLICATE)
    await office.refund(order, amount_minor=1_000)
    await office.watch.step()
    for _ in range(2):
        await office.world.refund_callbacks.get()
    await office.work()
    assert await office.refund_states(order) == ["done"]
    assert (await office.record(order)).refunded_minor == 1_000
    assert await office.letters() == 1


async def test_what_the_provider_refuses_can_be_asked_for_again(office: BackOffice) -> None:
    order = await office.sold()
    await paid_with(office, order, RefundFault.FAILED)
    await office.refund(order)
    await office.work()
    assert await office.refund_states(order) == ["failed"]
    assert (await office.record(order)).refunds[0].error == "account_closed"
    assert await office.axes(order) == ("confirmed", "full", "unfulfilled")
    await office.refund(order)
    await office.work()
    assert await office.refund_states(order) == ["failed", "done"]
    assert await office.given_back() == [8_500]


async def test_a_refund_that_the_provider_pays_after_all_counts(office: BackOffice) -> None:
    order = await office.sold()
    await paid_with(office, order, RefundFault.FAILED)
    refund = await office.refund(order, amount_minor=1_000)
    await office.work()
    await office.refunds.done(refund.refund, "by-hand", office.clock())
    assert await office.axes(order) == ("confirmed", "partially_refunded", "unfulfilled")


async def test_but_not_where_its_money_was_asked_for_again(office: BackOffice) -> None:
    order = await office.sold()
    await paid_with(office, order, RefundFault.FAILED)
    refund = await office.refund(order)
    await office.work()
    await office.refund(order)
    with pytest.raises(Conflict, match="refund_too_large"):
        await office.refunds.done(refund.refund, "by-hand", office.clock())
    await office.work()
    assert await office.refund_states(order) == ["failed", "done"]


async def test_a_provider_that_is_away_is_asked_again_with_the_same_id(office: BackOffice) -> None:
    order = await office.sold()
    await office.refund(order, amount_minor=1_000)
    async with httpx.AsyncClient() as http:
        office.at(SandboxProvider(http, f"http://127.0.0.1:{free_port()}", "", SECRET))
        assert await office.watch.step() == 1
        assert await office.watch.step() == 0  # leased
    assert await office.refund_states(order) == ["requested"]
    office.at(office.world.provider)
    office.ahead(300_000)
    await office.work()
    assert await office.given_back() == [1_000]


class Deaf(SandboxProvider):
    """A provider whose answers to refunds are lost, though they land."""

    async def refund(
        self, payment: str, refund: str, amount_minor: int, currency: str, reason: str
    ) -> RefundStanding:
        await super().refund(payment, refund, amount_minor, currency, reason)
        raise Unavailable("payment_unavailable")


async def test_a_refund_whose_answer_was_lost_is_given_once(office: BackOffice) -> None:
    order = await office.sold()
    await paid_with(office, order, RefundFault.LOST)
    await office.refund(order, amount_minor=1_000)
    office.at(Deaf(office.world.http, "http://sandbox.test/sandbox", "", SECRET))
    await office.watch.step()
    office.at(office.world.provider)
    office.ahead(300_000)
    await office.work()
    assert (await office.given_back(), await office.letters()) == ([1_000], 1)


@pytest.mark.parametrize(
    ("mistake", "error"),
    [
        ({"merchant": "somebody-else"}, Forbidden),
        ({"amount_minor": 999}, Invalid),
        ({"currency": "USD"}, Invalid),
        ({"payment": "another"}, Invalid),
        ({"refund": "unknown"}, NotFound),
    ],
)
async def test_a_callback_about_other_money_changes_nothing(
    office: BackOffice, mistake: dict[str, str | int], error: type[Exception]
) -> None:
    order = await office.sold()
    refund = await office.refund(order, amount_minor=1_000)
    word = RefundStanding(
        refund=refund.refund,
        payment=(await office.record(order)).order.charge.attempt,
        state="done",
        merchant=office.world.provider.merchant,
        amount_minor=1_000,
        currency="CNY",
        provider_refund="p",
    )
    with pytest.raises(error):
        await office.refund_desk.hear_refund(replace(word, **mistake))
    assert await office.refund_states(order) == ["requested"]
    await office.refund_desk.hear_refund(word)
    assert await office.refund_states(order) == ["done"]


async def test_workers_at_once_give_it_once(office: BackOffice) -> None:
    order = await office.sold()
    await office.refund(order, amount_minor=1_000)
    assert sum(await asyncio.gather(*(office.watch.step() for _ in range(4)))) == 1
    assert await office.given_back() == [1_000]


async def test_a_buyer_cancels_what_was_not_shipped_and_has_the_money_back(office: BackOffice) -> None:
    order = await office.sold(*two_lines())
    await office.refund(order, amount_minor=1_000)
    refunds = await asyncio.gather(*(office.refunds.cancel(order, BUYER, office.clock()) for _ in range(2)))
    assert {(refund.amount_minor, refund.cause) for refund in refunds} == {(12_000, "cancel")}
    assert await office.axes(order) == ("canceled", "full", "unfulfilled")
    with pytest.raises(Conflict, match="order_not_open"):
        await office.ship(order)
    await office.work()
    assert await office.axes(order) == ("canceled", "refunded", "unfulfilled")


async def test_what_is_on_its_way_is_not_cancelled(office: BackOffice) -> None:
    order = await office.sold()
    with pytest.raises(NotFound):
        await office.refunds.cancel(order, PersonId("somebody-else"), office.clock())
    await office.ship(order)
    with pytest.raises(Conflict, match="already_shipped"):
        await office.refunds.cancel(order, BUYER, office.clock())


async def test_units_go_back_in_stock_only_where_the_merchant_says_so(office: BackOffice) -> None:
    order = await office.sold(*two_lines())
    await office.refund(order, lines=[{"line": 1, "qty": 1}])
    await office.refund(order, lines=[{"line": 1, "qty": 2}], restock=True)
    await office.work()
    assert await office.on_hand() == [2, 0, 0]


async def test_an_order_whose_payment_is_not_known_by_our_id_is_not_refundable(office: BackOffice) -> None:
    charge = Capture(provider="sandbox", payment="t", captured_minor=8_500, captured_ms=1)
    await confirm(office.engine, replace(an_order(order="old"), charge=charge))
    with pytest.raises(Conflict, match="not_refundable"):
        await office.refund(OrderId("old"))
