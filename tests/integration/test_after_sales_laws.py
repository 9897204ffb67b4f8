"""The laws of what happens after a sale, under any interleaving of commands, repeats and faults."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from msgspec.structs import replace

from livecommerce.adapters.sql_connection import migrate, open_sql
from livecommerce.adapters.sql_ledger_queue import SqlLedgerQueue
from livecommerce.aftersales.parcel import Told
from livecommerce.aftersales.record import OrderRecord
from livecommerce.aftersales.states import CHARGE, FULFILLMENT, ORDER, PARCEL, REFUND, RETURN, Transitions
from livecommerce.errors import DomainError, Unavailable
from livecommerce.gateway.sandbox.refunds import RefundFault
from livecommerce.ledger.entries import entries_of
from livecommerce.ledger.entry import defect
from livecommerce.orders import OrderLine
from livecommerce.payment import RefundStanding
from tests.aftersales import BUYER, DAY_MS, MERCHANT, BackOffice, open_books, units
from tests.orders import a_line

STEPS = 40
KEYS = st.sampled_from(["a", "b", "c", "d", "e", "f"])
LINES = st.sampled_from([1, 2])
QUANTITIES = st.integers(1, 3)
AMOUNTS = st.integers(1, 13_000)
TRACKINGS = st.sampled_from(["T1", "T2"])

T = TypeVar("T")


class Moody:
    """The real provider, whose answers may be lost on the way, before or after it has acted."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self.name, self.merchant = real.name, real.merchant
        self.mood = "good"

    async def refund(self, *what: Any) -> RefundStanding:
        with self._in_mood():
            return await self._real.refund(*what)  # type: ignore[no-any-return]

    async def query_refund(self, *what: Any) -> RefundStanding:
        with self._in_mood():
            return await self._real.query_refund(*what)  # type: ignore[no-any-return]

    @contextmanager
    def _in_mood(self) -> Iterator[None]:
        if self.mood == "deaf":
            raise Unavailable("payment_unavailable")
        yield
        if self.mood == "mute":
            raise Unavailable("payment_unavailable")


