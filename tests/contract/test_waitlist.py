"""Waiting for units on the real server: turns in order, each for a while, nothing lost and nothing stuck."""

from __future__ import annotations

import pytest

from livecommerce.adapters.redis_connection import Connection, tag
from livecommerce.errors import Conflict, NotFound
from livecommerce.flash_sale import SaleAdjustment
from livecommerce.ids import OrderId, PersonId, RoomId, SaleId, new_id
from livecommerce.waitlist import LOTTERY, Line
from tests.selling import PRICE, SHARD, Shop

LOTTERY_LINE = Line(kind=LOTTERY, turn_seconds=60, window_seconds=60, commit="hash")


@pytest.fixture
async def shop(anywhere: Connection) -> Shop:
    shop = Shop(anywhere)
    await shop.open_room()
    return shop


async def cancel(shop: Shop, order: str, buyer: str) -> None:
    await shop.orders.cancel(OrderId(order), PersonId(buyer))


async def states(shop: Shop, *people: str) -> list[str]:
    """Each person's place, as they would be shown it; ``none`` where there is none."""
    cards = [await shop.places(person) for person in people]
    return [card[0].state if card else "none" for card in cards]


async def sold_out_sale(shop: Shop, stock: int = 1, **changes: int) -> tuple[SaleId, list[str]]:
    """A sale whose units are all held by others."""
    sale = await shop.open_with_waitlist(stock, **changes)
    orders = [(await shop.buy(sale, f"early{number}")).order.order for number in range(stock)]
    return sale, orders


async def test_a_unit_that_comes_back_is_set_aside_for_who_waits_first(shop: Shop) -> None:
    sale, (order,) = await sold_out_sale(shop)
    first, second = await shop.wait(sale, "ann"), await shop.wait(sale, "bob")
    assert (first.state, first.ahead, second.ahead) == ("waiting", 0, 1)
    await cancel(shop, order, "early0")
    assert await states(shop, "ann", "bob") == ["turn", "waiting"]
    (stock,) = await shop.inventory.stock([sale])
    assert (stock.available, stock.held) == (0, 1)
    await shop.assert_lawful(sale)


async def test_nobody_snatches_a_unit_that_is_set_aside(shop: Shop) -> None:
    sale, (order,) = await sold_out_sale(shop)
    await shop.wait(sale, "ann")
    await cancel(shop, order, "early0")
    assert await shop.refused(sale, "cat") == "sold_out"
    assert await shop.events() == ["sale.opened", "sold.out"]


async def test_a_turn_becomes_a_hold_by_a_wish_at_the_price_seen(shop: Shop) -> None:
    sale, (order,) = await sold_out_sale(shop)
    await shop.wait(sale, "ann")
    await cancel(shop, order, "early0")
    assert await shop.refused(sale, "ann", price_minor=PRICE - 1) == "price_changed"
    held = await shop.buy(sale, "ann")
    assert held.order.state == "held"
    assert await states(shop, "ann") == ["none"]
    await shop.assert_lawful(sale)
    assert await shop.capture(await shop.begin_payment(held, "ann")) == "applied"
    await shop.assert_lawful(sale)


async def test_the_same_tap_on_a_turn_takes_it_once(shop: Shop) -> None:
    sale, (order,) = await sold_out_sale(shop)
    await shop.wait(sale, "ann")
    await cancel(shop, order, "early0")
    first = await shop.buy(sale, "ann", key="one-and-the-same")
    again = await shop.buy(sale, "ann", key="one-and-the-same")
    assert again.order == first.order
    await shop.assert_lawful(sale)


async def test_who_declines_passes_the_unit_on(shop: Shop) -> None:
    sale, (order,) = await sold_out_sale(shop)
    for person in ("ann", "bob"):
        await shop.wait(sale, person)
    await cancel(shop, order, "early0")
    assert (await shop.leave(sale, "ann")).state == "left"
    assert await states(shop, "ann", "bob") == ["none", "turn"]
    await shop.assert_lawful(sale)


