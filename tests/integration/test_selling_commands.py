"""The host's selling commands on real stores: what is lent is what is sold, whatever is repeated."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.accounts import Person
from livecommerce.adapters.redis_connection import Connection, tag_of
from livecommerce.adapters.redis_coupons import RedisCoupons
from livecommerce.adapters.redis_inventory import RedisInventory
from livecommerce.adapters.redis_lottery import RedisLottery
from livecommerce.adapters.redis_orders import RedisOrders
from livecommerce.adapters.redis_outbox import RedisOutbox
from livecommerce.adapters.redis_rooms import RedisRooms
from livecommerce.adapters.redis_waitlist import RedisWaitlist
from livecommerce.adapters.sql_campaigns import SqlCampaigns
from livecommerce.adapters.sql_catalog import SqlCatalog
from livecommerce.adapters.sql_loans import SqlLoans
from livecommerce.adapters.sql_projection import SqlProjection
from livecommerce.adapters.sql_schedule import SqlSchedule
from livecommerce.adapters.sql_schema import persons
from livecommerce.adapters.sql_shop import SqlShops
from livecommerce.catalog import Product, Sku
from livecommerce.checkout import Checkout
from livecommerce.clock import now_ms
from livecommerce.coupon import Campaign
from livecommerce.errors import Conflict, Invalid, NotFound, Unavailable
from livecommerce.fees import built_in
from livecommerce.flash_sale import Place, SaleAdjustment, SaleOpening, StockCount
from livecommerce.gateway.auth import Credential
from livecommerce.gateway.background import Background
from livecommerce.gateway.hold_batch import HoldBatch
from livecommerce.gateway.lines import Lines
from livecommerce.gateway.messages import from_client
from livecommerce.gateway.sale_terms import SaleTerms
from livecommerce.gateway.selling_commands import SellingCommands
from livecommerce.gateway.served_room import ServedRoom
from livecommerce.gateway.session import Session
from livecommerce.gateway.stockroom import Stockroom
from livecommerce.gateway.trail import Trail
from livecommerce.ids import (
    CampaignId,
    OrderId,
    PersonId,
    ProductId,
    RoomId,
    SaleId,
    Shard,
    ShopId,
    SkuId,
    shard_of,
)
from livecommerce.lottery import Seeds, commit_to
from livecommerce.room import room as rules
from livecommerce.room.cards import NO_END_MS, SegmentCard
from livecommerce.schedule.show import Show
from livecommerce.shop import Shop
from livecommerce.worker.draws import Draws
from livecommerce.worker.stranded_stock import StrandedStock
from tests.fakes import FakeAudit, FakeBus, FakeComments, FakeSanctions
from tests.rooms import HOST, ROOM, a_room
from tests.selling import FakePolicies

SHOP, OTHER = ShopId("shop"), ShopId("other")
SKU = SkuId("one")


class LosesAnswers(RedisInventory):
    """An inventory whose next calls are lost on the way, or their answers, or overtaken."""

    lost = 0
    lost_answers = 0
    before_void: Callable[[], Awaitable[object]] | None = None

    async def void(self, sale: SaleId) -> bool:
        if self.before_void is not None:
            await self.before_void()
        return await super().void(sale)

    async def open_sale(self, opening: SaleOpening, place: Place) -> int:
        if self.lost:
            self.lost -= 1
            raise Unavailable("redis_away")
        return await super().open_sale(opening, place)

    async def adjust_sale(self, adjustment: SaleAdjustment) -> StockCount:
        if self.lost:
            self.lost -= 1
            raise Unavailable("redis_away")
        count = await super().adjust_sale(adjustment)
        if self.lost_answers:
            self.lost_answers -= 1
            raise Unavailable("redis_away")
        return count


class Site:
    """A live room on real stores, and its host."""

    def __init__(self, redis: Connection, sql: AsyncEngine) -> None:
        self.redis = redis
        self.inventory = LosesAnswers(redis)
        self.orders = RedisOrders(redis, shards=1)
        self.catalog = SqlCatalog(sql)
        self.loans = SqlLoans(sql)
        self.projection = SqlProjection(sql)
        self.outbox = RedisOutbox(redis, "projector", "test")
        self.campaigns = SqlCampaigns(sql)
        self.shops = SqlShops(sql)
        self.schedule = SqlSchedule(sql)
        self.rooms = RedisRooms(redis)
        self.background = Background()
        coupons = RedisCoupons(redis, shards=1)
        self.waitlists = RedisWaitlist(redis)
        seeds = Seeds(b"a key of the deployment")
        self.lines = Lines(self.waitlists, seeds)
        self.draws = Draws(RedisLottery(redis), seeds, [Shard("00")])
        self.dark_rooms: list[tuple[str, str]] = []
        self.terms = SaleTerms(self.inventory, self.loans, Trail(FakeAudit(), now_ms), now_ms)
        self.commands = SellingCommands(
            HoldBatch(
                Checkout(self.inventory, coupons, FakePolicies(), now_ms, built_in), self.background, now_ms
            ),
            self.inventory,
            Stockroom(self.catalog, self.schedule),
            coupons,
            self.campaigns,
            self.lines,
            Trail(FakeAudit(), now_ms),
            now_ms,
            180,
            lambda room, seat: self.dark_rooms.append((room, seat)),
        )

    async def open(self, sql: AsyncEngine) -> None:
        """A show with one product on its shelf, five units on hand."""
        async with sql.begin() as connection:
            await connection.execute(insert(persons).values(person=HOST, name="Mei", created_ms=1))
        for shop in (SHOP, OTHER):
            await self.shops.add(Shop(shop=shop, name={"en": shop}), 1)
        sku = Sku(sku=SKU, title={"en": "One"}, price_minor=12_900, on_hand=5)
        product = ProductId("umbrella")
        await self.catalog.put(
            Product(
                product=product,
                shop=SHOP,
                title={"en": "Umbrella"},
                image="",
                category="home",
                currency="CNY",
                skus=(sku,),
            ),
            1,
        )
        await self.schedule.add_show(a_show())
        await self.catalog.set_shelf(RoomId(ROOM), [product])
        await self.rooms.create(replace(a_room("live"), shop=SHOP))

    async def window_is_over(self, sale: str) -> None:
        """Moves the end of a draw's window into the past, as waiting would."""
        await self.redis.hset(f"{tag_of(sale)}:sale:{sale}", "window_ms", "0")
        await self.redis.zadd(f"{tag_of(sale)}:draws", {sale: 0})

    async def host(self) -> Session:
        """The host on a gateway of its own."""
        served = ServedRoom(
            await self.rooms.load(ROOM),
            self.rooms,
            FakeBus(),
            self.inventory.stock,
            self.waitlists.counts,
            FakeComments(50),
            FakeSanctions(FakeBus()),
            "node",
            self.background.spawn,
            now_ms,
            lambda _: None,
        )
        return Session(
            Credential(Person(person=HOST, name="Mei"), now_ms() + 60_000, 0), served, "", "", now_ms()
        )

    async def project(self) -> None:
        """Brings SQL up to date."""
        records = await self.outbox.read(shard_of(ROOM), 100, 1)
        await self.projection.apply(records)
        await self.outbox.acknowledge(shard_of(ROOM), [record.position for record in records])

    async def on_hand(self) -> int:
        """Units in the store-room."""
        return (await self.catalog.find_by_sku(SKU)).skus[0].on_hand


