"""Facts on their way from the live system into SQL, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import Raw
from sqlalchemy import Table, func, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.adapters.ledgers import open_ledger
from livecommerce.adapters.redis_connection import Connection, tag
from livecommerce.adapters.redis_outbox import RedisOutbox
from livecommerce.adapters.sql_connection import migrate, open_sql, reading
from livecommerce.adapters.sql_ledger_queue import SqlLedgerQueue
from livecommerce.adapters.sql_projection import SqlProjection
from livecommerce.adapters.sql_schema import allocations, journal, orders, products, shops, skus, sql_outbox
from livecommerce.errors import Unavailable
from livecommerce.ids import OrderId, Shard
from livecommerce.outbox import OutboxRecord
from livecommerce.worker.projector import Projector
from livecommerce.worker.relay import Relay
from tests.orders import an_order

SHARD = Shard("00")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:{tmp_path / 'shop.sqlite'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[AsyncEngine]:
    await migrate(database_url)
    engine = open_sql(database_url)
    yield engine
    await engine.dispose()


def of_a_capture() -> list[OutboxRecord]:
    """A capture that became no order, and its refund."""
    both = {"payment": "pay", "order": "order", "provider": "sandbox", "amount_minor": 9, "currency": "CNY"}
    told = {**both, "reason": "too_late", "at_ms": 5}
    due = a_fact("payment.refund_due", "pay", {**told, "transaction": "t"})
    return [due, a_fact("payment.refunded", "pay", {**told, "provider_refund": "r"})]


class Handover:
    """A live system that remembers what it was told."""

    def __init__(self) -> None:
        self.orders: list[str] = []

    async def projected(self, order: OrderId) -> None:
        self.orders.append(order)


def a_fact(kind: str, key: str, data: object, version: int | str = 1) -> OutboxRecord:
    return OutboxRecord(
        position="1-0",
        id=f"{key}:{kind}:{version}",
        type=kind,
        key=key,
        room="room",
        at_ms=5,
        data=data if isinstance(data, Raw) else Raw(msgspec.json.encode(data)),
    )


def a_confirmation(order: str = "order") -> OutboxRecord:
    return a_fact("order.confirmed", order, an_order(order=order))


def a_closing(sold: int = 3, returned: int = 7) -> OutboxRecord:
    closed = {"sale": "sale", "sku": "sku", "allocated": 10, "sold": sold, "returned": returned, "at_ms": 9}
    return a_fact("sale.closed", "sale", closed)


async def tell(redis: Connection, records: Sequence[OutboxRecord]) -> None:
    for record in records:
        fields: dict[Any, Any] = {
            name: getattr(record, name) for name in ("id", "type", "key", "room", "at_ms")
        } | {"data": bytes(record.data)}
        await redis.xadd(f"{tag(SHARD)}:outbox", fields)


async def count(engine: AsyncEngine, table: Table) -> int:
    async with reading(engine) as connection:
        return (await connection.execute(select(func.count()).select_from(table))).scalar_one()


async def one(engine: AsyncEngine, table: Table) -> Any:
    async with reading(engine) as connection:
        return (await connection.execute(select(table))).one()


async def add_stock(engine: AsyncEngine) -> None:
    """A shop's stock of 90, of which 10 more units are out on a sale."""
    product = {"product": "p", "shop": "shop", "title": {}, "image": "", "category": "", "currency": "CNY"}
    async with engine.begin() as connection:
        await connection.execute(insert(shops).values(shop="shop", name={}, created_ms=0))
        await connection.execute(insert(products).values(**product, created_ms=0))
        await connection.execute(
            insert(skus).values(sku="sku", product="p", title={}, price_minor=1, on_hand=90, position=0)
        )
        await connection.execute(
            insert(allocations).values(sale="sale", sku="sku", allocated=10, created_ms=0)
        )


async def test_a_confirmed_order_is_kept_and_told_to_the_ledger(database: AsyncEngine) -> None:
    await SqlProjection(database).apply([a_confirmation()])
    order, letter, event = [await one(database, table) for table in (orders, sql_outbox, journal)]
    assert (order.order, order.order_state, order.charge_state, order.total_minor) == (
        "order", "confirmed", "full", 8500
    )  # fmt: skip
    assert (
        order.document
        == letter.document
        == event.payload
        == msgspec.json.decode(msgspec.json.encode(an_order()))
    )
    assert (letter.key, letter.type, letter.state) == ("order", "order.confirmed", "pending")


async def test_applying_again_changes_nothing(database: AsyncEngine) -> None:
    await add_stock(database)
    facts = [a_confirmation(), a_closing(), a_fact("room.pinned", "room", {"t": "pinned"}, "epoch:4")]
    projection = SqlProjection(database)
    await projection.apply([*facts, facts[0]])
    await projection.apply(facts)
    assert [await count(database, table) for table in (journal, orders, sql_outbox)] == [3, 1, 1]
    assert (await one(database, skus)).on_hand == 97


async def test_workers_that_apply_the_same_facts_at_once_do_not_double_them(database: AsyncEngine) -> None:
    await add_stock(database)
    facts = [a_confirmation("a"), a_confirmation("b"), a_closing()]
    await asyncio.gather(*(SqlProjection(database).apply(facts) for _ in range(4)))
    assert [await count(database, table) for table in (journal, orders, sql_outbox)] == [3, 2, 2]
    assert (await one(database, skus)).on_hand == 97


async def test_a_closed_sale_returns_what_it_did_not_sell(database: AsyncEngine) -> None:
    await add_stock(database)
    await SqlProjection(database).apply([a_closing(sold=4, returned=6)])
    sale = await one(database, allocations)
    assert (sale.sold, sale.returned, sale.closed_ms) == (4, 6, 9)
    assert (await one(database, skus)).on_hand == 96


