"""Every captured payment ends as exactly one of an order or a refund, whatever goes wrong in between."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace

from livecommerce.adapters.payment_sandbox import SandboxProvider
from livecommerce.adapters.redis_connection import Connection
from livecommerce.checkout import Held
from livecommerce.errors import Unavailable
from livecommerce.gateway.sandbox.faults import Fault
from livecommerce.ids import OrderId, PersonId, SaleId
from livecommerce.payment import PaymentRequest, Standing
from livecommerce.worker.expiry import Expiry
from tests.sandbox import SECRET, URL
from tests.selling import PRICE, SHARD, Shop
from tests.servers import free_port
from tests.till import Till


@pytest.fixture
async def till(redis: Connection, tmp_path: Path) -> AsyncIterator[Till]:
    till = Till(redis, tmp_path / "sandbox.sqlite")
    await till.open_room()
    yield till
    await till.close()


async def test_a_paid_order_is_confirmed_by_the_callback(till: Till) -> None:
    sale = await till.open_sale(1)
    held = await till.buy(sale, "ann")
    payment = await till.pay(held, "ann")
    await till.world.callbacks.get()
    assert await till.state_of(held.order.order) == "sold"
    assert await till.outcome(payment) == "applied"
    await till.assert_lawful(sale)


async def test_a_duplicate_callback_sells_once(till: Till) -> None:
    held = await till.buy(await till.open_sale(1), "ann")
    await till.pay(held, "ann", Fault.DUPLICATE)
    for _ in range(2):
        await till.world.callbacks.get()
    assert len(await till.told("order.confirmed")) == 1
    assert await till.money() == ["capture"]


async def test_a_lost_callback_is_found_by_asking(till: Till) -> None:
    held = await till.buy(await till.open_sale(1), "ann")
    await till.pay(held, "ann", Fault.LOST)
    assert await till.state_of(held.order.order) == "paying"
    await till.polls_are_due()
    await till.work()
    assert await till.state_of(held.order.order) == "sold"


async def test_a_callback_after_the_poll_changes_nothing(till: Till) -> None:
    held = await till.buy(await till.open_sale(1), "ann")
    payment = await till.pay(held, "ann", Fault.LOST)
    await till.cashier.ask(payment)
    await till.world.pay(payment)
    assert len(await till.told("order.confirmed")) == 1


async def test_a_declined_payment_leaves_the_hold_and_another_try_succeeds(till: Till) -> None:
    held = await till.buy(await till.open_sale(1), "ann")
    first = await till.pay_page(held, "ann")
    await till.world.decline(first)
    await till.world.callbacks.get()
    assert await till.state_of(held.order.order) == "held"
    second = await till.pay(held, "ann")
    await till.world.callbacks.get()
    assert second != first
    assert await till.state_of(held.order.order) == "sold"


async def test_asking_for_the_pay_page_twice_answers_the_same_page(till: Till) -> None:
    held = await till.buy(await till.open_sale(1), "ann")
    assert await till.pay_page(held, "ann") == await till.pay_page(held, "ann")


async def test_an_unpaid_order_is_closed_at_the_provider_before_its_unit_is_free(till: Till) -> None:
    sale = await till.open_sale(1)
    held = await till.buy(sale, "ann")
    payment = await till.pay_page(held, "ann")
    await till.time_runs_out(held.order.order)
    await till.work()
    assert await till.state_of(held.order.order) == "expired"
    assert await till.outcome(payment) == "closed"
    assert (await till.world.provider.query(payment)).state == "closed"
    await till.assert_lawful(sale)


async def test_already_paid_at_the_provider_counts_as_paid_when_time_runs_out(till: Till) -> None:
    sale = await till.open_sale(1)
    held = await till.buy(sale, "ann")
    await till.pay(held, "ann", Fault.LOST)
    await till.time_runs_out(held.order.order)
    await till.expiry.step()
    assert await till.state_of(held.order.order) == "sold"
    await till.assert_lawful(sale)


async def test_an_order_cancelled_while_paying_is_closed_at_the_provider_first(till: Till) -> None:
    sale = await till.open_sale(1)
    held = await till.buy(sale, "ann")
    payment = await till.pay_page(held, "ann")
    await till.orders.cancel(OrderId(held.order.order), PersonId("ann"))
    await till.work()
    assert await till.state_of(held.order.order) == "released"
    assert (await till.world.provider.query(payment)).state == "closed"
    await till.assert_lawful(sale)


async def test_a_payment_after_expiry_becomes_the_order_if_the_unit_is_free(till: Till) -> None:
    sale = await till.open_sale(1)
    held = await till.buy(sale, "ann")
    payment = await till.pay_page(held, "ann")
    await till.time_runs_out(held.order.order)
    await till.work()
    await till.world.pay(payment, Fault.OVERDUE)
    await till.world.callbacks.get()
    assert await till.state_of(held.order.order) == "sold"
    assert await till.money() == ["capture"]
    await till.assert_lawful(sale)


async def test_a_payment_after_expiry_is_refunded_if_the_unit_is_gone(till: Till) -> None:
    sale = await till.open_sale(1)
    held = await till.buy(sale, "ann")
    payment = await till.pay_page(held, "ann")
    await till.time_runs_out(held.order.order)
    await till.work()
    await till.buy(sale, "bob")
    await till.world.pay(payment, Fault.OVERDUE)
    await till.world.callbacks.get()
    await till.work()
    assert await till.outcome(payment) == "refunded"
    assert await till.money() == ["capture", "refund"]
    assert await till.state_of(held.order.order) == "expired"
    await till.assert_lawful(sale)


class CutOff:
    """A provider whose answers to ``create`` are lost, though they may land."""

    def __init__(self, till: Till, *, lands: bool) -> None:
        real = self._real = till.world.provider
        self._lands = lands
        self.name, self.merchant = real.name, real.merchant
        self.query, self.close, self.parse_callback = real.query, real.close, real.parse_callback
        self.refund, self.query_refund = real.refund, real.query_refund

    async def create(self, asked: PaymentRequest) -> str:
        if self._lands:
            await self._real.create(asked)
        raise Unavailable("payment_unavailable")


async def cut_off(till: Till, held: Held, *, lands: bool) -> None:
    """Asks for a pay page and gets no answer."""
    with pytest.raises(Unavailable):
        await till.pay_page(held, "ann", till.cashier_at(CutOff(till, lands=lands)))


@pytest.mark.parametrize("lands", [True, False])
async def test_asking_again_after_a_lost_answer_continues_the_same_payment(till: Till, lands: bool) -> None:
    held = await till.buy(await till.open_sale(1), "ann")
    await cut_off(till, held, lands=lands)
    payment = await till.pay(held, "ann")
    await till.world.callbacks.get()
    order = await till.orders.find(OrderId(held.order.order))
    assert order is not None
    assert (order.card.state, order.payment) == ("sold", payment)
    assert await till.money() == ["capture"]


async def test_a_creation_that_never_landed_is_given_up_only_after_the_deadline(till: Till) -> None:
    sale = await till.open_sale(1)
    held = await till.buy(sale, "ann")
    await cut_off(till, held, lands=False)
    await till.overdue(held.order.order)
    await till.expiry.step()
    assert await till.state_of(held.order.order) == "closing"
    await till.lease_runs_out()
    till.world.clock.ahead_ms = 240_000
    await till.expiry.step()
    assert await till.state_of(held.order.order) == "expired"
    await till.assert_lawful(sale)


async def test_a_creation_that_landed_unseen_is_closed(till: Till) -> None:
    sale = await till.open_sale(1)
    held = await till.buy(sale, "ann")
    await cut_off(till, held, lands=True)
    await till.time_runs_out(held.order.order)
    await till.work()
    assert await till.state_of(held.order.order) == "expired"
    await till.assert_lawful(sale)


async def test_a_provider_that_is_away_keeps_the_order_closing_until_it_answers(till: Till) -> None:
    sale = await till.open_sale(1)
    held = await till.buy(sale, "ann")
    await till.pay_page(held, "ann")
    await till.time_runs_out(held.order.order)
    async with httpx.AsyncClient() as http:
        away = SandboxProvider(http, f"http://127.0.0.1:{free_port()}", "", SECRET)
        await Expiry(till.orders, till.coupons, till.cashier_at(away), [SHARD]).step()
    assert await till.state_of(held.order.order) == "closing"
    await till.assert_lawful(sale)


async def test_a_strangers_404_is_not_taken_for_the_providers_word(till: Till) -> None:
    elsewhere = SandboxProvider(till.world.http, f"{URL}/elsewhere", "", SECRET)
    with pytest.raises(Unavailable, match="payment_unavailable"):
        await elsewhere.query("00nothing")


class Mistaken:
    """A provider whose answers about a payment's standing are about something else."""

    def __init__(self, till: Till, **mistake: str) -> None:
        real = self._real = till.world.provider
        self._mistake = mistake
        self.name, self.merchant = real.name, real.merchant
        self.create, self.parse_callback = real.create, real.parse_callback
        self.refund, self.query_refund = real.refund, real.query_refund

    async def query(self, payment: str) -> Standing:
        return replace(await self._real.query(payment), **self._mistake)

    async def close(self, payment: str) -> Standing:
        return replace(await self._real.close(payment), **self._mistake)