def a_show() -> Show:
    return Show(
        room=RoomId(ROOM),
        shop=SHOP,
        host=PersonId(HOST),
        title={"en": "Show"},
        cover="",
        phase="scheduled",
        starts_ms=now_ms(),
        ends_ms=now_ms() + 3_600_000,
        time_zone="UTC",
        created_ms=1,
    )


def a_campaign(**changes: Any) -> Campaign:
    campaign = Campaign(
        campaign=CampaignId("c"),
        shop=SHOP,
        kind="drop",
        title={"en": "Off"},
        funder="merchant",
        discount_minor=500,
        threshold_minor=0,
        currency="CNY",
        budget_minor=50_000,
        lent_minor=0,
        per_person=1,
        arrivals_needed=0,
        starts_ms=0,
        ends_ms=now_ms() + 3_600_000,
    )
    return replace(campaign, **changes)


def a_sale(stock: int = 2, key: str = "same-key") -> from_client.SaleOpen:
    return from_client.SaleOpen(id=1, sku=SKU, price_minor=9_900, stock=stock, key=key)


@pytest.fixture
async def site(redis: Connection, sql: AsyncEngine) -> AsyncIterator[Site]:
    site = Site(redis, sql)
    await site.open(sql)
    yield site
    await site.background.close()


def running(session: Session) -> Sequence[str]:
    return [sale.sale for sale in session.served.live.state.sales if sale.phase != "closed"]