async def test_control_events_stand_in_the_journal_by_their_offset(database: AsyncEngine) -> None:
    await SqlProjection(database).apply([a_fact("room.pinned", "room", {"t": "pinned"}, "epoch:4")])
    event = await one(database, journal)
    assert (event.room, event.position, event.type, event.payload) == (
        "room", 4, "room.pinned", {"t": "pinned"}
    )  # fmt: skip


@pytest.mark.parametrize("data", [Raw(b'{"v":'), Raw(b'{"order":1}')])
async def test_what_cannot_be_read_is_a_dead_letter_and_holds_up_nobody(
    database: AsyncEngine, data: Raw
) -> None:
    await SqlProjection(database).apply([a_fact("order.confirmed", "bad", data), a_confirmation()])
    async with reading(database) as connection:
        letters = (await connection.execute(select(sql_outbox).order_by(sql_outbox.c.number))).all()
    assert [(letter.key, letter.state) for letter in letters] == [("bad", "dead"), ("order", "pending")]
    assert letters[0].error.startswith("unreadable: ")


async def test_what_the_database_refuses_is_a_dead_letter_and_holds_up_nobody(database: AsyncEngine) -> None:
    bad = a_fact("order.confirmed", "bad", an_order(order="bad", confirmed_ms=2**63))
    projection = SqlProjection(database)
    for _ in range(2):
        assert await projection.apply([a_confirmation("a"), bad, a_confirmation("b")]) == ["a", "b"]
    async with reading(database) as connection:
        letters = (await connection.execute(select(sql_outbox).order_by(sql_outbox.c.number))).all()
    assert sorted((letter.key, letter.state) for letter in letters) == [
        ("a", "pending"), ("b", "pending"), ("bad", "dead")
    ]  # fmt: skip
    assert await count(database, orders) == 2
    (buried,) = [letter for letter in letters if letter.state == "dead"]
    assert buried.error.startswith("refused: ")
    assert msgspec.json.decode(buried.document)["order"] == "bad"


async def test_an_order_that_sql_does_not_have_stays_with_the_live_system(
    redis: Connection, sql: AsyncEngine
) -> None:
    handover = Handover()
    projector = Projector(RedisOutbox(redis, "projector", "one"), SqlProjection(sql), handover, [SHARD])
    unreadable = a_fact("order.confirmed", "unreadable", Raw(b'{"order":1}'))
    refused = a_fact("order.confirmed", "refused", an_order(order="refused", confirmed_ms=2**63))
    await tell(redis, [unreadable, a_confirmation("good"), refused])
    assert await projector.step() == 3
    assert handover.orders == ["good"]
    assert await redis.xlen(f"{tag(SHARD)}:outbox") == 0


async def test_the_projector_acknowledges_what_sql_has_and_hands_the_order_over(
    redis: Connection, sql: AsyncEngine
) -> None:
    handover = Handover()
    projector = Projector(
        RedisOutbox(redis, "projector", "one"), SqlProjection(sql), handover, [SHARD], batch=2
    )
    await tell(redis, [a_confirmation("a"), a_confirmation("b"), a_fact("order.expired", "c", {})])
    assert [await projector.step() for _ in range(3)] == [2, 1, 0]
    assert handover.orders == ["a", "b"]
    assert await count(sql, orders) == 2
    assert await redis.xlen(f"{tag(SHARD)}:outbox") == 0


async def test_what_fails_on_the_way_is_projected_again(redis: Connection, sql: AsyncEngine) -> None:
    class Away(Handover):
        async def projected(self, order: OrderId) -> None:
            raise Unavailable("redis_away")

    await tell(redis, [a_confirmation()])
    outbox = RedisOutbox(redis, "projector", "one")
    with pytest.raises(Unavailable):
        await Projector(outbox, SqlProjection(sql), Away(), [SHARD]).step()
    handover = Handover()
    assert await Projector(outbox, SqlProjection(sql), handover, [SHARD]).step() == 1
    assert handover.orders == ["order"]
    assert await count(sql, sql_outbox) == 1


async def test_a_running_projector_ends_when_it_is_cancelled(redis: Connection, sql: AsyncEngine) -> None:
    told = asyncio.Event()

    class Told(Handover):
        async def projected(self, order: OrderId) -> None:
            told.set()

    outbox = RedisOutbox(redis, "projector", "one")
    running = asyncio.create_task(Projector(outbox, SqlProjection(sql), Told(), [SHARD]).run())
    await tell(redis, [a_confirmation()])
    await told.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_refund_that_overtakes_the_capture_of_a_killed_worker_is_booked_with_it(
    database: AsyncEngine, redis: Connection, tmp_path: Path
) -> None:
    due, refunded = of_a_capture()
    await tell(redis, [due])
    killed = RedisOutbox(redis, "projector", "killed")
    assert len(await killed.read(SHARD, 10, 1)) == 1
    await tell(redis, [refunded])
    for outbox in (
        RedisOutbox(redis, "projector", "next"),
        RedisOutbox(redis, "projector", "later", idle_ms=0),
    ):
        assert await Projector(outbox, SqlProjection(database), Handover(), [SHARD]).step() == 1
    ledger = await open_ledger(f"sqlite:{tmp_path / 'ledger.sqlite'}")
    queue = SqlLedgerQueue(database)
    relay = Relay(queue, ledger, "relay", lambda: 10)
    while await relay.step():
        pass
    status = await queue.status()
    assert (status.applied, status.dead, status.pending) == (2, 0, 0)
    assert all(one.debit_minor == one.credit_minor == 9 for one in await ledger.trial_balance())
    await ledger.aclose()