async def test_a_turn_that_is_not_taken_goes_to_the_next_by_the_sweep(shop: Shop) -> None:
    sale, (order,) = await sold_out_sale(shop)
    for person in ("ann", "bob"):
        await shop.wait(sale, person)
    await cancel(shop, order, "early0")
    await shop.turn_is_over(sale, "ann")
    assert (await shop.orders.sweep(SHARD, 100)).handled == 1
    assert await states(shop, "ann", "bob") == ["none", "turn"]
    await shop.assert_lawful(sale)


async def test_a_turn_that_is_over_gives_way_to_the_next_wish_without_a_worker(shop: Shop) -> None:
    sale, (order,) = await sold_out_sale(shop)
    await shop.wait(sale, "ann")
    await cancel(shop, order, "early0")
    await shop.turn_is_over(sale, "ann")
    assert (await shop.buy(sale, "cat")).order.state == "held"
    await shop.assert_lawful(sale)


async def test_who_taps_after_the_turn_is_over_comes_too_late(shop: Shop) -> None:
    sale, (order,) = await sold_out_sale(shop)
    for person in ("ann", "bob"):
        await shop.wait(sale, person)
    await cancel(shop, order, "early0")
    await shop.turn_is_over(sale, "ann")
    assert await shop.refused(sale, "ann") == "sold_out"
    assert await states(shop, "bob") == ["turn"]
    await shop.assert_lawful(sale)


async def test_an_expired_hold_becomes_the_turn_of_who_waits(shop: Shop) -> None:
    sale, (order,) = await sold_out_sale(shop)
    await shop.wait(sale, "ann")
    await shop.overdue(order)
    await shop.orders.sweep(SHARD, 100)
    assert await states(shop, "ann") == ["turn"]
    await shop.assert_lawful(sale)


async def test_added_units_are_offered_in_order(shop: Shop) -> None:
    sale, _ = await sold_out_sale(shop)
    for person in ("ann", "bob", "cat"):
        await shop.wait(sale, person)
    await add(shop, sale, 2)
    assert await states(shop, "ann", "bob", "cat") == ["turn", "turn", "waiting"]
    await shop.assert_lawful(sale)


async def add(shop: Shop, sale: SaleId, added: int, version: int = 1) -> None:
    change = SaleAdjustment(sale=sale, operation=new_id(), version=version, added=added)
    await shop.inventory.adjust_sale(change)


async def test_more_units_than_one_call_offers_are_offered_by_the_sweep_and_to_nobody_else(
    shop: Shop,
) -> None:
    sale, _ = await sold_out_sale(shop)
    for number in range(150):
        await shop.wait(sale, f"p{number}")
    await add(shop, sale, 160)
    assert await states(shop, "p99", "p100") == ["turn", "waiting"]
    assert await shop.refused(sale, "late") == "sold_out"
    await shop.assert_lawful(sale)
    await shop.orders.sweep(SHARD, 100)
    assert await states(shop, "p100", "p149") == ["turn", "turn"]
    assert (await shop.inventory.stock([sale]))[0].available == 10
    assert (await shop.events())[-1] == "restocked"
    assert (await shop.buy(sale, "late")).order.state == "held"
    await shop.assert_lawful(sale)


async def test_units_left_over_by_a_turn_go_on_to_the_next(shop: Shop) -> None:
    sale = await shop.open_with_waitlist(2, limit=2)
    order = (await shop.buy(sale, "early", qty=2)).order.order
    await shop.wait(sale, "ann", 2)
    await shop.wait(sale, "bob")
    await cancel(shop, order, "early")
    assert (await shop.places("ann"))[0].qty == 2
    await shop.buy(sale, "ann", qty=1)
    assert await states(shop, "bob") == ["turn"]
    await shop.assert_lawful(sale)


async def test_who_wants_two_is_offered_one_where_one_comes_back(shop: Shop) -> None:
    sale, orders = await sold_out_sale(shop, 2, limit=2)
    await shop.wait(sale, "ann", 2)
    await cancel(shop, orders[0], "early0")
    (place,) = await shop.places("ann")
    assert (place.state, place.qty) == ("turn", 1)
    await shop.assert_lawful(sale)


