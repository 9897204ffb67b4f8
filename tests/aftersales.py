"""A merchant's back office: paid orders in SQL, a real provider that has their money, and the workers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Raw
from msgspec.structs import replace
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.adapters.ledgers import open_ledger
from livecommerce.adapters.sql_connection import reading
from livecommerce.adapters.sql_ledger_queue import SqlLedgerQueue
from livecommerce.adapters.sql_order_desk import SqlOrderDesk
from livecommerce.adapters.sql_parcels import SqlParcels
from livecommerce.adapters.sql_projection import SqlProjection
from livecommerce.adapters.sql_refunds import SqlRefunds
from livecommerce.adapters.sql_returns import SqlReturns
from livecommerce.adapters.sql_schema import persons, products, shops, skus, sql_outbox
from livecommerce.adapters.sql_settlement import SqlSettlement
from livecommerce.aftersales.parcel import ParcelUpdate, Told
from livecommerce.aftersales.record import LineUnits, OrderRecord, Parcel, Receipt, Refund, Return
from livecommerce.aftersales.refund_desk import RefundDesk
from livecommerce.aftersales.wishes import ParcelWish, RefundWish, RestockWish, ReturnRefundWish, ReturnWish
from livecommerce.gateway.sandbox.faults import Fault
from livecommerce.ids import OrderId, PaymentId, PersonId, Shard, ShopId, new_id
from livecommerce.ledger.backend import LedgerBackend
from livecommerce.orders import ConfirmedOrder, OrderLine
from livecommerce.outbox import OutboxRecord
from livecommerce.payment import Cashier, PaymentProvider, PaymentRequest
from livecommerce.worker.receipt import ReceiptByTime
from livecommerce.worker.refunds import RefundWatch
from livecommerce.worker.relay import Relay
from livecommerce.worker.settlement import Settler
from tests.orders import a_line, an_order
from tests.sandbox import SandboxWorld

DAY_MS = 86_400_000
BUYER = PersonId("buyer")
MERCHANT = PersonId("merchant")
SHOP = ShopId("shop")
RECEIPT = Receipt()


async def confirm(engine: AsyncEngine, order: ConfirmedOrder) -> None:
    """Brings a paid order into SQL, as the projector does."""
    record = OutboxRecord(
        position="1-0",
        id=f"{order.order}:order.confirmed:1",
        type="order.confirmed",
        key=order.order,
        room=order.room,
        at_ms=order.confirmed_ms,
        data=Raw(msgspec.json.encode(order)),
    )
    await SqlProjection(engine).apply([record])


def units(line: int, qty: int) -> LineUnits:
    """Units of a line."""
    return LineUnits(line=line, qty=qty)


class NoPayments:
    """The record of live payments, where a callback is about none of them."""

    async def find(self, payment: str) -> None:
        return None


class BackOffice:
    """Everything after confirmation, on a real database and with the sandbox as the provider."""

    def __init__(self, engine: AsyncEngine, path: Path) -> None:
        self.engine = engine
        self.world = SandboxWorld(path, hear=self._hear)
        self.clock = self.world.clock
        self.refunds = SqlRefunds(engine, RECEIPT)
        self.returns = SqlReturns(engine, RECEIPT)
        self.parcels = SqlParcels(engine, RECEIPT)
        self.desk = SqlOrderDesk(engine)
        self.settler = Settler(SqlSettlement(engine), self.clock)
        self.receipts = ReceiptByTime(self.parcels, self.clock)
        self.at(self.world.provider)

    def at(self, provider: PaymentProvider) -> None:
        """Has refunds given by another provider from now on."""
        self.refund_desk = RefundDesk(self.refunds, provider, self.clock)
        self.cashier = Cashier(NoPayments(), provider, self.clock, self.refund_desk)  # type: ignore[arg-type]
        self.watch = RefundWatch(self.refund_desk)

    async def _hear(self, headers: dict[str, str], body: bytes) -> None:
        if b'"refund"' in body:
            await self.cashier.hear(headers, body)

    def ahead(self, milliseconds: int) -> None:
        """Time passes."""
        self.clock.ahead_ms += milliseconds

    async def seed(self) -> None:
        """The shop, the people and the goods of ``a_line``."""
        async with self.engine.begin() as sql:
            for person in (BUYER, MERCHANT):
                await sql.execute(insert(persons).values(person=person, name=person.title(), created_ms=0))
            await sql.execute(insert(shops).values(shop=SHOP, name={"en": "Shop"}, created_ms=0))
            await sql.execute(
                insert(products).values(
                    product="product",
                    shop=SHOP,
                    title={"en": "Spring tea", "zh-CN": "春茶"},
                    image="/demo/tea.svg",
                    category="tea",
                    currency="CNY",
                    created_ms=0,
                )
            )
            for number in (1, 2, 3):
                variant = {"sku": f"sku{number}", "product": "product", "title": {"en": f"Tin {number}"}}
                await sql.execute(insert(skus).values(**variant, price_minor=1, on_hand=0, position=number))

    async def sold(self, *lines: OrderLine, order: str = "", **changes: str) -> OrderId:
        """A paid order: its money is with the provider, and SQL has it."""
        drafted = an_order(*lines, order=order or new_id(Shard("00")), confirmed_ms=self.clock(), **changes)  # type: ignore[arg-type]
        payment = PaymentId(new_id(Shard("00")))
        request = PaymentRequest(
            payment=payment,
            order=OrderId(drafted.order),
            amount_minor=drafted.total_minor,
            currency=drafted.currency,
            description="tea",
            deadline_ms=self.clock() + 60_000,
            return_url="http://merchant.test/",
        )
        await self.world.provider.create(request)
        await self.world.pay(payment, Fault.LOST)
        transaction = (await self.world.provider.query(payment)).transaction
        charge = replace(drafted.charge, payment=transaction, attempt=payment)
        await confirm(self.engine, replace(drafted, charge=charge))
        return OrderId(drafted.order)

    # ------------------------------------------------------------ what people do

    async def refund(self, order: OrderId, key: str = "", **wish: object) -> Refund:
        """The merchant gives money back."""
        asked = msgspec.convert({"key": key or new_id(), **wish}, RefundWish)
        return await self.refunds.request(order, asked, MERCHANT, self.clock())

    async def ship(self, order: OrderId, *lines: LineUnits, tracking: str = "", key: str = "") -> Parcel:
        """The merchant sends a parcel; everything that is left, unless lines are named."""
        wish = ParcelWish(
            key=key or new_id(), carrier="SF", tracking=tracking or new_id(), lines=tuple(lines)
        )
        return await self.parcels.ship(order, wish, MERCHANT, self.clock())

    async def told(
        self, tracking: str, state: Told, at_ms: int | None = None, message: str = ""
    ) -> int | None:
        """The carrier tells something."""
        at_ms = self.clock() if at_ms is None else at_ms
        update = ParcelUpdate(tracking=tracking, state=state, at_ms=at_ms, text=state)
        return await self.parcels.follow(SHOP, message or new_id(), update, self.clock())

    async def receive(self, order: OrderId) -> None:
        """The buyer has everything."""
        await self.parcels.receive(order, BUYER, self.clock())

    async def ask_back(self, order: OrderId, *lines: LineUnits, key: str = "") -> Return:
        """The buyer wants to give units back; one of the first line, unless others are named."""
        wish = ReturnWish(key=key or new_id(), lines=lines or (units(1, 1),), reason="damaged", note="broken")
        return await self.returns.request(order, BUYER, wish, self.clock())

    async def take_back(self, order: OrderId, back: Return) -> None:
        """The merchant approves a return and has the goods."""
        await self.returns.approve(order, back.return_id, "", MERCHANT, self.clock())
        await self.returns.receive(order, back.return_id, MERCHANT, self.clock())

    async def pay_return(self, order: OrderId, back: Return, key: str = "", **wish: object) -> Refund:
        """The merchant pays for a return."""
        asked = msgspec.convert({"key": key or new_id(), **wish}, ReturnRefundWish)
        return await self.refunds.refund_return(order, back.return_id, asked, MERCHANT, self.clock())

    async def restock(self, order: OrderId, *lines: LineUnits, key: str = "restock") -> None:
        """The merchant puts units back in stock."""
        wish = RestockWish(key=key, lines=lines)
        await self.returns.restock(order, wish, MERCHANT, self.clock())

    async def delivered(self, *lines: OrderLine) -> OrderId:
        """An order that its buyer has."""
        order = await self.sold(*lines)
        await self.ship(order)
        await self.receive(order)
        return order

    # ------------------------------------------------------------ what time does

    async def work(self) -> None:
        """Lets the worker do everything that is due, leases included, and the provider all it has to say.

        While a callback is taken in its order is locked, and settlement passes it over.
        """
        while await self.watch.step() or await self._next_leases():
            pass
        async with asyncio.timeout(30):
            await self.world.background.done()

    async def _next_leases(self) -> int:
        self.ahead(300_000)
        return await self.watch.step()

    async def book(self, ledger: LedgerBackend) -> dict[str, int]:
        """Books everything; answers credits less debits of each account, where it is not zero."""
        relay = Relay(SqlLedgerQueue(self.engine), ledger, "one", self.clock)
        while await relay.step():
            pass
        sides = {one.account: one.credit_minor - one.debit_minor for one in await ledger.trial_balance()}
        return {account: minor for account, minor in sides.items() if minor}

    # ------------------------------------------------------------ what there is

    async def record(self, order: OrderId) -> OrderRecord:
        """The order as it is."""
        found = await self.desk.find(order)
        assert found is not None
        return found

    async def axes(self, order: OrderId) -> tuple[str, str, str]:
        """Order, charge and fulfillment."""
        record = await self.record(order)
        return record.order_state, record.charge_state, record.fulfillment_state

    async def refund_states(self, order: OrderId) -> list[str]:
        """How the order's refunds stand, oldest first."""
        return [refund.state for refund in (await self.record(order)).refunds]

    async def given_back(self) -> list[int]:
        """What the provider has given back, refund by refund."""
        return [int(entry["amount_minor"]) for entry in await self.world.bill() if entry["kind"] == "refund"]

    async def letters(self, kind: str = "order.refunded") -> int:
        """How many letters of a kind the ledger is to be told."""
        async with reading(self.engine) as connection:
            found = await connection.scalars(select(sql_outbox.c.id).where(sql_outbox.c.type == kind))
            return len(list(found))

    async def on_hand(self) -> Sequence[int]:
        """Units in stock of each SKU."""
        async with reading(self.engine) as connection:
            return list(await connection.scalars(select(skus.c.on_hand).order_by(skus.c.sku)))

    async def close(self) -> None:
        """Ends the provider."""
        await self.world.close()


def two_lines() -> tuple[OrderLine, OrderLine]:
    """Three tins for 90.00 and one for 50.00, with a coupon of 10.00 on the first."""
    first = replace(a_line(1, 9_000, 1_000), qty=3, unit_price_minor=3_000)
    return first, a_line(2, 5_000)


async def open_books(path: Path) -> LedgerBackend:
    """A ledger in a file of its own; the caller closes it."""
    return await open_ledger(f"sqlite:{path / 'ledger.sqlite'}")
