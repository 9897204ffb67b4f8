"""Draws on the real server: everybody in the window is equal, and what was drawn is drawn once."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from livecommerce.adapters.redis_connection import Connection, tag
from livecommerce.adapters.redis_lottery import RedisLottery
from livecommerce.errors import Conflict
from livecommerce.flash_sale import SaleAdjustment, SaleOpening
from livecommerce.ids import OrderId, PersonId, SaleId, new_id
from livecommerce.lottery import Draw, Seeds, faults_of, make_draw, stretches
from livecommerce.waitlist import LOTTERY, Line, PlaceCard
from livecommerce.worker.draws import Draws
from tests.selling import SHARD, Shop

SEEDS = Seeds(b"a key of the deployment")


class Tombola:
    """A sale that is drawn for, on one shard of a real server."""

    def __init__(self, redis: Connection) -> None:
        self.shop = Shop(redis)
        self.lottery = RedisLottery(redis)
        self.worker = Draws(self.lottery, SEEDS, [SHARD])

    async def prepare(self, stock: int, *, window_seconds: int = 60, **changes: int) -> SaleOpening:
        """A sale that is about to open, and its line."""
        opening = self.shop.opening(stock, seconds=600, **changes)
        commit = SEEDS.commit(opening.sale)
        line = Line(kind=LOTTERY, turn_seconds=300, window_seconds=window_seconds, commit=commit)
        await self.shop.waitlist.prepare(opening.sale, line)
        return opening

    async def open(self, stock: int, **changes: int) -> SaleId:
        """Opens it."""
        opening = await self.prepare(stock, **changes)
        await self.shop.inventory.open_sale(opening, await self.shop.here())
        return opening.sale

    async def draw_time(self, sale: SaleId) -> int:
        """When a worker looks at its draw next."""
        return int(await self.shop.redis.zscore(f"{tag(SHARD)}:draws", sale) or 0)

    async def window_is_over(self, sale: SaleId) -> None:
        """Moves the end of the window into the past, as waiting would."""
        await self.shop.redis.hset(f"{tag(SHARD)}:sale:{sale}", "window_ms", "0")
        await self.shop.redis.zadd(f"{tag(SHARD)}:draws", {sale: 0})

    async def entered(self, sale: SaleId, *people: str) -> dict[str, PlaceCard]:
        """Lets people enter, each for one unit."""
        return {person: await self.shop.wait(sale, person) for person in people}

    async def draw(self, sale: SaleId) -> Draw:
        """Draws after the window."""
        await self.window_is_over(sale)
        await self.worker.step()
        draw = await self.lottery.find(sale)
        assert draw is not None
        return draw

    async def state(self, person: str) -> str:
        """What a person is shown when joining."""
        cards = await self.shop.places(person)
        return cards[0].state if cards else "none"


@pytest.fixture
async def tombola(anywhere: Connection) -> Tombola:
    tombola = Tombola(anywhere)
    await tombola.shop.open_room()
    return tombola


async def test_a_drawn_sale_gives_turns_to_the_winners_and_places_to_the_others(tombola: Tombola) -> None:
    sale = await tombola.open(2)
    entries = await tombola.entered(sale, "ann", "bob", "cat", "dan")
    assert {card.state for card in entries.values()} == {"entered"}
    draw = await tombola.draw(sale)
    people = {card.entry: person for person, card in entries.items()}
    states = [await tombola.state(people[entry]) for entry in draw.order]
    assert states == ["turn", "turn", "lost", "lost"]
    assert [winner.entry for winner in draw.winners] == list(draw.order[:2])
    assert faults_of(draw) == []
    await tombola.shop.assert_lawful(sale)


async def test_nobody_can_buy_before_the_draw(tombola: Tombola) -> None:
    sale = await tombola.open(2)
    await tombola.entered(sale, "ann")
    assert await tombola.shop.refused(sale, "bob") == "draw_pending"
    assert await tombola.shop.events() == ["sale.opened"]
    await tombola.shop.assert_lawful(sale)


async def test_who_enters_twice_has_one_entry(tombola: Tombola) -> None:
    sale = await tombola.open(2)
    first = await tombola.entered(sale, "ann")
    again = await tombola.entered(sale, "ann")
    assert first["ann"].entry == again["ann"].entry
    assert len((await tombola.draw(sale)).entrants) == 1


async def test_who_leaves_before_the_draw_is_not_drawn(tombola: Tombola) -> None:
    sale = await tombola.open(1)
    await tombola.entered(sale, "ann", "bob")
    await tombola.shop.leave(sale, "ann")
    await tombola.draw(sale)
    assert (await tombola.state("ann"), await tombola.state("bob")) == ("none", "turn")


async def test_nobody_enters_or_leaves_after_the_window(tombola: Tombola) -> None:
    sale = await tombola.open(1)
    await tombola.entered(sale, "ann", "bob")
    await tombola.window_is_over(sale)
    with pytest.raises(Conflict, match="draw_closed"):
        await tombola.shop.wait(sale, "cat")
    with pytest.raises(Conflict, match="draw_closed"):
        await tombola.shop.leave(sale, "ann")


async def test_a_draw_is_not_made_before_its_window_is_over(tombola: Tombola) -> None:
    sale = await tombola.open(1)
    await tombola.entered(sale, "ann")
    await tombola.shop.redis.zadd(f"{tag(SHARD)}:draws", {sale: 0})
    assert await tombola.worker.step() == 0
    assert await tombola.lottery.find(sale) is None


async def test_an_unclaimed_win_goes_to_the_next_in_the_drawn_order(tombola: Tombola) -> None:
    sale = await tombola.open(1)
    entries = await tombola.entered(sale, "ann", "bob", "cat")
    draw = await tombola.draw(sale)
    people = {card.entry: person for person, card in entries.items()}
    first, second, third = (people[entry] for entry in draw.order)
    await tombola.shop.turn_is_over(sale, first)
    await tombola.shop.orders.sweep(SHARD, 100)
    assert [await tombola.state(person) for person in (first, second, third)] == ["none", "turn", "lost"]
    held = await tombola.shop.buy(sale, second)
    await tombola.shop.orders.cancel(OrderId(held.order.order), PersonId(second))
    assert await tombola.state(third) == "turn"
    await tombola.shop.assert_lawful(sale)


async def test_who_comes_after_the_draw_waits_behind_those_who_were_not_drawn(tombola: Tombola) -> None:
    sale = await tombola.open(1)
    await tombola.entered(sale, "ann", "bob")
    await tombola.draw(sale)
    late = await tombola.shop.wait(sale, "late")
    assert (late.state, late.ahead) == ("waiting", 1)


async def test_units_that_nobody_drew_for_are_sold_to_whoever_comes(tombola: Tombola) -> None:
    sale = await tombola.open(3)
    await tombola.entered(sale, "ann")
    await tombola.draw(sale)
    assert (await tombola.shop.buy(sale, "late")).order.state == "held"
    assert (await tombola.shop.buy(sale, "ann")).order.state == "held"
    await tombola.shop.assert_lawful(sale)


async def test_a_draw_without_entrants_is_made_too(tombola: Tombola) -> None:
    sale = await tombola.open(2)
    draw = await tombola.draw(sale)
    assert (draw.entrants, draw.winners, faults_of(draw)) == ((), (), [])
    assert await tombola.shop.events() == ["sale.opened", "sale.drawn"]


async def test_the_last_winner_gets_what_is_left(tombola: Tombola) -> None:
    sale = await tombola.open(3, limit=2)
    for person in ("ann", "bob"):
        await tombola.shop.wait(sale, person, 2)
    draw = await tombola.draw(sale)
    assert [winner.units for winner in draw.winners] == [2, 1]
    assert sorted([(await tombola.shop.places(person))[0].qty for person in ("ann", "bob")]) == [1, 2]
    await tombola.shop.assert_lawful(sale)


async def test_more_winners_and_losers_than_one_call_reaches_are_all_told(tombola: Tombola) -> None:
    sale = await tombola.open(120)
    await tombola.entered(sale, *(f"p{number}" for number in range(350)))
    draw = await tombola.draw(sale)
    assert len(draw.winners) == 120
    while (await tombola.shop.orders.sweep(SHARD, 100)).handled:
        pass
    states = [await tombola.state(f"p{number}") for number in range(350)]
    assert (states.count("turn"), states.count("lost")) == (120, 230)
    told = await tombola.shop.redis.hget(f"{tag(SHARD)}:sale:{sale}", "told")
    assert told == b"350"
    await tombola.shop.assert_lawful(sale)


async def test_two_workers_draw_once_and_the_same(tombola: Tombola) -> None:
    sale = await tombola.open(1)
    await tombola.entered(sale, "ann", "bob", "cat")
    await tombola.window_is_over(sale)
    await tombola.lottery.due(SHARD, 10)
    entrants = await tombola.lottery.entrants(sale)
    draws = [make_draw(sale, SEEDS.seed(sale), 1, list(entrants.values())) for _ in range(2)]
    for draw in draws:
        for first, stretch in stretches(draw, entrants, 2):
            await tombola.lottery.rank(sale, first, stretch)
    assert [await tombola.lottery.finish(draw) for draw in draws] == [True, True]
    assert (await tombola.shop.events()).count("sale.drawn") == 1
    assert await tombola.lottery.find(sale) == draws[0]


async def test_a_draw_of_other_units_or_half_an_order_is_not_finished(tombola: Tombola) -> None:
    sale = await tombola.open(2)
    await tombola.entered(sale, "ann", "bob")
    await tombola.window_is_over(sale)
    await tombola.lottery.due(SHARD, 10)
    entrants = await tombola.lottery.entrants(sale)
    draw = make_draw(sale, SEEDS.seed(sale), 2, list(entrants.values()))
    assert not await tombola.lottery.finish(draw)
    (first, stretch), *_ = stretches(draw, entrants, 100)
    await tombola.lottery.rank(sale, first, stretch)
    assert not await tombola.lottery.finish(replace(draw, units=1))
    assert await tombola.lottery.finish(draw)
    await tombola.shop.assert_lawful(sale)


async def test_a_sale_that_was_closed_is_not_drawn(tombola: Tombola) -> None:
    sale = await tombola.open(2)
    await tombola.entered(sale, "ann")
    await tombola.shop.inventory.close_sale(sale, 1)
    await tombola.window_is_over(sale)
    assert await tombola.worker.step() == 0
    assert await tombola.lottery.find(sale) is None
    assert await tombola.state("ann") == "none"
    assert (await tombola.shop.inventory.audit(sale)).returned == 2


async def test_a_draw_whose_seed_cannot_be_made_again_waits(tombola: Tombola) -> None:
    sale = await tombola.open(1)
    await tombola.entered(sale, "ann")
    await tombola.window_is_over(sale)
    await Draws(tombola.lottery, Seeds(b"another key"), [SHARD]).step()
    assert await tombola.lottery.find(sale) is None
    await tombola.draw(sale)
    assert await tombola.state("ann") == "turn"


async def test_the_draw_of_a_sale_that_opens_later_counts_from_its_opening(tombola: Tombola) -> None:
    sale = await tombola.open(1, wait_ms=3_600_000, window_seconds=60)
    card = await tombola.shop.card_of("sale.scheduled")
    assert await tombola.draw_time(sale) == card["opens_ms"] + 60_000
    await tombola.shop.redis.zadd(f"{tag(SHARD)}:draws", {sale: 0})
    assert await tombola.lottery.due(SHARD, 10) == []
    assert await tombola.draw_time(sale) == card["opens_ms"] + 60_000


async def test_a_draw_is_on_time_though_its_sale_opened_long_after_it_was_prepared(tombola: Tombola) -> None:
    opening = await tombola.prepare(1, window_seconds=10)
    await tombola.shop.redis.zadd(f"{tag(SHARD)}:draws", {opening.sale: 0})
    assert await tombola.lottery.due(SHARD, 10) == []  # looked at between preparing and opening
    await tombola.shop.inventory.open_sale(opening, await tombola.shop.here())
    card = await tombola.shop.card_of("sale.opened")
    assert await tombola.draw_time(opening.sale) == card["opens_ms"] + 10_000


async def end_earlier(tombola: Tombola, sale: SaleId, extend_ms: int, version: int = 1) -> None:
    change = SaleAdjustment(sale=sale, operation=new_id(), version=version, extend_ms=extend_ms)
    await tombola.shop.inventory.adjust_sale(change)


async def test_a_sale_cannot_be_made_to_end_before_its_draw(tombola: Tombola) -> None:
    sale = await tombola.open(1, window_seconds=60)  # open for 600 seconds
    for too_early in (-550_000, -532_000):
        with pytest.raises(Conflict, match="end_before_draw"):
            await end_earlier(tombola, sale, too_early)
    await end_earlier(tombola, sale, -530_000)
    await end_earlier(tombola, sale, 60_000, version=2)
    await tombola.entered(sale, "ann")
    await tombola.draw(sale)
    await end_earlier(tombola, sale, -60_000, version=3)


async def test_a_draw_under_way_does_not_keep_the_sale_from_being_prolonged(tombola: Tombola) -> None:
    sale = await tombola.open(1)
    await tombola.window_is_over(sale)
    await tombola.lottery.due(SHARD, 10)
    await end_earlier(tombola, sale, 1_000)


async def test_a_draw_prepared_for_a_sale_that_never_opens_is_forgotten(tombola: Tombola) -> None:
    opening = tombola.shop.opening(1)
    line = Line(kind=LOTTERY, turn_seconds=300, window_seconds=60, commit="c")
    await tombola.shop.waitlist.prepare(opening.sale, line)
    await tombola.shop.redis.zadd(f"{tag(SHARD)}:draws", {opening.sale: 0})
    assert await tombola.lottery.due(SHARD, 10) == []
    assert await tombola.shop.redis.zcard(f"{tag(SHARD)}:draws") == 1
    await tombola.shop.inventory.void(opening.sale)
    await tombola.shop.redis.zadd(f"{tag(SHARD)}:draws", {opening.sale: 0})
    assert await tombola.lottery.due(SHARD, 10) == []
    assert await tombola.shop.redis.zcard(f"{tag(SHARD)}:draws") == 0