async def test_waiting_twice_keeps_the_first_place(shop: Shop) -> None:
    sale, _ = await sold_out_sale(shop)
    first = await shop.wait(sale, "ann")
    await shop.wait(sale, "bob")
    again = await shop.wait(sale, "ann")
    assert (again.ticket, again.ahead) == (first.ticket, 0)
    (count,) = await shop.waitlist.counts([sale])
    assert (count.waiting, count.head) == (2, first.ticket)
    await shop.assert_lawful(sale)


async def test_who_leaves_and_comes_back_waits_behind_the_others(shop: Shop) -> None:
    sale, _ = await sold_out_sale(shop)
    for person in ("ann", "bob"):
        await shop.wait(sale, person)
    left = await shop.leave(sale, "ann")
    again = await shop.wait(sale, "ann")
    assert (left.state, again.ahead, again.v > left.v) == ("left", 1, True)
    assert (await shop.places("bob"))[0].ahead == 0


async def test_leaving_twice_changes_nothing(shop: Shop) -> None:
    sale, _ = await sold_out_sale(shop)
    await shop.wait(sale, "ann")
    first = await shop.leave(sale, "ann")
    assert (await shop.leave(sale, "ann")).state == "left"
    (count,) = await shop.waitlist.counts([sale])
    assert (count.waiting, count.v - first.v) == (0, 1)


async def test_nobody_waits_for_more_than_the_limit(shop: Shop) -> None:
    sale = await shop.open_with_waitlist(2, limit=2)
    await shop.buy(sale, "early")
    await shop.buy(sale, "ann")
    with pytest.raises(Conflict, match="limit_reached"):
        await shop.wait(sale, "ann", 2)
    assert (await shop.wait(sale, "ann", 1)).state == "waiting"


async def test_nobody_waits_while_there_is_something_to_buy(shop: Shop) -> None:
    sale = await shop.open_with_waitlist(1)
    with pytest.raises(Conflict, match="not_sold_out"):
        await shop.wait(sale, "ann")


async def test_a_sale_without_a_waitlist_has_no_line(shop: Shop) -> None:
    sale = await shop.open_sale(1)
    await shop.buy(sale, "early")
    with pytest.raises(Conflict, match="no_waitlist"):
        await shop.wait(sale, "ann")
    with pytest.raises(NotFound, match="sale_not_found"):
        await shop.wait(f"{SHARD}nothing", "ann")
    assert await shop.waitlist.counts([sale]) == []


async def test_the_line_ends_with_the_sale_and_turns_keep_their_time(shop: Shop) -> None:
    sale, orders = await sold_out_sale(shop, 2)
    for person in ("ann", "bob"):
        await shop.wait(sale, person)
    await cancel(shop, orders[0], "early0")
    await shop.inventory.close_sale(sale, 1)
    assert await states(shop, "ann", "bob") == ["turn", "none"]
    with pytest.raises(Conflict, match="sale_closed"):
        await shop.wait(sale, "cat")
    await cancel(shop, orders[1], "early1")
    assert await shop.told("sale.closed") == []
    assert (await shop.buy(sale, "ann")).order.state == "held"
    assert await shop.refused(sale, "cat") == "sale_closed"
    await shop.assert_lawful(sale)


async def test_a_turn_of_a_closed_sale_takes_no_more_than_was_set_aside(shop: Shop) -> None:
    sale = await shop.open_with_waitlist(2, limit=2)
    orders = [(await shop.buy(sale, "early")).order.order for _ in range(2)]
    await shop.wait(sale, "ann", 2)
    await cancel(shop, orders[0], "early")
    await shop.inventory.close_sale(sale, 1)
    await cancel(shop, orders[1], "early")
    assert await shop.refused(sale, "ann", qty=2) == "sold_out"
    await shop.assert_lawful(sale)