async def test_a_sale_opens_once_for_a_key(site: Site) -> None:
    host = await site.host()
    await site.commands.open_sale(host, a_sale())
    await site.commands.open_sale(host, a_sale())
    assert len(running(host)) == 1
    assert await site.on_hand() == 3


async def test_a_lost_answer_is_found_again_by_the_key(site: Site) -> None:
    host = await site.host()
    site.inventory.lost = 1
    with pytest.raises(Unavailable):
        await site.commands.open_sale(host, a_sale())
    await site.commands.open_sale(host, a_sale())
    (stock,) = await site.inventory.stock([SaleId(running(host)[0])])
    assert (stock.available, await site.on_hand()) == (2, 3)


async def test_stock_of_a_sale_that_never_opened_comes_back(site: Site) -> None:
    host = await site.host()
    site.inventory.lost = 1
    with pytest.raises(Unavailable):
        await site.commands.open_sale(host, a_sale(key="never-opened"))
    await site.commands.open_sale(host, a_sale(stock=1))
    assert await StrandedStock(site.catalog, site.loans, site.inventory, now_ms).step() == 0
    later = StrandedStock(site.catalog, site.loans, site.inventory, lambda: now_ms() + 301_000)
    assert [await later.step() for _ in range(2)] == [1, 0]
    (stock,) = await site.inventory.stock([SaleId(running(host)[0])])
    assert (stock.available, await site.on_hand()) == (1, 4)
    with pytest.raises(Conflict, match="key_reused"):
        await site.commands.open_sale(host, a_sale(key="never-opened"))


async def late_host(site: Site) -> Session:
    """A host whose gateway has not heard yet that the show has started."""
    session = await site.host()
    session.served.live.state = replace(session.served.live.state, phase="scheduled")
    return session


async def test_stock_of_a_sale_that_a_twin_opened_stays_with_it(site: Site) -> None:
    early = await site.host()
    site.inventory.before_void = lambda: site.commands.open_sale(early, a_sale())
    with pytest.raises(Conflict):
        await site.commands.open_sale(await late_host(site), a_sale())
    (stock,) = await site.inventory.stock([SaleId(running(early)[0])])
    assert (stock.available, await site.on_hand()) == (2, 3)


async def test_a_sale_whose_stock_went_back_opens_nowhere(site: Site) -> None:
    early = await site.host()
    with pytest.raises(Conflict):
        await site.commands.open_sale(await late_host(site), a_sale())
    with pytest.raises(Conflict, match="key_reused"):
        await site.commands.open_sale(early, a_sale())
    assert (running(early), await site.on_hand()) == ([], 5)


async def test_a_reused_key_cannot_sell_more_than_was_lent(site: Site) -> None:
    host = await site.host()
    site.inventory.lost = 1
    with pytest.raises(Unavailable):
        await site.commands.open_sale(host, a_sale(stock=2))
    with pytest.raises(Conflict, match="key_reused"):
        await site.commands.open_sale(host, a_sale(stock=500))
    assert running(host) == []


