"""What becomes of captured money, on the real server."""

from __future__ import annotations

import pytest
from msgspec import json

from livecommerce.adapters.redis_connection import Connection, tag
from livecommerce.checkout import Held
from livecommerce.errors import Conflict, NotFound
from livecommerce.ids import OrderId, PersonId, SaleId
from livecommerce.ledger.facts import UnappliedCapture, read_fact
from livecommerce.payment import Standing
from tests.selling import CURRENCY, PRICE, SHARD, Shop


@pytest.fixture
async def shop(anywhere: Connection) -> Shop:
    shop = Shop(anywhere)
    await shop.open_room()
    return shop


async def paying(shop: Shop, sale: SaleId, buyer: str = "ann", **changes: str | int) -> tuple[Held, str]:
    held = await shop.buy(sale, buyer, **changes)
    return held, await shop.begin_payment(held, buyer)


async def refunds(shop: Shop) -> list[tuple[str, str]]:
    return [(due.payment, due.reason) for due in await shop.payments.due_refunds(SHARD, 100)]


async def test_asking_twice_to_pay_continues_the_same_payment(shop: Shop) -> None:
    held, payment = await paying(shop, await shop.open_sale(1))
    assert await shop.begin_payment(held, "ann") == payment


async def test_the_pay_address_is_kept_and_shown(shop: Shop) -> None:
    held, payment = await paying(shop, await shop.open_sale(1))
    url = 'http://pay.example/"quoted"'
    await shop.payments.keep_url(OrderId(held.order.order), payment, url)
    order = await shop.orders.find(OrderId(held.order.order))
    assert order is not None
    assert order.card.pay_url == url


async def test_nobody_pays_the_order_of_somebody_else(shop: Shop) -> None:
    held = await shop.buy(await shop.open_sale(1), "ann")
    with pytest.raises(NotFound, match="order_not_found"):
        await shop.begin_payment(held, "bob")


async def test_a_hold_that_ran_out_cannot_be_paid(shop: Shop) -> None:
    held = await shop.buy(await shop.open_sale(1), "ann")
    await shop.overdue(held.order.order)
    with pytest.raises(Conflict, match="order_over"):
        await shop.begin_payment(held, "ann")


async def test_a_capture_sells_the_units_once_however_often_it_is_told(shop: Shop) -> None:
    sale = await shop.open_sale(1)
    held, payment = await paying(shop, sale)
    assert [await shop.capture(payment) for _ in range(3)] == ["applied"] * 3
    assert await shop.state_of(held.order.order) == "sold"
    assert len(await shop.told("order.confirmed")) == 1
    await shop.assert_lawful(sale)


async def test_a_failed_payment_leaves_the_hold_for_another_try(shop: Shop) -> None:
    sale = await shop.open_sale(1)
    held, first = await paying(shop, sale)
    await shop.payments.failed(first)
    assert await shop.state_of(held.order.order) == "held"
    second = await shop.begin_payment(held, "ann")
    assert second != first
    assert await shop.capture(second) == "applied"
    await shop.assert_lawful(sale)


async def test_a_second_capture_of_a_sold_order_goes_back(shop: Shop) -> None:
    held, first = await paying(shop, await shop.open_sale(1))
    await shop.payments.failed(first)
    second = await shop.begin_payment(held, "ann")
    assert await shop.capture(second) == "applied"
    assert await shop.capture(first) == "refund_due"
    assert await refunds(shop) == [(first, "paid_twice")]


async def test_a_capture_while_closing_counts_as_paid(shop: Shop) -> None:
    sale = await shop.open_sale(1)
    held, payment = await paying(shop, sale)
    await shop.overdue(held.order.order)
    assert len((await shop.orders.sweep(SHARD, 100)).closing) == 1
    assert await shop.capture(payment) == "applied"
    assert await shop.state_of(held.order.order) == "sold"
    await shop.assert_lawful(sale)


async def test_a_capture_after_expiry_takes_the_unit_again_if_it_is_free(shop: Shop) -> None:
    sale = await shop.open_sale(1)
    held, payment = await paying(shop, sale)
    await shop.expire(held)
    assert await shop.capture(payment) == "applied"
    assert await shop.state_of(held.order.order) == "sold"
    await shop.assert_lawful(sale)


async def test_a_capture_after_expiry_goes_back_if_the_unit_is_taken(shop: Shop) -> None:
    sale = await shop.open_sale(1)
    held, payment = await paying(shop, sale)
    await shop.expire(held)
    await shop.buy(sale, "bob")
    assert await shop.capture(payment) == "refund_due"
    assert await refunds(shop) == [(payment, "too_late")]
    await shop.assert_lawful(sale)


async def test_a_capture_after_expiry_goes_back_if_the_buyer_has_another(shop: Shop) -> None:
    sale = await shop.open_sale(5, limit=1)
    held, payment = await paying(shop, sale)
    await shop.expire(held)
    await shop.buy(sale, "ann")
    assert await shop.capture(payment) == "refund_due"
    await shop.assert_lawful(sale)


async def test_a_capture_after_expiry_goes_back_if_the_coupon_is_used_elsewhere(shop: Shop) -> None:
    await shop.fund(1_000)
    sale = await shop.open_sale(5, limit=5)
    grant = (await shop.claim(await shop.drop(1), "ann")).grant
    held, payment = await paying(shop, sale, grant=grant)
    await shop.expire(held)
    await shop.buy(sale, "ann", grant=grant)
    assert await shop.capture(payment, PRICE - 1_000) == "refund_due"
    await shop.assert_lawful(sale)
    assert (await shop.coupons.audit(shop.room, shop.campaign)).violations() == []