async def test_a_closed_sale_gives_the_unit_of_a_lapsed_turn_back_to_the_shop(shop: Shop) -> None:
    sale, (order,) = await sold_out_sale(shop)
    await shop.wait(sale, "ann")
    await cancel(shop, order, "early0")
    await shop.inventory.close_sale(sale, 1)
    await shop.turn_is_over(sale, "ann")
    await shop.orders.sweep(SHARD, 100)
    assert len(await shop.told("sale.closed")) == 1
    assert (await shop.inventory.audit(sale)).returned == 1
    await shop.assert_lawful(sale)


async def test_late_money_does_not_pass_those_who_wait(shop: Shop) -> None:
    sale = await shop.open_with_waitlist(1)
    late = await shop.buy(sale, "early")
    payment = await shop.begin_payment(late, "early")
    await shop.wait(sale, "ann")
    await shop.overdue(late.order.order)
    (closing,) = (await shop.orders.sweep(SHARD, 100)).closing
    await shop.orders.release(OrderId(closing.order), closing.v)
    assert await states(shop, "ann") == ["turn"]
    assert await shop.capture(payment) == "refund_due"
    await shop.assert_lawful(sale)


async def test_who_lets_turns_go_again_and_again_gets_no_more_of_them(shop: Shop) -> None:
    sale, (order,) = await sold_out_sale(shop)
    await shop.wait(sale, "ann")
    await cancel(shop, order, "early0")
    for number in range(9):
        await shop.leave(sale, "ann")
        order = (await shop.buy(sale, f"other{number}")).order.order
        await shop.wait(sale, "ann")
        await cancel(shop, order, f"other{number}")
    await shop.leave(sale, "ann")
    await shop.buy(sale, "cat")
    with pytest.raises(Conflict, match="limit_reached"):
        await shop.wait(sale, "ann")
    await shop.assert_lawful(sale)


async def test_a_line_is_not_found_from_another_room(shop: Shop) -> None:
    sale, _ = await sold_out_sale(shop)
    elsewhere = RoomId(new_id(SHARD))
    with pytest.raises(NotFound, match="sale_not_found"):
        await shop.waitlist.join(SaleId(sale), PersonId("ann"), 1, elsewhere)
    await shop.wait(sale, "ann")
    with pytest.raises(NotFound, match="sale_not_found"):
        await shop.waitlist.leave(SaleId(sale), PersonId("ann"), elsewhere)
    assert await states(shop, "ann") == ["waiting"]


async def test_units_that_are_promised_to_the_line_are_not_taken_away(shop: Shop) -> None:
    sale, _ = await sold_out_sale(shop)
    for number in range(101):
        await shop.wait(sale, f"p{number}")
    await add(shop, sale, 101)
    with pytest.raises(Conflict, match="too_few_available"):
        await add(shop, sale, -1, version=2)


async def test_a_line_prepared_for_a_sale_that_never_opens_goes_with_it(shop: Shop) -> None:
    sale = await shop.open_with_waitlist(1)
    await shop.waitlist.prepare(sale, LOTTERY_LINE)
    await shop.buy(sale, "early")
    assert (await shop.wait(sale, "ann")).state == "waiting"
    unopened = shop.opening(1).sale
    await shop.waitlist.prepare(unopened, LOTTERY_LINE)
    assert await shop.inventory.void(unopened)
    assert 0 < await shop.redis.ttl(f"{tag(SHARD)}:sale:{unopened}") <= 86_400


async def test_a_line_that_everybody_leaves_while_units_are_offered_is_over(shop: Shop) -> None:
    """A hundred turns are offered in one call, so the last person still waits beside a free unit."""
    sale = await shop.open_with_waitlist(101, limit=101)
    held = await shop.buy(sale, "early", qty=101)
    people = [f"p{number}" for number in range(101)]
    for person in people:
        await shop.wait(sale, person)
    await cancel(shop, held.order.order, "early")
    assert await states(shop, people[-1]) == ["waiting"]
    await shop.leave(sale, people[-1])
    await shop.orders.sweep(SHARD, 100)
    assert (await shop.events())[-1] == "restocked"
    assert (await shop.orders.sweep(SHARD, 100)).handled == 0
    await shop.assert_lawful(sale)