async def running_sale(site: Site, stock: int = 2) -> tuple[Session, SaleId]:
    host = await site.host()
    await site.commands.open_sale(host, a_sale(stock=stock))
    return host, SaleId(running(host)[0])


def a_change(sale: SaleId, **terms: Any) -> from_client.SaleAdjust:
    return from_client.SaleAdjust(id=2, sale=sale, version=1, key="change-1", **terms)


async def counts(site: Site, sale: SaleId) -> tuple[int, int]:
    """Units that are left of the sale, and in the store-room."""
    (stock,) = await site.inventory.stock([sale])
    return stock.available, await site.on_hand()


async def test_a_host_changes_price_limit_end_and_units_in_one_step(site: Site) -> None:
    host, sale = await running_sale(site)
    (before,) = host.served.live.state.sales
    await site.terms.adjust(host, a_change(sale, price_minor=8_000, limit=3, extend_seconds=60, add_units=2))
    (card,) = host.served.live.state.sales
    assert (card.version, card.price_minor, card.limit, card.stock) == (2, 8_000, 3, 4)
    assert card.closes_ms == before.closes_ms + 60_000
    assert await counts(site, sale) == (4, 1)


async def test_a_buyer_who_saw_the_old_price_is_told_the_new_one(site: Site) -> None:
    host, sale = await running_sale(site)
    await site.terms.adjust(host, a_change(sale, price_minor=8_000))
    buyer = await site.host()
    wish = from_client.Buy(id=1, sale=sale, version=1, price_minor=9_900, key="a-wish-of-one")
    with pytest.raises(Conflict, match="price_changed") as refused:
        await site.commands.buy(buyer, wish)
    assert (refused.value.params["price_minor"], refused.value.params["version"]) == (8_000, 2)


async def test_more_units_do_not_disturb_a_wish_that_is_on_its_way(site: Site) -> None:
    host, sale = await running_sale(site)
    await site.terms.adjust(host, a_change(sale, add_units=1))
    wish = from_client.Buy(id=1, sale=sale, version=1, price_minor=9_900, key="a-wish-of-one")
    assert await site.commands.buy(await site.host(), wish) is not None


async def test_a_change_whose_answer_was_lost_is_found_again_by_its_key(site: Site) -> None:
    host, sale = await running_sale(site)
    site.inventory.lost_answers = 1
    with pytest.raises(Unavailable):
        await site.terms.adjust(host, a_change(sale, add_units=2))
    await site.terms.adjust(host, a_change(sale, add_units=2))
    assert await counts(site, sale) == (4, 1)
    assert await site.loans.unconfirmed(now_ms() + 1_000) == []


async def test_units_lent_for_a_change_that_was_refused_go_back(site: Site) -> None:
    host, sale = await running_sale(site)
    with pytest.raises(Conflict, match="end_passed"):
        await site.terms.adjust(host, a_change(sale, add_units=2, extend_seconds=-80_000))
    assert await counts(site, sale) == (2, 3)
    with pytest.raises(Conflict, match="stock_short"):
        await site.terms.adjust(host, a_change(sale, add_units=4))
    assert await counts(site, sale) == (2, 3)


async def test_units_that_a_dead_gateway_lent_and_never_added_come_back(site: Site) -> None:
    host, sale = await running_sale(site)
    site.inventory.lost = 1
    with pytest.raises(Unavailable):
        await site.terms.adjust(host, a_change(sale, add_units=2))
    assert await counts(site, sale) == (2, 1)
    assert await StrandedStock(site.catalog, site.loans, site.inventory, now_ms).step() == 0
    later = StrandedStock(site.catalog, site.loans, site.inventory, lambda: now_ms() + 301_000)
    assert [await later.step() for _ in range(2)] == [1, 0]
    assert await counts(site, sale) == (2, 3)
    with pytest.raises(Conflict, match="key_reused"):
        await site.terms.adjust(host, a_change(sale, add_units=2))