async def test_a_capture_after_expiry_spends_the_coupon_that_came_back(shop: Shop) -> None:
    await shop.fund(1_000)
    sale = await shop.open_sale(5)
    grant = (await shop.claim(await shop.drop(1), "ann")).grant
    held, payment = await paying(shop, sale, grant=grant)
    await shop.expire(held)
    assert await shop.capture(payment, PRICE - 1_000) == "applied"
    audit = await shop.coupons.audit(shop.room, shop.campaign)
    assert (audit.spent, audit.violations()) == (1_000, [])


async def test_a_capture_after_the_stock_went_back_to_the_shop_goes_back_too(shop: Shop) -> None:
    sale = await shop.open_sale(1)
    held, payment = await paying(shop, sale)
    await shop.expire(held)
    await shop.inventory.close_sale(sale, 1)
    assert await shop.capture(payment) == "refund_due"
    await shop.assert_lawful(sale)


async def test_a_capture_of_another_amount_goes_back(shop: Shop) -> None:
    sale = await shop.open_sale(1)
    _, payment = await paying(shop, sale)
    assert await shop.capture(payment, PRICE - 1) == "refund_due"
    assert await refunds(shop) == [(payment, "wrong_amount")]
    await shop.assert_lawful(sale)


async def test_a_capture_whose_order_is_long_gone_goes_back(shop: Shop) -> None:
    held, payment = await paying(shop, await shop.open_sale(1))
    await shop.expire(held)
    await shop.redis.delete(f"{tag(SHARD)}:order:{held.order.order}")
    assert await shop.capture(payment) == "refund_due"
    assert await refunds(shop) == [(payment, "order_gone")]


async def test_a_refund_is_due_again_until_it_has_happened_and_is_told_once(shop: Shop) -> None:
    held, payment = await paying(shop, await shop.open_sale(1))
    await shop.expire(held)
    await shop.buy(SaleId(held.order.sale), "bob")
    await shop.capture(payment)
    assert len(await refunds(shop)) == 1
    assert await refunds(shop) == []  # leased
    await shop.redis.zadd(f"{tag(SHARD)}:refunds", {payment: 0})
    assert len(await refunds(shop)) == 1
    for _ in range(2):
        await shop.payments.refunded(payment, "r-1")
    told = [
        (record.type, read_fact(record.type, json.decode(record.data)))
        for record in await shop.told("payment.")
    ]
    assert [kind for kind, _ in told] == ["payment.refund_due", "payment.refunded"]
    assert isinstance(told[0][1], UnappliedCapture)
    assert (told[0][1].provider, told[0][1].transaction) == ("sandbox", f"t-{payment}")
    assert await shop.capture(payment) == "refunded"


async def test_an_open_payment_is_looked_at_again_and_again(shop: Shop) -> None:
    _, payment = await paying(shop, await shop.open_sale(1))
    assert await shop.payments.due(SHARD, 100) == []
    for _ in range(2):
        await shop.redis.zadd(f"{tag(SHARD)}:polls", {payment: 0})
        assert await shop.payments.due(SHARD, 100) == [payment]
        assert await shop.payments.due(SHARD, 100) == []


async def test_a_decided_payment_is_not_looked_at_again(shop: Shop) -> None:
    _, payment = await paying(shop, await shop.open_sale(1))
    await shop.capture(payment)
    assert await shop.redis.zcard(f"{tag(SHARD)}:polls") == 0


async def test_cancelling_while_paying_asks_the_provider_first(shop: Shop) -> None:
    sale = await shop.open_sale(1)
    held, payment = await paying(shop, sale)
    card = await shop.orders.cancel(OrderId(held.order.order), PersonId("ann"))
    assert card.state == "closing"
    (closing,) = (await shop.orders.sweep(SHARD, 100)).closing
    assert closing.payment == payment
    await shop.payments.closed(payment)
    assert (await shop.orders.release(OrderId(closing.order), closing.v)).state == "released"
    await shop.assert_lawful(sale)


async def test_an_unknown_payment_is_not_found(shop: Shop) -> None:
    with pytest.raises(NotFound, match="payment_not_found"):
        await shop.capture(f"{SHARD}nothing")
    assert await shop.payments.find(f"{SHARD}nothing") is None


async def test_a_payment_is_found_with_what_was_asked_for(shop: Shop) -> None:
    held, payment = await paying(shop, await shop.open_sale(1))
    found = await shop.payments.find(payment)
    assert found is not None
    assert (found.order, found.state) == (held.order.order, "created")
    assert (found.amount_minor, found.currency) == (PRICE, CURRENCY)


async def test_a_capture_without_a_transaction_is_decided_once_too(shop: Shop) -> None:
    sale = await shop.open_sale(1)
    held = await shop.buy(sale, "ann")
    standing = Standing(
        payment=await shop.begin_payment(held, "ann"),
        state="captured",
        amount_minor=PRICE,
        currency=CURRENCY,
    )
    assert [await shop.payments.captured(standing, "sandbox") for _ in range(2)] == ["applied", "applied"]
    assert await shop.payments.due_refunds(SHARD, 9) == []
    assert await shop.state_of(held.order.order) == "sold"