def _lines(qty: int, discount: int) -> tuple[OrderLine, OrderLine]:
    gross = 3_000 * qty
    first = replace(a_line(1, gross, discount, discount // 2), qty=qty, unit_price_minor=3_000)
    return first, a_line(2, 5_000)


class AfterSales(RuleBasedStateMachine):
    """One order, everybody who may do something with it, and a provider in changing moods."""

    template: ClassVar[Path]
    refunds = Bundle("refunds")
    returns = Bundle("returns")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.seen: OrderRecord | None = None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def allowed(self, work: Coroutine[Any, Any, T]) -> T | None:
        """Does what may be refused; a refusal changes nothing, as the invariants show."""
        try:
            return self.run(work)
        except DomainError:
            return None

    @initialize(qty=QUANTITIES, discount=st.sampled_from([0, 500]))
    def open(self, qty: int, discount: int) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.run(self._open(_lines(qty, discount)))

    async def _open(self, lines: tuple[OrderLine, OrderLine]) -> None:
        shutil.copy(self.template, self.folder / "shop.sqlite")
        self.engine = open_sql(f"sqlite:{self.folder / 'shop.sqlite'}")
        self.office = BackOffice(self.engine, self.folder / "sandbox.sqlite")
        self.provider = Moody(self.office.world.provider)
        self.office.at(self.provider)  # type: ignore[arg-type]
        await self.office.seed()
        self.order = await self.office.sold(*lines)
        self.payment = (await self.office.record(self.order)).order.charge.attempt

    def teardown(self) -> None:
        if hasattr(self, "payment"):
            self.run(self._end())
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)
        self.runner.close()

    # ------------------------------------------------------------ the merchant

    @rule(target=refunds, key=KEYS, amount=AMOUNTS, restock=st.booleans())
    def refund_an_amount(self, key: str, amount: int, restock: bool) -> Any:
        return self._asked(self.office.refund(self.order, key, amount_minor=amount, restock=restock))

    @rule(target=refunds, key=KEYS, line=LINES, qty=QUANTITIES)
    def refund_units(self, key: str, line: int, qty: int) -> Any:
        return self._asked(self.office.refund(self.order, key, lines=[{"line": line, "qty": qty}]))

    @rule(target=refunds, key=KEYS)
    def refund_what_is_left(self, key: str) -> Any:
        return self._asked(self.office.refund(self.order, key))

    def _asked(self, work: Coroutine[Any, Any, Any]) -> Any:
        refund = self.allowed(work)
        return multiple() if refund is None else refund.refund

    @rule(key=KEYS, line=LINES, qty=QUANTITIES, tracking=TRACKINGS)
    def ship(self, key: str, line: int, qty: int, tracking: str) -> None:
        self.allowed(self.office.ship(self.order, units(line, qty), tracking=tracking, key=key))

    @rule(key=KEYS, tracking=TRACKINGS)
    def ship_the_rest(self, key: str, tracking: str) -> None:
        self.allowed(self.office.ship(self.order, tracking=tracking, key=key))

    @rule(back=returns, step=st.sampled_from(["approve", "decline"]))
    def answer(self, back: str, step: str) -> None:
        method = getattr(self.office.returns, step)
        self.allowed(method(self.order, back, "so be it", MERCHANT, self.office.clock()))

    @rule(back=returns)
    def have_the_goods(self, back: str) -> None:
        self.allowed(self.office.returns.receive(self.order, back, MERCHANT, self.office.clock()))

    @rule(target=refunds, back=returns, key=KEYS, restock=st.booleans())
    def pay_for_a_return(self, back: str, key: str, restock: bool) -> Any:
        record = self.run(self.office.record(self.order))
        (found,) = (one for one in record.returns if one.return_id == back)
        return self._asked(self.office.pay_return(self.order, found, key, restock=restock))

    @rule(key=KEYS, line=LINES, qty=QUANTITIES)
    def restock(self, key: str, line: int, qty: int) -> None:
        self.allowed(self.office.restock(self.order, units(line, qty), key=key))

    # ------------------------------------------------------------ the buyer

    @rule()
    def cancel(self) -> None:
        self.allowed(self.office.refunds.cancel(self.order, BUYER, self.office.clock()))

    @rule()
    def receive(self) -> None:
        self.allowed(self.office.receive(self.order))

    @rule(target=returns, key=KEYS, line=LINES, qty=QUANTITIES)
    def ask_back(self, key: str, line: int, qty: int) -> Any:
        back = self.allowed(self.office.ask_back(self.order, units(line, qty), key=key))
        return multiple() if back is None else back.return_id

    @rule(back=returns)
    def withdraw(self, back: str) -> None:
        self.allowed(self.office.returns.withdraw(self.order, BUYER, back, self.office.clock()))

    @rule(back=returns)
    def send_back(self, back: str) -> None:
        clock = self.office.clock
        self.allowed(self.office.returns.send_back(self.order, BUYER, back, "SF", "B", clock()))

    # ------------------------------------------------------------ carrier, provider, time

    @rule(
        tracking=TRACKINGS,
        state=st.sampled_from(["in_transit", "out_for_delivery", "delivered", "problem"]),
        ago=st.integers(0, 100_000),
        message=KEYS,
    )
    def told(self, tracking: str, state: Told, ago: int, message: str) -> None:
        self.run(self.office.told(tracking, state, self.office.clock() - ago, message))

    @rule(mood=st.sampled_from(["good", "good", "deaf", "mute"]))
    def turn_mood(self, mood: str) -> None:
        self.provider.mood = mood

    @rule(fault=st.sampled_from(list(RefundFault)))
    def misbehave(self, fault: RefundFault) -> None:
        self.run(self.office.world.refund_misbehaves(self.payment, fault))

    @rule()
    def pursue(self) -> None:
        self.office.ahead(300_000)
        self.run(self.office.watch.step())

    @rule(refund=refunds)
    def hear_again(self, refund: str) -> None:
        """Whatever the provider has said of a refund, it says once more."""
        standing = self.run(self.office.world.provider.query_refund(self.payment, refund))
        if standing.state != "not_found":
            self.allowed(self.office.refund_desk.hear_refund(standing))

    @rule(days=st.sampled_from([1, 8]))
    def days_pass(self, days: int) -> None:
        self.office.ahead(days * DAY_MS)
        self.run(self.office.receipts.step())
        self.run(self.office.settler.step())

    # ------------------------------------------------------------ the laws

    @invariant()
    def money_and_units_are_within_what_there_is(self) -> None:
        if not hasattr(self, "payment"):
            return
        record = self.run(self.office.record(self.order))
        given = sum(self.run(self.office.given_back()))
        assert record.refunded_minor <= given <= record.order.total_minor
        assert record.left_minor >= 0
        for refund in record.refunds:
            assert sum(line.amount_minor for line in refund.lines) == refund.amount_minor > 0
        for balance in record.balances():
            parts = (
                balance.left_minor,
                balance.units_left,
                balance.to_ship,
                balance.outstanding,
                balance.returnable,
                balance.refundable_units,
                balance.restockable,
            )
            assert min(parts) >= 0, (balance, parts)
            assert balance.shipped + balance.to_ship <= balance.qty
        done = [refund for refund in record.refunds if refund.state == "done"]
        assert self.run(self.office.letters()) == len(done)
        if record.settles_ms is not None:
            assert not [one for one in record.returns if one.state in ("requested", "approved", "received")]

    @invariant()
    def every_change_of_a_state_is_in_the_tables(self) -> None:
        if not hasattr(self, "payment"):
            return
        now = self.run(self.office.record(self.order))
        before, self.seen = self.seen, now
        if before is None:
            return
        check(ORDER, before.order_state, now.order_state)
        check(CHARGE, before.charge_state, now.charge_state)
        check(FULFILLMENT, before.fulfillment_state, now.fulfillment_state)
        for table, old, new in (
            (REFUND, before.refunds, now.refunds),
            (RETURN, before.returns, now.returns),
            (PARCEL, before.parcels, now.parcels),
        ):
            for one, other in zip(old, new, strict=False):
                check(table, one.state, other.state)  # type: ignore[attr-defined]

    # ------------------------------------------------------------ the end

    async def _end(self) -> None:
        """Everything calms down: what is open ends, and the books agree with the provider."""
        self.provider.mood = "good"
        await self.office.work()
        await self.office.world.background.close()
        record = await self.office.record(self.order)
        assert not [refund for refund in record.refunds if refund.state in ("requested", "sent")]
        done = sorted(refund.amount_minor for refund in record.refunds if refund.state == "done")
        assert done == sorted(await self.office.given_back())
        await self._check_books(record)
        if record.left_minor:
            await self.office.refund(self.order, "the rest")
            await self.office.work()
        failed = record.left_minor and (await self.office.refund_states(self.order))[-1] == "failed"
        if not failed:
            await self._check_books(await self.office.record(self.order), nothing_left=True)
        await self.office.close()
        await self.engine.dispose()

    async def _check_books(self, record: OrderRecord, *, nothing_left: bool = False) -> None:
        books = await open_books(self.folder)
        balances = await self.office.book(books)
        assert (await SqlLedgerQueue(self.engine).status()).dead == 0
        assert sum(balances.values()) == 0
        owed = balances.get("provider.receivable:sandbox", 0)
        assert owed == -(record.order.total_minor - record.refunded_minor)
        if nothing_left:
            assert balances == {}
        facts = await self.office.desk.facts(self.order)
        for length in range(1, len(facts) + 1):
            assert not [defect(entry) for entry in entries_of(facts[:length]) if defect(entry)]
        await books.aclose()


def check(table: Transitions, old: str, new: str) -> None:
    """States may be skipped between two looks, but never against the table."""
    reached = {old}
    while fresh := {follower for state in reached for follower in table[state]} - reached:
        reached |= fresh
    assert new in reached, (old, new)


@pytest.mark.parametrize("examples", [20])
def test_the_laws_of_after_sales_hold_after_every_step(tmp_path: Path, examples: int) -> None:
    AfterSales.template = tmp_path / "empty.sqlite"
    asyncio.run(migrate(f"sqlite:{AfterSales.template}"))
    run_state_machine_as_test(AfterSales, settings=settings(max_examples=examples, stateful_step_count=STEPS))