async def test_units_that_a_dead_gateway_added_stay_with_the_sale(site: Site) -> None:
    host, sale = await running_sale(site)
    site.inventory.lost_answers = 1
    with pytest.raises(Unavailable):
        await site.terms.adjust(host, a_change(sale, add_units=2))
    later = StrandedStock(site.catalog, site.loans, site.inventory, lambda: now_ms() + 301_000)
    assert await later.step() == 0
    assert await counts(site, sale) == (4, 1)


async def test_units_that_are_taken_away_are_on_hand_at_once_and_only_once(site: Site) -> None:
    host, sale = await running_sale(site, stock=4)
    await site.terms.adjust(host, a_change(sale, add_units=-3))
    await site.project()
    assert await counts(site, sale) == (1, 4)
    await site.commands.close_sale(host, from_client.SaleClose(sale=sale, version=2))
    await site.project()
    assert await site.on_hand() == 5


async def test_a_sale_that_closes_gives_back_what_was_lent_for_a_change_on_its_way(site: Site) -> None:
    host, sale = await running_sale(site)
    site.inventory.lost = 1
    with pytest.raises(Unavailable):
        await site.terms.adjust(host, a_change(sale, add_units=2))
    await site.commands.close_sale(host, from_client.SaleClose(sale=sale, version=1))
    await site.project()
    assert await site.on_hand() == 5
    later = StrandedStock(site.catalog, site.loans, site.inventory, lambda: now_ms() + 301_000)
    await later.step()
    assert await site.on_hand() == 5


async def test_a_change_of_nothing_is_refused(site: Site) -> None:
    host, sale = await running_sale(site)
    with pytest.raises(Invalid, match="nothing_to_change"):
        await site.terms.adjust(host, a_change(sale))


async def test_a_sale_that_is_announced_is_cancelled_and_its_stock_is_back(site: Site) -> None:
    host = await site.host()
    await site.commands.open_sale(host, replace(a_sale(), wait_seconds=3_600))
    (card,) = host.served.live.state.sales
    assert (card.phase, await site.on_hand()) == ("scheduled", 3)
    await site.commands.close_sale(host, from_client.SaleClose(sale=card.sale, version=1))
    await site.project()
    assert await site.on_hand() == 5


async def test_an_order_carries_the_segment_and_the_brand_it_fell_in(site: Site) -> None:
    host = await site.host()
    await site.commands.open_sale(host, a_sale())
    segment = SegmentCard(
        segment="tea-hour",
        kind="brand",
        title={"en": "Tea hour"},
        brand=OTHER,
        brand_name={"en": "Other"},
        starts_ms=1,
        ends_ms=2,
    )
    await host.served.live.command(lambda state: rules.start_segment(state, segment, now_ms()))
    buyer = await site.host()
    buyer.person = Person(person="buyer", name="Lin")
    wish = from_client.Buy(id=1, sale=running(host)[0], version=1, price_minor=9_900, key="a-wish-of-one")
    answer = await site.commands.buy(buyer, wish)
    assert answer is not None and answer.order is not None
    assert (answer.order.segment, answer.order.brand) == ("tea-hour", OTHER)


async def test_a_refused_sale_gives_its_stock_back(site: Site) -> None:
    host = await site.host()
    await site.commands.open_sale(host, a_sale(key="first-key"))
    with pytest.raises(Conflict, match="sale_running"):
        await site.commands.open_sale(host, a_sale(key="second-key"))
    assert await site.on_hand() == 3


