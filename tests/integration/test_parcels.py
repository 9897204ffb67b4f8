"""Parcels: shipped as owed, followed whatever comes in which order, received by the buyer or by time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import permutations
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.adapters.sql_connection import migrate, open_sql
from livecommerce.adapters.sql_order_record import take_turns
from livecommerce.adapters.sql_schema import orders
from livecommerce.aftersales.parcel import Told
from livecommerce.errors import Conflict, Invalid
from livecommerce.ids import new_id
from tests.aftersales import DAY_MS, SHOP, BackOffice, two_lines, units


@pytest.fixture
async def office(database: AsyncEngine, tmp_path: Path) -> AsyncIterator[BackOffice]:
    office = BackOffice(database, tmp_path / "sandbox.sqlite")
    await office.seed()
    yield office
    await office.close()


async def test_an_order_is_shipped_in_parts_and_then_as_a_whole(office: BackOffice) -> None:
    order = await office.sold(*two_lines())
    await office.ship(order, units(1, 2))
    assert await office.axes(order) == ("confirmed", "full", "partially_shipped")
    rest = await office.ship(order)
    assert {(some.line, some.qty) for some in rest.lines} == {(1, 1), (2, 1)}
    assert await office.axes(order) == ("confirmed", "full", "shipped")
    with pytest.raises(Conflict, match="nothing_to_ship"):
        await office.ship(order)


async def test_no_unit_is_shipped_twice_even_at_once(office: BackOffice) -> None:
    order = await office.sold(*two_lines())
    answers = await asyncio.gather(
        *(office.ship(order, units(1, 2)) for _ in range(3)), return_exceptions=True
    )
    assert [str(answer) for answer in answers if isinstance(answer, Exception)] == ["too_many_units"] * 2


async def test_the_same_wish_is_the_same_parcel(office: BackOffice) -> None:
    order = await office.sold(*two_lines())
    sent = [await office.ship(order, units(1, 1), tracking="T", key="k") for _ in range(2)]
    assert sent[0] == sent[1]
    with pytest.raises(Conflict, match="key_reused"):
        await office.ship(order, units(1, 2), tracking="T", key="k")


async def test_what_is_being_refunded_is_not_shipped(office: BackOffice) -> None:
    order = await office.sold(*two_lines())
    await office.refund(order, lines=[{"line": 2, "qty": 1}])
    assert [(some.line, some.qty) for some in (await office.ship(order)).lines] == [(1, 3)]
    assert (await office.axes(order))[2] == "partially_shipped"  # until the money is really back
    await office.work()
    assert await office.axes(order) == ("confirmed", "partially_refunded", "shipped")


async def test_nothing_empty_or_foreign_is_shipped(office: BackOffice) -> None:
    order = await office.sold()
    for lines in ((units(1, 0),), (units(4, 1),), (units(1, 1), units(1, 1))):
        with pytest.raises(Invalid, match="bad_lines"):
            await office.ship(order, *lines)


async def test_a_parcel_never_goes_backwards_whatever_order_its_messages_come_in(office: BackOffice) -> None:
    happened: dict[Told, int] = {
        "in_transit": 1_000,
        "problem": 2_000,
        "out_for_delivery": 3_000,
        "delivered": 4_000,
    }
    ranks = ("shipped", "in_transit", "out_for_delivery", "delivered")
    for told in permutations(happened):
        order, tracking = await office.sold(), new_id()
        await office.ship(order, tracking=tracking)
        start, seen = office.clock(), "shipped"
        for state in told:
            office.ahead(10)
            await office.told(tracking, state, start + happened[state])
            (parcel,) = (await office.record(order)).parcels
            assert ranks.index(parcel.state) >= ranks.index(seen)
            seen = parcel.state
        assert seen == "delivered"
        assert [event.at_ms for event in parcel.events] == sorted(event.at_ms for event in parcel.events)
        assert (await office.axes(order))[2] == "delivered"


async def test_a_message_counts_once(office: BackOffice) -> None:
    order = await office.sold()
    await office.ship(order, tracking="T")
    answers = await asyncio.gather(*(office.told("T", "in_transit", message="m") for _ in range(4)))
    assert sorted(answers, key=str) == [1, None, None, None]
    assert len((await office.record(order)).parcels[0].events) == 1


async def test_what_was_told_before_the_merchant_entered_the_parcel_counts(office: BackOffice) -> None:
    order = await office.sold()
    assert await office.told("T", "delivered") == 0
    await office.ship(order, tracking="T")
    assert (await office.axes(order))[2] == "delivered"


async def test_a_shop_cannot_move_the_parcels_of_another(office: BackOffice) -> None:
    order = await office.sold(shop="other", host_shop="other")
    await office.ship(order, tracking="T")
    assert await office.told("T", "delivered") == 0
    assert (await office.axes(order))[2] == "shipped"


async def test_one_tracking_number_may_stand_for_parcels_of_several_orders(office: BackOffice) -> None:
    orders = [await office.sold() for _ in range(3)]
    for order in orders:
        await office.ship(order, tracking="T")
    assert await office.told("T", "delivered") == 3
    assert {(await office.axes(order))[2] for order in orders} == {"delivered"}


async def test_who_ships_waits_for_the_carrier_before_the_order_is_locked(
    postgres_url: str, tmp_path: Path
) -> None:
    """The carrier's message goes on to lock the order; who held it meanwhile would wait for it forever."""
    await migrate(postgres_url)
    engine = open_sql(postgres_url)
    office = BackOffice(engine, tmp_path / "sandbox.sqlite")
    try:
        await office.seed()
        order = await office.sold(*two_lines())
        await office.ship(order, units(1, 1), tracking="T")
        async with engine.begin() as carrier:
            await take_turns(carrier, "parcel", SHOP, "T")
            shipping = asyncio.create_task(office.ship(order, units(1, 1), tracking="T"))
            await somebody_waits(engine)
            row = select(orders.c.order).where(orders.c.order == order)
            assert await carrier.scalar(row.with_for_update(nowait=True)) == order
        assert (await shipping).tracking == "T"
    finally:
        await office.close()
        await engine.dispose()


