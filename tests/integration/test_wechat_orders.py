"""An order that is paid at WeChat Pay: from the code to the sale, and back where it came too late."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from livecommerce.adapters.redis_connection import Connection
from livecommerce.checkout import Held
from livecommerce.clock import now_ms
from livecommerce.ids import OrderId, PersonId
from livecommerce.orders import ConfirmedOrder
from livecommerce.payment import Cashier
from livecommerce.worker.expiry import Expiry
from livecommerce.worker.payments import PaymentWatch
from tests.selling import CURRENCY, SHARD
from tests.till import Till
from tests.wechat import WechatWorld


class WechatTill(Till):
    """A shop whose buyers pay at WeChat."""

    def __init__(self, redis: Connection, path: Path) -> None:
        super().__init__(redis, path)
        self.wechat = WechatWorld()
        self.cashier = Cashier(self.payments, self.wechat.provider, self.wechat.clock)
        self.expiry = Expiry(self.orders, self.coupons, self.cashier, [SHARD])
        self.watch = PaymentWatch(self.payments, self.cashier, [SHARD])

    async def code(self, held: Held, buyer: str) -> str:
        """The buyer sees the code; answers the payment's id."""
        back = "http://merchant.test/orders/1"
        order = OrderId(held.order.order)
        address = await self.cashier.pay(order, PersonId(buyer), CURRENCY, "雨伞", back)
        assert address.startswith("http://merchant.test/pay/wechat#code_url=")
        (payment,) = self.wechat.server.orders
        return payment

    async def hear(self, payment: str) -> None:
        """WeChat tells that the buyer has paid."""
        body = self.wechat.keys.notice(self.wechat.server.transaction(payment))
        await self.cashier.hear(self.wechat.keys.signed(body, now_ms()), body)

    async def hear_refund(self, refund: str) -> None:
        """WeChat tells how a refund has ended."""
        body = self.wechat.keys.notice(self.wechat.server.refund_notice(refund), "REFUND.SUCCESS")
        await self.cashier.hear(self.wechat.keys.signed(body, now_ms()), body)


@pytest.fixture
async def till(redis: Connection, tmp_path: Path) -> AsyncIterator[WechatTill]:
    till = WechatTill(redis, tmp_path / "sandbox.sqlite")
    await till.open_room()
    yield till
    await till.wechat.close()
    await till.close()


async def test_a_paid_code_sells_once_however_often_wechat_tells(till: WechatTill) -> None:
    held = await till.buy(await till.open_sale(1), "ann")
    payment = await till.code(held, "ann")
    till.wechat.server.capture(payment)
    await till.hear(payment)
    await till.hear(payment)
    assert await till.state_of(held.order.order) == "sold"
    (confirmed,) = await till.told("order.confirmed")
    charge = msgspec.json.decode(confirmed.data, type=ConfirmedOrder).charge
    transaction = till.wechat.server.orders[payment]["transaction_id"]
    assert (charge.provider, charge.payment) == ("wechat", transaction)


async def test_a_lost_callback_of_wechat_is_found_by_asking(till: WechatTill) -> None:
    held = await till.buy(await till.open_sale(1), "ann")
    till.wechat.server.capture(await till.code(held, "ann"))
    await till.polls_are_due()
    await till.work()
    assert await till.state_of(held.order.order) == "sold"


async def test_a_code_that_nobody_scans_is_closed_at_wechat_before_the_unit_is_free(till: WechatTill) -> None:
    sale = await till.open_sale(1)
    held = await till.buy(sale, "ann")
    payment = await till.code(held, "ann")
    await till.overdue(held.order.order)
    await till.work()
    assert till.wechat.server.orders[payment]["trade_state"] == "CLOSED"
    assert await till.state_of(held.order.order) == "expired"
    await till.assert_lawful(sale)


async def test_money_that_comes_for_a_lost_unit_goes_back_through_wechat(till: WechatTill) -> None:
    sale = await till.open_sale(1)
    held = await till.buy(sale, "ann")
    payment = await till.code(held, "ann")
    await till.overdue(held.order.order)
    await till.work()
    await till.buy(sale, "bob")
    till.wechat.server.capture(payment)  # it slipped through at the provider
    await till.hear(payment)
    await till.lease_runs_out()
    await till.work()
    assert await till.outcome(payment) == "refund_due"  # WeChat has taken it on, and may still refuse it
    ((refund, given),) = till.wechat.server.refunds.items()
    given["status"] = "SUCCESS"
    await till.hear_refund(refund)
    await till.hear_refund(refund)
    assert await till.outcome(payment) == "refunded"
    assert given["amount"]["refund"] == held.order.total_minor


async def test_a_refund_that_wechat_cannot_pay_out_stays_due(till: WechatTill) -> None:
    sale = await till.open_sale(1)
    held = await till.buy(sale, "ann")
    payment = await till.code(held, "ann")
    await till.overdue(held.order.order)
    await till.work()
    await till.buy(sale, "bob")
    till.wechat.server.capture(payment)
    await till.hear(payment)
    await till.lease_runs_out()
    await till.work()
    (given,) = till.wechat.server.refunds.values()
    given["status"] = "ABNORMAL"
    await till.lease_runs_out()
    await till.work()
    assert await till.outcome(payment) == "refund_due"
    given["status"] = "SUCCESS"  # paid out by hand on the merchant platform
    await till.lease_runs_out()
    await till.work()
    assert await till.outcome(payment) == "refunded"