async def refuses_to_believe(till: Till, mistake: dict[str, str]) -> None:
    """A paid order whose callback was lost stays as it is, whoever asks the mistaken provider."""
    held = await till.buy(await till.open_sale(1), "ann")
    payment = await till.pay(held, "ann", Fault.LOST)
    mistaken = till.cashier_at(Mistaken(till, **mistake))
    for work in (mistaken.ask, mistaken.close):
        with pytest.raises(Unavailable, match="payment_unavailable"):
            await work(payment)
    assert await till.state_of(held.order.order) == "paying"
    assert await till.outcome(payment) == "created"


async def test_an_answer_about_another_payment_is_not_believed(till: Till) -> None:
    await refuses_to_believe(till, {"payment": "00another"})


async def test_a_capture_for_another_merchant_is_not_believed(till: Till) -> None:
    await refuses_to_believe(till, {"merchant": "somebody-else"})


async def test_a_capture_of_another_amount_is_refunded_and_the_order_ends(till: Till) -> None:
    sale = await till.open_sale(1)
    held = await till.buy(sale, "ann")
    payment = await till.pay_page(held, "ann")
    await till.payments.captured(
        Standing(payment=payment, state="captured", amount_minor=1, currency="CNY", transaction="t"),
        "sandbox",
    )
    await till.world.pay(payment, Fault.LOST)
    await till.time_runs_out(held.order.order)
    await till.expiry.step()
    assert await till.state_of(held.order.order) == "expired"
    await till.assert_lawful(sale)


async def test_a_gateway_that_dies_after_the_hold_leaves_it_to_the_next_worker(
    till: Till, redis: Connection
) -> None:
    sale = await till.open_sale(1)
    held = await Shop(redis, till.room).buy(sale, "ann")
    await till.overdue(held.order.order)
    await till.work()
    assert (await till.inventory.stock([SaleId(sale)]))[0].available == 1
    assert held.order.total_minor == PRICE
    await till.assert_lawful(sale)