async def somebody_waits(engine: AsyncEngine) -> None:
    """Comes back when a transaction waits for a turn."""
    waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    async with engine.connect() as connection:
        while not await connection.scalar(waiting):
            continue


async def test_a_future_delivery_does_not_put_receipt_off(office: BackOffice) -> None:
    order = await office.sold()
    await office.ship(order, tracking="T")
    await office.told("T", "delivered", office.clock() + 1_000 * DAY_MS)
    office.ahead(7 * DAY_MS + 60_000)
    assert await office.receipts.step() == 1


async def test_the_first_receipt_counts(office: BackOffice) -> None:
    order = await office.sold()
    await office.ship(order)
    await office.receive(order)
    first = (await office.record(order)).received_ms
    office.ahead(DAY_MS)
    await office.receive(order)
    assert (await office.record(order)).received_ms == first


async def test_nothing_is_received_while_something_is_to_come(office: BackOffice) -> None:
    order = await office.sold(*two_lines())
    await office.ship(order, units(1, 3))
    with pytest.raises(Conflict, match="not_shipped"):
        await office.receive(order)


@pytest.mark.parametrize(("delivered", "days"), [(True, 7), (False, 15)])
async def test_an_order_is_received_by_time_once(office: BackOffice, delivered: bool, days: int) -> None:
    order = await office.sold()
    await office.ship(order, tracking="T")
    if delivered:
        await office.told("T", "delivered")
    office.ahead(days * DAY_MS - 60_000)
    assert await office.receipts.step() == 0
    office.ahead(60_000 + 1_000)
    assert sum(await asyncio.gather(*(office.receipts.step() for _ in range(3)))) == 1
    assert (await office.axes(order))[2] == "received"


async def test_a_key_is_changed_by_its_version(office: BackOffice) -> None:
    assert await office.parcels.key_version("shop") == (0, 0)  # type: ignore[arg-type]
    for version in (1, 2):
        assert await office.parcels.change_key("shop", "m", office.clock()) == version  # type: ignore[arg-type]