async def test_ending_a_show_closes_also_what_another_gateway_opened(site: Site) -> None:
    here, there = await site.host(), await site.host()
    await site.commands.open_sale(there, a_sale())
    await site.commands.end_show(here, from_client.ShowEnd(id=1))
    assert here.served.live.state.phase == "ended"
    await there.served.live.catch_up()
    audit = await site.inventory.audit(SaleId(there.served.live.state.sales[0].sale))
    assert audit.returned == 2
    assert site.dark_rooms == [(here.served.live.room, "")]


async def test_ending_a_show_closes_also_what_another_gateway_has_just_changed(site: Site) -> None:
    there, sale = await running_sale(site)
    here = await site.host()
    await here.served.live.catch_up()
    await site.terms.adjust(there, a_change(sale, price_minor=8_800))
    await site.commands.end_show(here, from_client.ShowEnd(id=1))
    assert here.served.live.state.phase == "ended"
    assert (await site.inventory.audit(sale)).returned == 2


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"shop": OTHER}, "campaign_not_found"),
        ({"kind": "share"}, "campaign_not_running"),
        ({"starts_ms": 10**15}, "campaign_not_running"),
    ],
)
async def test_a_campaign_that_is_not_ours_or_not_on_lends_nothing(
    site: Site, changes: dict[str, Any], code: str
) -> None:
    await site.campaigns.add(a_campaign(**changes))
    with pytest.raises((Conflict, NotFound), match=code):
        await site.commands.drop_coupon(
            await site.host(), from_client.CouponDrop(id=1, campaign="c", count=3)
        )
    assert (await site.campaigns.find(CampaignId("c"))).lent_minor == 0


async def test_a_drop_in_a_room_that_is_over_lends_nothing(site: Site) -> None:
    await site.campaigns.add(a_campaign())
    host = await site.host()
    await site.commands.end_show(host, from_client.ShowEnd(id=1))
    with pytest.raises(Conflict, match="show_not_live"):
        await site.commands.drop_coupon(host, from_client.CouponDrop(id=2, campaign="c", count=3))
    assert (await site.campaigns.find(CampaignId("c"))).lent_minor == 0


def a_shelf_sale(stock: int = 2) -> from_client.ShelfOpen:
    return from_client.ShelfOpen(id=1, sku=SKU, stock=stock, key="shelf-key", limit=2)


async def test_a_product_is_sold_at_its_list_price_as_long_as_the_show_lasts(site: Site) -> None:
    host = await site.host()
    await site.commands.open_sale(host, a_shelf_sale())
    (card,) = host.served.live.state.sales
    assert (card.kind, card.price_minor, card.closes_ms) == ("shelf", 12_900, NO_END_MS)
    assert await site.on_hand() == 3
    await site.commands.end_show(host, from_client.ShowEnd(id=2))
    assert running(host) == []


async def test_the_shelf_price_and_a_flash_price_stand_beside_each_other(site: Site) -> None:
    host = await site.host()
    await site.commands.open_sale(host, a_shelf_sale())
    await site.commands.open_sale(host, a_sale())
    assert {card.kind for card in host.served.live.state.sales} == {"shelf", "flash"}
    with pytest.raises(Conflict, match="sale_running"):
        await site.commands.open_sale(host, replace(a_shelf_sale(1), key="another-key"))


async def test_a_bag_is_bought_in_one_order_and_a_changed_line_is_named(site: Site) -> None:
    host = await site.host()
    for message in (a_shelf_sale(), a_sale()):
        await site.commands.open_sale(host, message)
    lines = tuple(
        from_client.BagLine(sale=card.sale, version=1, price_minor=card.price_minor)
        for card in host.served.live.state.sales
    )
    answer = await site.commands.buy_bag(host, from_client.BuyBag(id=3, lines=lines, key="bag-key-1"))
    assert answer is not None
    assert answer.order is not None
    assert (answer.order.total_minor, answer.order.qty) == (12_900 + 9_900, 2)
    changed = (lines[0], replace(lines[1], version=9, price_minor=1))
    with pytest.raises(Conflict, match="price_changed") as refused:
        await site.commands.buy_bag(host, from_client.BuyBag(id=4, lines=changed, key="bag-key-2"))
    assert refused.value.params["sale"] == lines[1].sale


