"""Stock and holds on the real server."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from livecommerce.adapters.redis_connection import Connection, tag
from livecommerce.adapters.redis_records import RedisRecords
from livecommerce.checkout import Held
from livecommerce.clock import now_ms
from livecommerce.errors import Conflict, NotFound, Unavailable
from livecommerce.flash_sale import SaleAdjustment, StockCount
from livecommerce.ids import OrderId, PersonId, SaleId, new_id
from livecommerce.orders import ConfirmedOrder
from livecommerce.room.live import Stale
from tests.selling import PRICE, SHARD, Shop, a_wish


@pytest.fixture
async def shop(anywhere: Connection) -> Shop:
    shop = Shop(anywhere)
    await shop.open_room()
    return shop


async def test_a_hold_takes_a_unit_and_shows_its_price_and_deadline(shop: Shop) -> None:
    sale = await shop.open_sale(3, hold_seconds=60)
    held = await shop.buy(sale, "ann")
    assert (held.stocks[0].available, held.stocks[0].held, held.stocks[0].sold) == (2, 1, 0)
    assert held.order.state == "held"
    assert held.order.total_minor == PRICE
    assert held.order.expires_ms - held.order.created_ms == 60_000
    await shop.assert_lawful(sale)


async def test_one_pipeline_answers_each_wish_by_itself(shop: Shop) -> None:
    sale = await shop.open_sale(1)
    wishes = [a_wish(sale, buyer) for buyer in ("ann", "bob")]
    first, second = await shop.checkout.buy(wishes, now_ms())
    assert isinstance(first, Held)
    assert isinstance(second, Conflict)
    assert second.code == "sold_out"


async def test_another_price_than_the_buyer_saw_is_refused(shop: Shop) -> None:
    sale = await shop.open_sale(1)
    answer = await shop.try_buy(sale, "ann", price_minor=PRICE - 1)
    assert isinstance(answer, Conflict)
    assert (answer.code, answer.params["price_minor"]) == ("price_changed", PRICE)


async def test_a_buyer_cannot_pass_the_limit_with_several_keys(shop: Shop) -> None:
    sale = await shop.open_sale(10, limit=2)
    await shop.buy(sale, "ann")
    await shop.buy(sale, "ann")
    assert await shop.refused(sale, "ann") == "limit_reached"
    await shop.assert_lawful(sale)


async def test_units_of_a_sold_order_count_towards_the_limit(shop: Shop) -> None:
    sale = await shop.open_sale(10, limit=1)
    await shop.sell(sale, "ann")
    assert await shop.refused(sale, "ann") == "limit_reached"


async def test_the_same_key_answers_the_same_hold_and_takes_nothing_more(shop: Shop) -> None:
    sale = await shop.open_sale(5, limit=5)
    first = await shop.buy(sale, "ann", key="12345678")
    again = await shop.buy(sale, "ann", key="12345678")
    assert again.order == first.order
    assert again.stocks[0].available == 4


async def test_the_same_key_for_another_wish_is_refused(shop: Shop) -> None:
    sale = await shop.open_sale(5, limit=5)
    await shop.buy(sale, "ann", key="12345678")
    assert await shop.refused(sale, "ann", key="12345678", qty=2) == "key_reused"


async def test_two_buyers_may_use_the_same_key(shop: Shop) -> None:
    sale = await shop.open_sale(5)
    ann = await shop.buy(sale, "ann", key="12345678")
    bob = await shop.buy(sale, "bob", key="12345678")
    assert ann.order.order != bob.order.order


async def test_an_overdue_hold_gives_way_to_the_next_wish_without_a_worker(shop: Shop) -> None:
    sale = await shop.open_sale(1)
    late = await shop.buy(sale, "ann")
    await shop.overdue(late.order.order)
    held = await shop.buy(sale, "bob")
    assert held.order.state == "held"
    assert await shop.state_of(late.order.order) == "expired"
    await shop.assert_lawful(sale)


async def test_an_overdue_payment_keeps_its_unit_from_the_next_wish(shop: Shop) -> None:
    sale = await shop.open_sale(1)
    late = await shop.buy(sale, "ann")
    await shop.begin_payment(late, "ann")
    await shop.overdue(late.order.order)
    assert await shop.refused(sale, "bob") == "sold_out"
    await shop.assert_lawful(sale)


async def test_the_room_hears_that_the_last_unit_is_gone_and_that_one_came_back(shop: Shop) -> None:
    sale = await shop.open_sale(1)
    held = await shop.buy(sale, "ann")
    await shop.orders.cancel(OrderId(held.order.order), PersonId("ann"))
    assert await shop.events() == ["sale.opened", "sold.out", "restocked"]


async def test_cancelling_gives_unit_and_limit_back(shop: Shop) -> None:
    sale = await shop.open_sale(1)
    held = await shop.buy(sale, "ann")
    card = await shop.orders.cancel(OrderId(held.order.order), PersonId("ann"))
    assert card.state == "released"
    assert card.v > held.order.v
    assert (await shop.buy(sale, "ann")).order.state == "held"
    await shop.assert_lawful(sale)


async def test_nobody_cancels_an_order_of_somebody_else(shop: Shop) -> None:
    sale = await shop.open_sale(1)
    held = await shop.buy(sale, "ann")
    with pytest.raises(NotFound, match="order_not_found"):
        await shop.orders.cancel(OrderId(held.order.order), PersonId("bob"))


async def test_a_paid_order_cannot_be_cancelled(shop: Shop) -> None:
    sale = await shop.open_sale(1)
    held = await shop.sell(sale, "ann")
    with pytest.raises(Conflict, match="already_paid"):
        await shop.orders.cancel(OrderId(held.order.order), PersonId("ann"))


async def test_a_sweep_expires_holds_in_batches(shop: Shop) -> None:
    sale = await shop.open_sale(3, limit=3)
    for _ in range(3):
        await shop.overdue((await shop.buy(sale, "ann")).order.order)
    assert (await shop.orders.sweep(SHARD, 2)).handled == 2
    assert (await shop.orders.sweep(SHARD, 2)).handled == 1
    assert (await shop.orders.sweep(SHARD, 2)).handled == 0
    assert (await shop.inventory.stock([sale]))[0].available == 3
    await shop.assert_lawful(sale)


async def test_a_sweep_leases_an_overdue_payment_to_one_worker(shop: Shop) -> None:
    sale = await shop.open_sale(1)
    held = await shop.buy(sale, "ann")
    payment = await shop.begin_payment(held, "ann")
    await shop.overdue(held.order.order)
    (closing,) = (await shop.orders.sweep(SHARD, 100)).closing
    assert (closing.order, closing.payment) == (held.order.order, payment)
    assert (await shop.orders.sweep(SHARD, 100)).closing == ()
    await shop.assert_lawful(sale)


async def test_releasing_an_outdated_version_changes_nothing(shop: Shop) -> None:
    sale = await shop.open_sale(1)
    held = await shop.buy(sale, "ann")
    await shop.begin_payment(held, "ann")
    await shop.overdue(held.order.order)
    (closing,) = (await shop.orders.sweep(SHARD, 100)).closing
    await shop.capture(closing.payment)
    card = await shop.orders.release(OrderId(closing.order), closing.v)
    assert card.state == "sold"
    await shop.assert_lawful(sale)


def change(sale: SaleId, **fields: int | str) -> SaleAdjustment:
    fixed = {"operation": new_id(), "version": 1}
    return SaleAdjustment(sale=sale, **fixed | fields)  # type: ignore[arg-type]


async def adjust(shop: Shop, sale: SaleId, **fields: int | str) -> StockCount:
    return await shop.inventory.adjust_sale(change(sale, **fields))


async def test_an_adjusted_price_holds_for_later_wishes_only(shop: Shop) -> None:
    sale = await shop.open_sale(2)
    before = await shop.buy(sale, "ann")
    await adjust(shop, sale, price_minor=PRICE - 1_000)
    assert await shop.refused(sale, "bob") == "price_changed"
    after = await shop.buy(sale, "bob", price_minor=PRICE - 1_000)
    assert after.order.total_minor == before.order.total_minor - 1_000
    assert await shop.capture(await shop.begin_payment(before, "ann")) == "applied"


async def test_added_units_reopen_a_sold_out_sale(shop: Shop) -> None:
    sale = await shop.open_sale(1)
    await shop.buy(sale, "ann")
    assert (await adjust(shop, sale, added=2)).available == 2
    assert await shop.events() == ["sale.opened", "sold.out", "sale.adjusted", "restocked"]
    await shop.assert_lawful(sale)


async def test_units_that_somebody_holds_are_not_taken_away(shop: Shop) -> None:
    sale = await shop.open_sale(2)
    await shop.buy(sale, "ann")
    with pytest.raises(Conflict, match="too_few_available"):
        await adjust(shop, sale, added=-2)
    assert (await adjust(shop, sale, added=-1)).available == 0
    await shop.assert_lawful(sale)


async def test_a_sale_is_adjusted_only_in_the_version_that_was_seen(shop: Shop) -> None:
    sale = await shop.open_sale(2)
    await adjust(shop, sale)
    with pytest.raises(Conflict, match="sale_changed"):
        await adjust(shop, sale)


async def test_a_limit_is_raised_but_not_lowered(shop: Shop) -> None:
    sale = await shop.open_sale(3, limit=1)
    await adjust(shop, sale, limit=2)
    await shop.buy(sale, "ann", qty=2)
    with pytest.raises(Conflict, match="limit_lowered"):
        await adjust(shop, sale, version=2, limit=1)


async def test_an_adjusted_end_is_kept_to(shop: Shop) -> None:
    sale = await shop.open_sale(2, seconds=300)
    before = await shop.card_of("sale.opened")
    await adjust(shop, sale, extend_ms=-60_000)
    after = await shop.card_of("sale.adjusted")
    assert after["closes_ms"] == before["closes_ms"] - 60_000
    with pytest.raises(Conflict, match="end_passed"):
        await adjust(shop, sale, version=2, extend_ms=-300_000)


async def test_a_sale_as_long_as_the_show_has_no_end_to_move(shop: Shop) -> None:
    sale = await shop.open_sale(2, seconds=0)
    with pytest.raises(Conflict, match="sale_without_end"):
        await adjust(shop, sale, extend_ms=60_000)


async def test_a_sale_that_is_over_is_not_adjusted(shop: Shop) -> None:
    sale = await shop.open_sale(2)
    await shop.end_comes(sale)
    with pytest.raises(Conflict, match="sale_closed"):
        await adjust(shop, sale, extend_ms=60_000)


async def test_the_room_sees_new_terms_whole(shop: Shop) -> None:
    sale = await shop.open_sale(2)
    await adjust(shop, sale, price_minor=PRICE - 1, limit=3, added=4)
    card = await shop.card_of("sale.adjusted")
    terms = {name: card[name] for name in ("sale", "version", "phase", "price_minor", "stock", "limit")}
    assert terms == {
        "sale": sale, "version": 2, "phase": "open", "price_minor": PRICE - 1, "stock": 6, "limit": 3,
    }  # fmt: skip


async def test_an_adjustment_whose_answer_was_lost_is_made_once(shop: Shop) -> None:
    sale = await shop.open_sale(2)
    once = change(sale, added=3)
    first = await shop.inventory.adjust_sale(once)
    await shop.buy(sale, "ann")
    assert await shop.inventory.adjust_sale(once) == first
    assert (await shop.events()).count("sale.adjusted") == 1
    with pytest.raises(Conflict, match="key_reused"):
        await shop.inventory.adjust_sale(replace(once, added=4))
    await shop.assert_lawful(sale)


async def test_a_voided_adjustment_is_never_made(shop: Shop) -> None:
    sale = await shop.open_sale(2)
    never, made = change(sale, added=3), change(sale, added=1)
    assert await shop.inventory.void_adjustment(sale, never.operation)
    with pytest.raises(Conflict, match="key_reused"):
        await shop.inventory.adjust_sale(never)
    await shop.inventory.adjust_sale(made)
    assert not await shop.inventory.void_adjustment(sale, made.operation)
    assert (await shop.inventory.stock([sale]))[0].available == 3


async def test_units_that_are_taken_away_are_told_to_the_shop(shop: Shop) -> None:
    sale = await shop.open_sale(5)
    taken = change(sale, added=-2)
    await shop.inventory.adjust_sale(taken)
    (record,) = await shop.told("sale.reduced")
    data = msgspec.json.decode(record.data)
    assert (data["sale"], data["operation"], data["units"]) == (sale, taken.operation, 2)


async def test_a_scheduled_sale_is_announced_and_sells_nothing_before_its_time(shop: Shop) -> None:
    sale = await shop.open_sale(2, wait_ms=60_000)
    card = await shop.card_of("sale.scheduled")
    assert (card["phase"], card["closes_ms"] - card["opens_ms"]) == ("scheduled", 300_000)
    refusal = await shop.try_buy(sale, "ann")
    assert isinstance(refusal, Conflict)
    assert (refusal.code, refusal.params["opens_ms"]) == ("sale_not_open", card["opens_ms"])
    assert 0 < int(refusal.params["wait_ms"]) <= 60_000
    assert (await shop.orders.sweep(SHARD, 100)).handled == 0
    await shop.assert_lawful(sale)


async def test_a_wish_after_the_start_opens_a_sale_without_a_worker(shop: Shop) -> None:
    sale = await shop.open_sale(2, wait_ms=60_000)
    await shop.start_time_comes(sale)
    assert (await shop.buy(sale, "ann")).order.state == "held"
    await shop.orders.sweep(SHARD, 100)
    assert await shop.events() == ["sale.scheduled", "sale.opened"]
    assert (await shop.card_of("sale.opened"))["phase"] == "open"
    await shop.assert_lawful(sale)


async def test_a_worker_opens_a_scheduled_sale_once(shop: Shop) -> None:
    sale = await shop.open_sale(2, wait_ms=60_000)
    await shop.start_time_comes(sale)
    assert [(await shop.orders.sweep(SHARD, 100)).handled for _ in range(2)] == [1, 0]
    assert await shop.events() == ["sale.scheduled", "sale.opened"]


async def test_a_wish_that_names_a_scheduled_sale_twice_opens_it_once(shop: Shop) -> None:
    sale = await shop.open_sale(2, wait_ms=60_000)
    await shop.start_time_comes(sale)
    lines = f"{sale}:1:{PRICE} {sale}:1:{PRICE}"
    wish = (new_id(SHARD), "ann", new_id(), "fingerprint", 2 * PRICE, lines, "", "{}", "{}")
    assert (await shop.redis.fcall("hold_v2", 1, tag(SHARD), *wish))[1] == b"bad_bag"
    assert await shop.events() == ["sale.scheduled", "sale.opened"]


async def test_a_cancelled_sale_never_opens_and_its_stock_goes_back(shop: Shop) -> None:
    sale = await shop.open_sale(2, wait_ms=60_000)
    await shop.inventory.close_sale(sale, 1)
    await shop.start_time_comes(sale)
    assert await shop.refused(sale, "ann") == "sale_closed"
    assert (await shop.orders.sweep(SHARD, 100)).handled == 0
    (record,) = await shop.told("sale.closed")
    assert msgspec.json.decode(record.data)["returned"] == 2
    assert await shop.events() == ["sale.scheduled", "sale.closed"]
    await shop.assert_lawful(sale)


async def test_a_scheduled_sale_opens_at_terms_that_were_adjusted_before(shop: Shop) -> None:
    sale = await shop.open_sale(2, wait_ms=60_000)
    await adjust(shop, sale, price_minor=PRICE - 1, added=1)
    await shop.start_time_comes(sale)
    assert await shop.refused(sale, "ann") == "price_changed"
    card = await shop.card_of("sale.opened")
    assert (card["version"], card["price_minor"], card["stock"]) == (2, PRICE - 1, 3)


async def test_a_scheduled_sale_without_units_opens_sold_out(shop: Shop) -> None:
    sale = await shop.open_sale(1, wait_ms=60_000)
    await adjust(shop, sale, added=-1)
    await shop.start_time_comes(sale)
    await shop.orders.sweep(SHARD, 100)
    assert (await shop.events())[-2:] == ["sale.opened", "sold.out"]


async def test_a_scheduled_sale_that_nobody_opened_in_its_time_closes(shop: Shop) -> None:
    sale = await shop.open_sale(1, wait_ms=60_000)
    await shop.start_time_comes(sale)
    await shop.end_comes(sale)
    assert await shop.refused(sale, "ann") == "sale_closed"
    await shop.orders.sweep(SHARD, 100)
    assert await shop.events() == ["sale.scheduled", "sale.closed"]
    await shop.assert_lawful(sale)


async def test_a_sale_is_announced_at_most_a_day_ahead(shop: Shop) -> None:
    with pytest.raises(Conflict, match="opens_too_late"):
        await shop.open_sale(1, wait_ms=86_400_001)


async def test_a_gateways_clock_moves_no_start_and_no_end(shop: Shop) -> None:
    opening = replace(shop.opening(1, wait_ms=60_000), opens_ms=1)
    before = now_ms()
    await shop.inventory.open_sale(opening, await shop.here())
    card = await shop.card_of("sale.scheduled")
    assert before + 60_000 <= card["opens_ms"] <= now_ms() + 60_000
    assert card["closes_ms"] == card["opens_ms"] + 300_000


async def test_a_closed_sale_sells_nothing_more(shop: Shop) -> None:
    sale = await shop.open_sale(2)
    await shop.inventory.close_sale(sale, 1)
    assert await shop.refused(sale, "ann") == "sale_closed"


async def test_a_sale_is_over_at_its_time_even_before_the_sweep(shop: Shop) -> None:
    sale = await shop.open_sale(2)
    await shop.end_comes(sale)
    assert await shop.refused(sale, "ann") == "sale_closed"
    await shop.orders.sweep(SHARD, 100)
    assert await shop.events() == ["sale.opened", "sale.closed"]


async def test_closing_twice_tells_the_room_once(shop: Shop) -> None:
    sale = await shop.open_sale(2)
    first = await shop.inventory.close_sale(sale, 1)
    assert await shop.inventory.close_sale(sale, 1) == first
    assert await shop.events() == ["sale.opened", "sale.closed"]


async def test_another_version_of_a_sale_is_not_closed(shop: Shop) -> None:
    sale = await shop.open_sale(2)
    with pytest.raises(Conflict, match="sale_changed"):
        await shop.inventory.close_sale(sale, 7)


async def test_a_closed_sale_returns_its_rest_when_the_last_hold_has_ended(shop: Shop) -> None:
    sale = await shop.open_sale(5, limit=5)
    await shop.sell(sale, "ann")
    held = await shop.buy(sale, "bob")
    await shop.inventory.close_sale(sale, 1)
    assert await shop.told("sale.closed") == []
    await shop.orders.cancel(OrderId(held.order.order), PersonId("bob"))
    (record,) = await shop.told("sale.closed")
    data = msgspec.json.decode(record.data)
    assert (data["allocated"], data["sold"], data["returned"]) == (5, 1, 4)
    await shop.assert_lawful(sale)


async def test_opening_the_same_sale_twice_opens_it_once(shop: Shop) -> None:
    opening, place = shop.opening(1), await shop.here()
    first = await shop.inventory.open_sale(opening, place)
    assert await shop.inventory.open_sale(opening, place) == first
    assert await shop.events() == ["sale.opened"]


async def test_a_sale_is_not_opened_where_the_room_has_moved_on(shop: Shop) -> None:
    stale = await shop.here()
    await shop.open_sale(1)
    opening = shop.opening(1)
    with pytest.raises(Stale):
        await shop.inventory.open_sale(opening, stale)
    assert await shop.inventory.stock([opening.sale]) == []


async def test_a_sale_is_refused_on_a_server_that_may_lose_holds(shop: Shop) -> None:
    server = await shop.redis.server_of(tag(SHARD))
    await server.config_set("appendfsync", "everysec")
    try:
        with pytest.raises(Unavailable, match="not_durable"):
            await shop.open_sale(1)
    finally:
        await server.config_set("appendfsync", "always")


async def test_a_confirmed_order_is_told_complete_and_adds_up(shop: Shop) -> None:
    sale = await shop.open_sale(2, limit=2)
    held = await shop.sell(sale, "ann", qty=2)
    (record,) = await shop.told("order.confirmed")
    order = msgspec.json.decode(record.data, type=ConfirmedOrder)
    assert (order.order, order.buyer, order.sale) == (held.order.order, "ann", sale)
    assert order.total_minor == order.charge.captured_minor == 2 * PRICE
    assert sum(line.paid_minor for line in order.lines) == order.total_minor


async def test_an_open_order_is_found_at_the_next_join(shop: Shop) -> None:
    sale = await shop.open_sale(1)
    held = await shop.buy(sale, "ann")
    orders, *_ = (await RedisRecords(shop.redis).read(shop.room, ["ann"]))["ann"]
    assert orders == [held.order]


async def test_an_expired_order_is_found_at_the_next_join_and_on_the_orders_page(shop: Shop) -> None:
    sale = await shop.open_sale(1)
    held = await shop.buy(sale, "ann")
    await shop.overdue(held.order.order)
    await shop.orders.sweep(SHARD, 100)
    orders, *_ = (await RedisRecords(shop.redis).read(shop.room, ["ann"]))["ann"]
    assert [card.state for card in orders] == ["expired"]
    assert [card.state for card in await shop.orders.of_buyer(PersonId("ann"))] == ["expired"]


async def test_a_projected_order_is_forgotten_after_a_while(shop: Shop) -> None:
    sale = await shop.open_sale(1)
    held = await shop.sell(sale, "ann")
    await shop.orders.projected(OrderId(held.order.order))
    assert await shop.orders.forget(SHARD, 100) == 0
    await shop.redis.zadd(f"{tag(SHARD)}:projected", {held.order.order: 0})
    assert await shop.orders.forget(SHARD, 100) == 1
    assert await shop.state_of(held.order.order) == "gone"
    assert await shop.orders.of_buyer(PersonId("ann")) == []


async def test_an_unknown_sale_is_not_found(shop: Shop) -> None:
    assert await shop.refused(f"{SHARD}nothing", "ann") == "sale_not_found"
    with pytest.raises(NotFound):
        await shop.inventory.audit(SaleId(f"{SHARD}nothing"))


async def test_a_sale_opened_again_days_later_is_the_same_sale(shop: Shop) -> None:
    opening = shop.opening(3)
    first = await shop.inventory.open_sale(opening, await shop.here())
    await shop.sell(opening.sale, "ann")
    await forget_answers(shop)
    assert await shop.inventory.open_sale(opening, await shop.here()) == first
    assert (await shop.events()).count("sale.opened") == 1
    await shop.assert_lawful(opening.sale)


async def test_a_voided_sale_never_opens(shop: Shop) -> None:
    opening = shop.opening(3)
    assert [await shop.inventory.void(opening.sale) for _ in range(2)] == [True, True]
    with pytest.raises(Conflict, match="key_reused"):
        await shop.inventory.open_sale(opening, await shop.here())
    assert await shop.inventory.stock([opening.sale]) == []
    assert await shop.events() == []


async def test_a_sale_that_is_open_is_not_voided(shop: Shop) -> None:
    sale = await shop.open_sale(3)
    assert not await shop.inventory.void(sale)
    await shop.buy(sale, "ann")
    await shop.assert_lawful(sale)


async def test_who_gives_back_again_and_again_gets_no_more_holds(shop: Shop) -> None:
    sale = await shop.open_sale(1)
    for _ in range(10):
        await give_back(shop, await shop.buy(sale, "ann"))
    assert await shop.refused(sale, "ann") == "limit_reached"
    assert (await shop.buy(sale, "bob")).order.state == "held"
    await shop.assert_lawful(sale)


async def test_an_order_that_nobody_tried_to_pay_is_kept_a_quarter_of_an_hour(shop: Shop) -> None:
    sale = await shop.open_sale(2, limit=2)
    unpaid, tried = await shop.buy(sale, "ann"), await shop.buy(sale, "ann")
    await shop.payments.failed(await shop.begin_payment(tried, "ann"))
    for held in (unpaid, tried):
        await give_back(shop, held)
    lives = [await shop.redis.ttl(f"{tag(SHARD)}:order:{held.order.order}") for held in (unpaid, tried)]
    assert 0 < lives[0] <= 900 < lives[1]


async def test_a_paid_order_is_seen_behind_any_number_of_forgotten_ones(shop: Shop) -> None:
    sale = await shop.open_sale(1)
    held = await shop.sell(sale, "ann")
    index = f"{tag(SHARD)}:orders:ann"
    await shop.redis.zadd(index, {f"forgotten{number}": now_ms() + number for number in range(1, 401)})
    assert [card.order for card in await shop.orders.of_buyer(PersonId("ann"))] == [held.order.order]
    assert await shop.redis.zcard(index) == 1


async def give_back(shop: Shop, held: Held) -> None:
    await shop.orders.cancel(OrderId(held.order.order), PersonId("ann"))


async def forget_answers(shop: Shop) -> None:
    """The answers to operations are kept for a day; that day is over."""
    server = await shop.redis.server_of(tag(SHARD))
    for key in await server.keys(f"{tag(SHARD)}:op:*"):
        await shop.redis.delete(key)


async def test_a_sale_is_not_found_in_another_room_whoever_wishes_for_it_at_the_same_moment(
    shop: Shop,
) -> None:
    sale = await shop.open_sale(2)
    here, elsewhere = (
        replace(a_wish(sale, buyer), room=room) for buyer, room in (("ann", shop.room), ("bob", "00else"))
    )
    granted, refused = await shop.checkout.buy([here, elsewhere], now_ms())
    assert isinstance(granted, Held)
    assert isinstance(refused, NotFound)
    await shop.assert_lawful(sale)
