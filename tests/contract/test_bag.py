"""Several lines in one order, on the real server: all of them or none, whatever happens."""

from __future__ import annotations

import msgspec
import pytest

from livecommerce.adapters.redis_connection import Connection, tag
from livecommerce.checkout import Held
from livecommerce.clock import now_ms
from livecommerce.coupon import GrantCard
from livecommerce.errors import DomainError
from livecommerce.ids import OrderId, PersonId, SaleId, new_id
from livecommerce.orders import ConfirmedOrder
from tests.selling import PLATFORMS, PRICE, SHARD, Shop


@pytest.fixture
async def shop(anywhere: Connection) -> Shop:
    shop = Shop(anywhere)
    await shop.open_room()
    return shop


async def bag(shop: Shop, *lines: tuple[str, int], grants: tuple[str, ...] = (), key: str = "") -> Held:
    """Wishes as Ann, and must get it."""
    answer = await shop.try_buy_bag(lines, "ann", grants=grants, key=key)
    assert isinstance(answer, Held), answer
    return answer


async def refused(shop: Shop, *lines: tuple[str, int], grants: tuple[str, ...] = ()) -> tuple[str, object]:
    """Wishes as Ann, and must be refused; answers the code and the line."""
    answer = await shop.try_buy_bag(lines, "ann", grants=grants)
    assert isinstance(answer, DomainError), answer
    return answer.code, answer.params.get("sale")


async def counts(shop: Shop, *sales: str) -> list[tuple[int, int, int]]:
    """Available, held and sold of sales that obey their laws."""
    await shop.assert_lawful(*sales)
    stocks = await shop.inventory.stock([SaleId(sale) for sale in sales])
    return [(stock.available, stock.held, stock.sold) for stock in stocks]


async def two_coupons(shop: Shop) -> tuple[str, str]:
    """Ten off from the merchant, then ten per cent but five at most from the platform, in Ann's wallet."""
    await shop.fund(1_000)
    await shop.fund_campaign(PLATFORMS, 500)
    ours = await shop.claim(await shop.drop(1), "ann")
    theirs = await shop.claim(await shop.drop(1, summary=shop.platforms_summary(100_000, 500)), "ann")
    return ours.grant, theirs.grant


async def budgets(shop: Shop) -> list[tuple[int, int, int]]:
    """Available, reserved and spent of both campaigns, which obey their laws."""
    audits = [await shop.coupons.audit(shop.room, campaign) for campaign in (shop.campaign, PLATFORMS)]
    assert [audit.violations() for audit in audits] == [[], []]
    return [(audit.available, audit.reserved, audit.spent) for audit in audits]


async def test_a_bag_holds_the_units_of_every_line_under_one_order(shop: Shop) -> None:
    one, two = await shop.open_sale(3, limit=2), await shop.open_sale(1)
    held = await bag(shop, (one, 2), (two, 1))
    assert held.order.total_minor == 3 * PRICE
    assert [(line.sale, line.qty) for line in held.order.lines] == [(one, 2), (two, 1)]
    assert [(stock.sale, stock.available) for stock in held.stocks] == [(one, 1), (two, 0)]
    assert await counts(shop, one, two) == [(1, 2, 0), (0, 1, 0)]


async def test_one_line_that_cannot_be_had_leaves_the_others_alone_and_is_named(shop: Shop) -> None:
    one, two = await shop.open_sale(3), await shop.open_sale(1)
    await shop.buy(two, "bob")
    assert await refused(shop, (one, 1), (two, 1)) == ("sold_out", two)
    assert await refused(shop, (one, 2), (two, 1)) == ("limit_reached", one)
    await shop.inventory.close_sale(one, 1)
    assert await refused(shop, (two, 1), (one, 1)) == ("sold_out", two)
    assert await refused(shop, (one, 1)) == ("sale_closed", one)
    assert await counts(shop, two) == [(0, 1, 0)]


async def test_a_bag_finds_what_overdue_holds_keep(shop: Shop) -> None:
    one, two = await shop.open_sale(1), await shop.open_sale(1)
    other = await shop.buy(two, "bob")
    await shop.overdue(other.order.order)
    await bag(shop, (one, 1), (two, 1))
    assert await counts(shop, one, two) == [(0, 1, 0), (0, 1, 0)]


async def test_the_same_key_answers_the_same_bag(shop: Shop) -> None:
    one, two = await shop.open_sale(5, limit=5), await shop.open_sale(5)
    first = await bag(shop, (one, 2), (two, 1), key="key-of-ann")
    again = await bag(shop, (one, 2), (two, 1), key="key-of-ann")
    assert again.order.order == first.order.order
    assert [stock.available for stock in again.stocks] == [3, 4]
    other = await shop.try_buy_bag([(one, 2)], "ann", key="key-of-ann")
    assert isinstance(other, DomainError)
    assert other.code == "key_reused"