async def test_a_dropped_percentage_says_so_and_sets_its_cap_aside(site: Site) -> None:
    host = await site.host()
    await site.campaigns.add(a_campaign(percent_ppm=100_000, discount_minor=2_000, exclusive=True))
    await site.commands.drop_coupon(host, from_client.CouponDrop(id=1, campaign="c", count=3, key="drop-key"))
    (drop,) = host.served.live.state.drops
    assert (drop.percent_ppm, drop.discount_minor, drop.exclusive, drop.shop) == (100_000, 2_000, True, SHOP)
    assert (await site.campaigns.find(CampaignId("c"))).lent_minor == 6_000


async def a_buyer(site: Site, person: str) -> Session:
    buyer = await site.host()
    buyer.person = Person(person=person, name=person)
    return buyer


async def test_who_waits_gets_the_unit_that_comes_back_though_the_sale_has_closed_and_left_the_room(
    site: Site,
) -> None:
    host, ann = await site.host(), await a_buyer(site, "ann")
    await site.commands.open_sale(host, a_sale(stock=1))
    (sale,) = running(host)
    held = await site.commands.buy(
        host, from_client.Buy(id=1, sale=sale, version=1, price_minor=9_900, key="the-last-one")
    )
    assert held is not None and held.order is not None
    answer = await site.lines.wait(ann, from_client.Wait(id=2, sale=sale))
    assert answer is not None and answer.place is not None
    assert (answer.place.state, answer.place.ahead) == ("waiting", 0)
    await site.orders.cancel(OrderId(held.order.order), PersonId(HOST))
    await site.commands.close_sale(host, from_client.SaleClose(id=3, sale=sale, version=1))
    await host.served.live.catch_up()
    await site.commands.open_sale(host, a_sale(stock=1, key="another-key"))
    await ann.served.live.catch_up()
    taken = from_client.Buy(id=4, sale=sale, version=1, price_minor=9_900, key="it-is-my-turn")
    bought = await site.commands.buy(ann, taken)
    assert bought is not None and bought.order is not None
    assert bought.order.state == "held"
    assert (await site.inventory.audit(SaleId(sale))).violations() == []


async def test_a_sale_of_another_room_is_not_found(site: Site) -> None:
    host, ann = await site.host(), await a_buyer(site, "ann")
    await site.commands.open_sale(host, a_sale())
    (sale,) = running(host)
    elsewhere = replace(a_room("live"), room="00" + "E" * 26)
    await site.rooms.create(elsewhere)
    ann.served.live.state = elsewhere
    with pytest.raises(NotFound, match="sale_not_found"):
        await site.commands.buy(
            ann, from_client.Buy(sale=sale, version=1, price_minor=9_900, key="across-rooms")
        )


async def test_a_lottery_shows_the_hash_of_its_seed_and_the_seed_only_with_the_result(site: Site) -> None:
    host, ann = await site.host(), await a_buyer(site, "ann")
    message = replace(a_sale(stock=1), mode="lottery", window_seconds=30, seconds=60)
    await site.commands.open_sale(host, message)
    (card,) = host.served.live.state.sales
    assert (card.line, card.window_ms, card.draw) == ("lottery", 30_000, None)
    assert card.closes_ms - card.opens_ms == 90_000
    entered = await site.lines.wait(ann, from_client.Wait(id=1, sale=card.sale))
    assert entered is not None and entered.place is not None
    assert entered.place.state == "entered"
    await site.window_is_over(card.sale)
    await site.draws.step()
    await host.served.live.catch_up()
    (drawn,) = host.served.live.state.sales
    assert drawn.draw is not None
    assert commit_to(drawn.draw.seed) == card.commit
    assert (drawn.draw.entrants, drawn.draw.winners, drawn.phase) == (1, 1, "sold_out")
