"""The laws of selling, on the real server, under any order of events that Hypothesis can think of."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec.structs import replace

from livecommerce.adapters.redis_address import connect
from livecommerce.adapters.redis_connection import tag
from livecommerce.adapters.redis_library import load_library
from livecommerce.basket import WishLine
from livecommerce.checkout import Held, Wish
from livecommerce.clock import now_ms
from livecommerce.errors import DomainError
from livecommerce.flash_sale import SaleAdjustment
from livecommerce.ids import CampaignId, OrderId, PersonId, SaleId, new_id
from livecommerce.ledger.entries import entries_of
from livecommerce.ledger.entry import defect
from livecommerce.orders import ClosingOrder, ConfirmedOrder
from livecommerce.payment import Standing
from tests.selling import CURRENCY, PLATFORMS, PRICE, SHARD, Shop, a_wish
from tests.servers import ValkeyServer

PEOPLE = ["ann", "bob", "cat"]
BUYERS = st.sampled_from(PEOPLE)
SALES = st.sampled_from([0, 1])
DISCOUNT = 1_000
PERCENT_PPM = 30_000
CAP = 500
STEPS = 60

T = TypeVar("T")


@dataclass
class Running:
    """What a sale should be like."""

    sale: SaleId
    stock: int
    limit: int
    version: int = 1
    arrivals: list[str] = field(default_factory=list)
    """Who waits, in the order in which they came, as far as we know."""


class Selling(RuleBasedStateMachine):
    """Two sales, a merchant's campaign and a platform's; every step is an answer of the real server."""

    url: ClassVar[str]

    held = Bundle("held")
    payments = Bundle("payments")
    closings = Bundle("closings")
    grants = Bundle("grants")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.steps = 0
        self.captured: dict[str, int] = {}
        self.wishes: dict[str, Wish] = {}

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def allowed(self, work: Coroutine[Any, Any, T]) -> T | None:
        """Does what may be refused; a refusal changes nothing, as the invariants show."""
        try:
            return self.run(work)
        except DomainError:
            return None

    @initialize(
        stocks=st.tuples(st.integers(1, 6), st.integers(1, 3)),
        limit=st.integers(1, 2),
        coupons=st.integers(0, 3),
        each=st.integers(1, 2),
        wait_ms=st.sampled_from([0, 3_600_000]),
    )
    def open(self, stocks: tuple[int, int], limit: int, coupons: int, each: int, wait_ms: int) -> None:
        self.per_person = each
        self.budgets = {CampaignId("campaign"): coupons * DISCOUNT, PLATFORMS: coupons * CAP}
        self.run(self._open(stocks, limit, wait_ms))

    async def _open(self, stocks: tuple[int, int], limit: int, wait_ms: int) -> None:
        redis = connect(self.url)
        await redis.flushall()
        await load_library(redis)
        self.shop = Shop(redis)
        await self.shop.open_room()
        waits = (0, wait_ms)
        self.sales = [
            Running(await self.shop.open_with_waitlist(stock, limit=limit, wait_ms=wait), stock, limit)
            for stock, wait in zip(stocks, waits, strict=True)
        ]
        for campaign, budget in self.budgets.items():
            await self.shop.fund_campaign(campaign, budget)
        self.drops: list[str] = []

    def teardown(self) -> None:
        if hasattr(self, "shop"):
            self.run(self.shop.redis.aclose())
        self.runner.close()

    # ------------------------------------------------------------ buyers

    @rule(target=held, buyer=BUYERS, qty=st.integers(1, 2), which=SALES)
    def buy(self, buyer: str, qty: int, which: int) -> Any:
        return self._buy(a_wish(self.sales[which].sale, buyer, qty=qty))

    @rule(target=held, grant=grants)
    def buy_with_a_coupon(self, grant: tuple[str, str]) -> Any:
        return self._buy(a_wish(self.sales[0].sale, grant[0], grant=grant[1]))

    @rule(target=held, buyer=BUYERS, units=st.tuples(st.integers(1, 2), st.integers(1, 2)))
    def buy_a_bag(self, buyer: str, units: tuple[int, int]) -> Any:
        return self._buy(self._bag(buyer, units, ()))

    @rule(target=held, ours=grants, other=grants)
    def buy_a_bag_with_two_coupons(self, ours: tuple[str, str], other: tuple[str, str]) -> Any:
        return self._buy(self._bag(ours[0], (1, 1), (ours[1], other[1])))

    def _bag(self, buyer: str, units: tuple[int, int], grants: tuple[str, ...]) -> Wish:
        lines = tuple(
            WishLine(sale=running.sale, price_minor=PRICE, qty=qty)
            for running, qty in zip(self.sales, units, strict=True)
        )
        return Wish(buyer=buyer, key=new_id(), lines=lines, grants=grants)

    def _buy(self, wish: Wish) -> Any:
        answer = self._wish(wish)
        if not isinstance(answer, Held):
            return multiple()
        self.wishes[answer.order.order] = wish
        return (answer.order.order, wish.buyer)

    def _wish(self, wish: Wish) -> Held | DomainError:
        return self.run(self.shop.checkout.buy([wish], now_ms()))[0]

    @rule(order=held)
    def tap_again_with_the_same_key(self, order: tuple[str, str]) -> None:
        answer = self._wish(self.wishes[order[0]])
        assert isinstance(answer, Held)
        assert answer.order.order == order[0]

    @rule(order=held)
    def cancel(self, order: tuple[str, str]) -> None:
        self.allowed(self.shop.orders.cancel(OrderId(order[0]), PersonId(order[1])))

    @rule(target=payments, order=held)
    def begin_payment(self, order: tuple[str, str]) -> Any:
        return self._begin_payment(*order)

    @rule(target=payments, payment=payments)
    def pay_anew_after_a_failure(self, payment: tuple[str, str, str]) -> Any:
        self.fail(payment)
        return self._begin_payment(payment[1], payment[2])

    def _begin_payment(self, order: str, buyer: str) -> Any:
        begun = self.allowed(self.shop.payments.begin(OrderId(order), PersonId(buyer), "sandbox", CURRENCY))
        return (begun.payment, order, buyer) if begun else multiple()

    @rule(target=held, payment=payments)
    def run_out_while_paying_and_buy_again(self, payment: tuple[str, str, str]) -> Any:
        self.run_out_for_good((payment[1], payment[2]))
        return self._buy(replace(self.wishes[payment[1]], key=new_id()))

    # ------------------------------------------------------------ people who wait

    @rule(person=BUYERS, units=st.integers(1, 2), which=SALES)
    def wait(self, person: str, units: int, which: int) -> None:
        running = self.sales[which]
        place = self.allowed(self.shop.wait(running.sale, person, units))
        if place is not None and place.state == "waiting" and person not in running.arrivals:
            running.arrivals.append(person)

    @rule(person=BUYERS, which=SALES)
    def leave_the_line(self, person: str, which: int) -> None:
        running = self.sales[which]
        self.run(self.shop.leave(running.sale, person))
        running.arrivals = [other for other in running.arrivals if other != person]

    @rule(target=held, person=BUYERS, which=SALES, qty=st.integers(1, 2))
    def take_a_turn(self, person: str, which: int, qty: int) -> Any:
        running = self.sales[which]
        if self._place(running, person) != "turn":
            return multiple()
        return self._buy(a_wish(running.sale, person, qty=qty))

    @rule(person=BUYERS, which=SALES)
    def let_a_turn_lapse(self, person: str, which: int) -> None:
        if self._place(self.sales[which], person) == "turn":
            self.run(self.shop.turn_is_over(self.sales[which].sale, person))

    def _place(self, running: Running, person: str) -> str:
        cards = self.run(self.shop.places(person))
        return next((card.state for card in cards if card.sale == running.sale), "none")

    # ------------------------------------------------------------ coupons

    @rule(target=grants, person=BUYERS, platforms=st.booleans())
    def drop_and_claim(self, person: str, platforms: bool) -> Any:
        summary = self.shop.platforms_summary(PERCENT_PPM, CAP) if platforms else self.shop.summary(DISCOUNT)
        drop = self.allowed(self.shop.drop(1, per_person=self.per_person, summary=summary))
        self.drops += [drop] if drop else []
        return self._claim(drop, person) if drop else multiple()

    @rule(target=grants, person=BUYERS, data=st.data())
    def claim(self, person: str, data: st.DataObject) -> Any:
        if not self.drops:
            return multiple()
        return self._claim(data.draw(st.sampled_from(self.drops)), person)

    def _claim(self, drop: str, person: str) -> Any:
        card = self.allowed(self.shop.claim(drop, person))
        return (person, card.grant) if card else multiple()

    @rule(grant=grants)
    def coupon_runs_out(self, grant: tuple[str, str]) -> None:
        self.run(self._run_out(grant[1]))

    async def _run_out(self, grant: str) -> None:
        await self.shop.redis.hset(f"{tag(SHARD)}:grant:{grant}", "ends_ms", "1")
        await self.shop.redis.zadd(f"{tag(SHARD)}:grant_expiry", {grant: 1}, xx=True)
        await self.shop.coupons.sweep(SHARD, 100)

    # ------------------------------------------------------------ provider

    @rule(payment=payments, right=st.sampled_from([True, True, True, False]))
    def capture(self, payment: tuple[str, str, str], right: bool) -> None:
        self.run(self._capture(payment[0], right))

    async def _capture(self, payment: str, right: bool) -> None:
        found = await self.shop.payments.find(payment)
        assert found is not None
        amount = self.captured.setdefault(payment, found.amount_minor - (not right))
        standing = Standing(
            payment=payment, state="captured", amount_minor=amount, currency=CURRENCY, transaction=payment,
            captured_ms=now_ms(),
        )  # fmt: skip
        assert await self.shop.payments.captured(standing, "sandbox") in ("applied", "refund_due", "refunded")

    @rule(payment=payments)
    def fail(self, payment: tuple[str, str, str]) -> None:
        self.run(self.shop.payments.failed(payment[0]))

    @rule()
    def refund_what_is_due(self) -> None:
        for due in self.run(self.shop.payments.due_refunds(SHARD, 100)):
            self.run(self.shop.payments.refunded(due.payment, due.refund))

    # ------------------------------------------------------------ time

    @rule(order=held)
    def time_runs_out(self, order: tuple[str, str]) -> None:
        if self.run(self.shop.state_of(order[0])) in ("held", "paying", "closing"):
            self.run(self.shop.overdue(order[0]))

    @rule(target=closings)
    def sweep(self) -> Any:
        return multiple(*self.run(self.shop.orders.sweep(SHARD, 2)).closing)

    @rule(closing=closings)
    def provider_has_closed(self, closing: ClosingOrder) -> None:
        if closing.payment not in self.captured:
            self.run(self.shop.payments.closed(closing.payment))
        self.run(self.shop.orders.release(OrderId(closing.order), closing.v))

    @rule(order=held)
    def run_out_for_good(self, order: tuple[str, str]) -> None:
        self.time_runs_out(order)
        for closing in self.run(self.shop.orders.sweep(SHARD, 100)).closing:
            self.provider_has_closed(closing)

    @rule(which=SALES, added=st.integers(-1, 2), raised=st.integers(0, 1), lost=st.booleans())
    def adjust(self, which: int, added: int, raised: int, lost: bool) -> None:
        running = self.sales[which]
        change = SaleAdjustment(
            sale=running.sale,
            operation=new_id(),
            version=running.version,
            limit=running.limit + raised,
            extend_ms=60_000,
            added=added,
        )
        if self.allowed(self.shop.inventory.adjust_sale(change)) is None:
            return
        running.stock += added
        running.limit += raised
        running.version += 1
        if lost:
            self.run(self.shop.inventory.adjust_sale(change))

    @rule(which=SALES)
    def void_an_adjustment(self, which: int) -> None:
        running, operation = self.sales[which], new_id()
        assert self.run(self.shop.inventory.void_adjustment(running.sale, operation))
        late = SaleAdjustment(sale=running.sale, operation=operation, version=running.version, added=1)
        assert self.allowed(self.shop.inventory.adjust_sale(late)) is None

    @rule(which=SALES)
    def start_time_comes(self, which: int) -> None:
        self.run(self.shop.start_time_comes(self.sales[which].sale))

    @precondition(lambda self: self.steps > STEPS // 2)
    @rule(which=SALES)
    def close_a_sale(self, which: int) -> None:
        self.run(self.shop.inventory.close_sale(self.sales[which].sale, self.sales[which].version))

    # ------------------------------------------------------------ laws

    @invariant()
    def count_steps(self) -> None:
        self.steps += 1

    @invariant()
    def stock_is_conserved(self) -> None:
        for running in getattr(self, "sales", ()):
            audit = self.run(self.shop.inventory.audit(running.sale))
            assert audit.violations() == []
            assert (audit.allocated, audit.limit) == (running.stock, running.limit)

    @invariant()
    def a_sale_opens_once_and_sells_nothing_before(self) -> None:
        if not hasattr(self, "shop"):
            return
        events = self.run(self.shop.events())
        assert events.count("sale.opened") <= len(self.sales)
        if events.count("sale.opened") < len(self.sales):
            audit = self.run(self.shop.inventory.audit(self.sales[1].sale))
            assert audit.held == audit.sold == 0

    @invariant()
    def turns_come_in_the_order_of_the_line(self) -> None:
        """Whoever still waits is waited for by everybody who came later: nobody is passed."""
        for running in getattr(self, "sales", ()):
            waiting = [person for person in running.arrivals if self._place(running, person) == "waiting"]
            assert waiting == running.arrivals[len(running.arrivals) - len(waiting) :]
            running.arrivals = waiting

    @invariant()
    def the_budgets_are_conserved(self) -> None:
        for campaign, budget in getattr(self, "budgets", {}).items():
            audit = self.run(self.shop.coupons.audit(self.shop.room, campaign))
            assert audit.violations() == []
            assert audit.budget == budget

    @invariant()
    def every_capture_has_exactly_one_outcome(self) -> None:
        if not hasattr(self, "shop"):
            return
        told = [
            msgspec.json.decode(record.data, type=ConfirmedOrder)
            for record in self.run(self.shop.told("order.confirmed"))
        ]
        applied = [payment for payment in self.captured if self._state(payment) == "applied"]
        assert sorted(order.charge.payment for order in told) == sorted(applied)
        assert all(order.total_minor == self.captured[order.charge.payment] for order in told)
        assert len({order.order for order in told}) == len(told)
        others = set(self.captured) - set(applied)
        assert all(self._state(payment) in ("refund_due", "refunded") for payment in others)
        lines = [line for order in told for line in order.lines]
        for running in self.sales:
            sold = self.run(self.shop.inventory.audit(running.sale)).sold
            assert sum(line.qty for line in lines if line.sale == running.sale) == sold
        for campaign in self.budgets:
            spent = self.run(self.shop.coupons.audit(self.shop.room, campaign)).spent
            used = [coupon for order in told for coupon in order.coupons if coupon.campaign == campaign]
            assert sum(coupon.discount_minor for coupon in used) == spent
        for order in told:
            for posted in entries_of([order]):
                assert defect(posted) is None

    def _state(self, payment: str) -> str:
        found = self.run(self.shop.payments.find(payment))
        assert found is not None
        return found.state


@pytest.mark.parametrize("examples", [100])
def test_the_laws_of_selling_hold_after_every_step(valkey: ValkeyServer, examples: int) -> None:
    Selling.url = valkey.url
    run_state_machine_as_test(Selling, settings=settings(max_examples=examples, stateful_step_count=STEPS))