async def test_a_bag_that_runs_out_gives_back_every_line_and_both_coupons(shop: Shop) -> None:
    one, two = await shop.open_sale(1), await shop.open_sale(1)
    held = await bag(shop, (one, 1), (two, 1), grants=await two_coupons(shop))
    assert held.order.total_minor == 2 * PRICE - 1_000 - 500
    assert await budgets(shop) == [(0, 1_000, 0), (0, 500, 0)]
    await shop.overdue(held.order.order)
    await shop.orders.sweep(SHARD, 10)
    assert await counts(shop, one, two) == [(1, 0, 0), (1, 0, 0)]
    assert await budgets(shop) == [(0, 1_000, 0), (0, 500, 0)]
    await bag(shop, (one, 1), (two, 1), grants=tuple([card.grant for card in await wallet(shop)]))


async def wallet(shop: Shop) -> list[GrantCard]:
    """Ann's coupons that she can use."""
    owned = await shop.coupons.of_owner(PersonId("ann"), [SHARD])
    return [card for _, card in owned if card.state == "active"]


async def test_a_paid_bag_is_sold_line_by_line_and_its_coupons_are_spent(shop: Shop) -> None:
    one, two = await shop.open_sale(1), await shop.open_sale(2, limit=2)
    held = await bag(shop, (one, 1), (two, 2), grants=await two_coupons(shop))
    payment = await shop.begin_payment(held, "ann")
    assert await shop.capture(payment, held.order.total_minor) == "applied"
    assert await counts(shop, one, two) == [(0, 0, 1), (0, 0, 2)]
    assert await budgets(shop) == [(0, 0, 1_000), (0, 0, 500)]
    (told,) = await shop.told("order.confirmed")
    order = msgspec.json.decode(told.data, type=ConfirmedOrder)
    assert [(line.sale, line.qty) for line in order.lines] == [(one, 1), (two, 2)]
    assert [(used.funder, used.discount_minor) for used in order.coupons] == [
        ("merchant", 1_000),
        ("platform", 500),
    ]


@pytest.mark.parametrize("gone", [False, True])
async def test_late_money_becomes_the_order_only_if_every_line_is_still_there(shop: Shop, gone: bool) -> None:
    one, two = await shop.open_sale(2), await shop.open_sale(1)
    held = await bag(shop, (one, 1), (two, 1), grants=await two_coupons(shop))
    payment = await shop.begin_payment(held, "ann")
    await shop.overdue(held.order.order)
    (closing,) = (await shop.orders.sweep(SHARD, 10)).closing
    await shop.payments.closed(payment)
    await shop.orders.release(OrderId(closing.order), closing.v)
    if gone:
        await shop.buy(two, "bob")
    before = await counts(shop, one, two)
    outcome = await shop.capture(payment, held.order.total_minor)
    if gone:
        assert outcome == "refund_due"
        assert await counts(shop, one, two) == before == [(2, 0, 0), (0, 1, 0)]
        assert await budgets(shop) == [(0, 1_000, 0), (0, 500, 0)]
    else:
        assert outcome == "applied"
        assert await counts(shop, one, two) == [(1, 0, 1), (0, 0, 1)]
        assert await budgets(shop) == [(0, 0, 1_000), (0, 0, 500)]


async def test_one_coupon_does_not_lower_an_order_twice(shop: Shop) -> None:
    sale = await shop.open_sale(1)
    ours, _ = await two_coupons(shop)
    code, _ = await refused(shop, (sale, 1), grants=(ours, ours))
    assert code == "coupons_not_together"
    assert await counts(shop, sale) == [(1, 0, 0)]


async def test_a_hold_of_an_older_gateway_ends_like_any_other(shop: Shop) -> None:
    sale, order = await shop.open_sale(1), new_id(SHARD)
    await shop.redis.fcall(
        "hold_v1", 1, tag(SHARD), sale, order, "ann", "key", f"{sale}|{PRICE}|1|", PRICE, 1, PRICE, 0, "",
        '{"order":"x"}', '{"order":"x"}',
    )  # fmt: skip
    assert await counts(shop, sale) == [(0, 1, 0)]
    key = f"{tag(SHARD)}:order:{order}"
    await shop.redis.hdel(key, "lines", "coupons")
    await shop.redis.hset(key, mapping={"grant": "", "discount_minor": "0"})
    await shop.redis.zadd(f"{tag(SHARD)}:expiry", {order: now_ms() - 1})
    await shop.orders.sweep(SHARD, 10)
    assert await counts(shop, sale) == [(1, 0, 0)]
