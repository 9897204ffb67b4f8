"""From the SQL outbox into the ledger: nothing lost, nothing doubled, order kept, trouble visible."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import Raw
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.adapters.ledgers import open_ledger
from livecommerce.adapters.sql_connection import migrate, open_sql
from livecommerce.adapters.sql_ledger_queue import SqlLedgerQueue
from livecommerce.adapters.sql_projection import SqlProjection
from livecommerce.adapters.sql_schema import sql_outbox
from livecommerce.errors import Unavailable
from livecommerce.ledger.backend import LedgerBackend, Outcome, Posted
from livecommerce.ledger.entry import Entry
from livecommerce.ledger.facts import Refund
from livecommerce.outbox import OutboxRecord
from livecommerce.worker.relay import GIVE_UP_ATTEMPTS, GIVE_UP_MS, Relay
from tests.orders import an_order


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.now = 1_700_000_000_000

    def __call__(self) -> int:
        return self.now


class ScriptedLedger:
    """Answers what the test says, entry by entry; everything else goes to the real ledger behind it."""

    def __init__(self, real: LedgerBackend, answer: Callable[[Entry], Posted | None]) -> None:
        self._real = real
        self.answer = answer
        self.seen: list[str] = []

    async def post(self, batch: Sequence[Entry]) -> Sequence[Posted]:
        self.seen += [entry.order for entry in batch]
        answers = [self.answer(entry) for entry in batch]
        taken = [entry for entry, answer in zip(batch, answers, strict=True) if answer is None]
        real = iter(await self._real.post(taken))
        return [answer or next(real) for answer in answers]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[LedgerBackend]:
    backend = await open_ledger(f"sqlite:{tmp_path / 'ledger.sqlite'}")
    yield backend
    await backend.aclose()


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


async def confirm(engine: AsyncEngine, *orders: str) -> None:
    records = [
        OutboxRecord(
            position="1-0",
            id=f"{order}:order.confirmed:1",
            type="order.confirmed",
            key=order,
            room="room",
            at_ms=1_700_000_000_000,
            data=Raw(msgspec.json.encode(an_order(order=order))),
        )
        for order in orders
    ]
    await SqlProjection(engine).apply(records)


async def refund(engine: AsyncEngine, order: str, amount: int, number: int = 1) -> None:
    fact = Refund(
        order=order, refund=f"r{number}", amount_minor=amount, currency="CNY", reason="", at_ms=number
    )
    async with engine.begin() as connection:
        await connection.execute(
            insert(sql_outbox).values(
                id=f"{order}:order.refunded:{number}",
                key=order,
                type="order.refunded",
                at_ms=number,
                document=msgspec.to_builtins(fact),
                state="pending",
                attempts=0,
                next_ms=0,
                leased_until_ms=0,
            )
        )


async def kinds(ledger: LedgerBackend, order: str) -> list[str]:
    return [entry.kind for entry in await ledger.lookup(order)]


async def test_confirmed_orders_are_booked_and_settled(database: AsyncEngine, ledger: LedgerBackend) -> None:
    await confirm(database, "a", "b")
    queue = SqlLedgerQueue(database)
    relay = Relay(queue, ledger, "one", Clock())
    assert [await relay.step(), await relay.step()] == [2, 0]
    assert await kinds(ledger, "a") == ["sale", "payment_fee"]
    status = await queue.status()
    assert (status.pending, status.applied, status.dead) == (0, 2, 0)


async def test_events_of_one_order_are_booked_in_their_order(
    database: AsyncEngine, ledger: LedgerBackend
) -> None:
    await confirm(database, "a")
    await refund(database, "a", 1, 1)
    await refund(database, "a", 8499, 2)
    relay = Relay(SqlLedgerQueue(database), ledger, "one", Clock())
    assert [await relay.step() for _ in range(4)] == [1, 1, 1, 0]
    assert [kind for kind in await kinds(ledger, "a") if "fee" not in kind] == ["sale", "refund", "refund"]
    assert all(one.debit_minor == one.credit_minor for one in await ledger.trial_balance())


async def test_workers_at_once_book_each_order_once(database: AsyncEngine, ledger: LedgerBackend) -> None:
    orders = [f"o{number}" for number in range(40)]
    await confirm(database, *orders)
    seen = ScriptedLedger(ledger, lambda _: None)
    relays = [Relay(SqlLedgerQueue(database), seen, f"w{n}", Clock(), batch=7) for n in range(3)]
    handled = 0
    while handled < len(orders):
        handled += sum(await asyncio.gather(*(relay.step() for relay in relays)))
    assert handled == len(orders)
    assert sorted(set(seen.seen)) == sorted(orders)
    assert len(seen.seen) == 2 * len(orders)


async def test_a_lease_keeps_others_away_until_it_ends(sql: AsyncEngine) -> None:
    await confirm(sql, "a")
    queue = SqlLedgerQueue(sql)
    assert len(await queue.lease("dead", 10, now_ms=0, lease_ms=100)) == 1
    assert await queue.lease("alive", 10, now_ms=99, lease_ms=100) == []
    assert len(await queue.lease("dead", 10, now_ms=99, lease_ms=1)) == 1
    assert len(await queue.lease("alive", 10, now_ms=100, lease_ms=100)) == 1


async def test_who_lost_the_lease_settles_nothing(sql: AsyncEngine, ledger: LedgerBackend) -> None:
    await confirm(sql, "a")
    queue, clock = SqlLedgerQueue(sql), Clock()

    class Slow(ScriptedLedger):
        async def post(self, batch: Sequence[Entry]) -> Sequence[Posted]:
            clock.now += 1_000_000
            await queue.lease("other", 10, clock.now, 1_000_000)
            return await super().post(batch)

    await Relay(queue, Slow(ledger, lambda _: None), "one", clock).step()
    assert (await queue.status()).pending == 1
    clock.now += 1_000_000
    assert await Relay(queue, ledger, "other", clock).step() == 1
    assert await kinds(ledger, "a") == ["sale", "payment_fee"]


async def test_a_ledger_that_takes_nothing_blocks_nothing_and_loses_nothing(
    sql: AsyncEngine, ledger: LedgerBackend
) -> None:
    orders = [f"o{number}" for number in range(5)]
    await confirm(sql, *orders)
    away = ScriptedLedger(ledger, lambda _: Posted(outcome=Outcome.RETRY, reason="down for an hour"))
    queue = SqlLedgerQueue(sql)
    relay = Relay(queue, away, "one", Clock())
    assert [await relay.step() for _ in range(50)] == [0] * 50
    assert (await queue.status()).pending == 5
    away.answer = lambda _: None
    assert await relay.step() == 5
    assert (await queue.status()).applied == 5


async def test_a_ledger_that_was_away_for_an_hour_gets_everything_without_a_pause(
    sql: AsyncEngine, ledger: LedgerBackend
) -> None:
    clock, queue = Clock(), SqlLedgerQueue(sql)
    away = ScriptedLedger(ledger, lambda _: Posted(outcome=Outcome.RETRY, reason="down for an hour"))
    relay = Relay(queue, away, "one", clock, batch=7)
    began = clock.now
    for minute in range(60):
        await confirm(sql, f"o{minute}")
        assert await relay.step() == 0
        clock.now += 60_000
    waiting = await queue.status()
    assert (waiting.pending, waiting.dead) == (60, 0)
    assert waiting.oldest_ms is not None
    assert clock.now - waiting.oldest_ms >= clock.now - began == 3_600_000

    away.answer = lambda _: None
    assert [await relay.step() for _ in range(9)] == [7] * 8 + [4]
    sold = [entry.order async for entry in ledger.scan() if entry.kind == "sale"]
    assert sorted(sold) == sorted(f"o{minute}" for minute in range(60))


async def test_one_letter_in_trouble_waits_ever_longer_while_others_pass(
    sql: AsyncEngine, ledger: LedgerBackend
) -> None:
    await confirm(sql, "bad", "good")
    busy = Posted(outcome=Outcome.RETRY, reason="busy", retry_after_ms=5_000)
    partly = ScriptedLedger(ledger, lambda entry: busy if entry.order == "bad" else None)
    clock = Clock()
    relay = Relay(SqlLedgerQueue(sql), partly, "one", clock)
    assert await relay.step() == 1
    assert await relay.step() == 0
    assert partly.seen.count("bad") == 2
    clock.now += 4_999
    await relay.step()
    assert partly.seen.count("bad") == 2
    clock.now += 1
    await relay.step()
    assert partly.seen.count("bad") == 4


async def test_a_letter_is_given_up_after_days_of_attempts(sql: AsyncEngine, ledger: LedgerBackend) -> None:
    clock = Clock()
    busy = Posted(outcome=Outcome.RETRY, reason="busy")
    partly = ScriptedLedger(ledger, lambda entry: busy if entry.order == "bad" else None)
    relay = Relay(SqlLedgerQueue(sql), partly, "one", clock)
    await confirm(sql, "bad")
    for number in range(GIVE_UP_ATTEMPTS):
        await confirm(sql, f"good{number}")
        await relay.step()
        clock.now += GIVE_UP_MS // 5
    (dead,) = await SqlLedgerQueue(sql).dead_letters(10)
    assert (dead.key, dead.error) == ("bad", "given up after 10 attempts: busy")


@pytest.mark.parametrize("outcome", [Outcome.CONFLICT, Outcome.REJECTED])
async def test_a_refusal_is_a_dead_letter_that_holds_back_its_order_alone(
    sql: AsyncEngine, ledger: LedgerBackend, outcome: Outcome
) -> None:
    await confirm(sql, "bad", "good")
    await refund(sql, "bad", 1)
    picky = ScriptedLedger(
        ledger, lambda entry: Posted(outcome=outcome, reason="no") if entry.order == "bad" else None
    )
    queue = SqlLedgerQueue(sql)
    relay = Relay(queue, picky, "one", Clock())
    assert [await relay.step(), await relay.step()] == [2, 0]
    (dead,) = await queue.dead_letters(10)
    assert (dead.key, dead.waiting, dead.error) == ("bad", 1, f"{outcome}: no; {outcome}: no")
    picky.answer = lambda _: None
    assert await queue.retry([dead.id]) == 1
    assert [await relay.step() for _ in range(3)] == [1, 1, 0]
    assert await kinds(ledger, "bad") == ["sale", "payment_fee", "refund"]


async def test_a_dropped_letter_lets_the_later_ones_go_on(sql: AsyncEngine, ledger: LedgerBackend) -> None:
    await confirm(sql, "bad")
    await refund(sql, "bad", 9_000_000, 1)
    await refund(sql, "bad", 1, 2)
    queue = SqlLedgerQueue(sql)
    relay = Relay(queue, ledger, "one", Clock())
    assert [await relay.step() for _ in range(3)] == [1, 1, 0]
    (dead,) = await queue.dead_letters(10)
    assert "a refund of 9000000 where 8500 is left" in dead.error
    assert await queue.drop([dead.id]) == 1
    assert await relay.step() == 1
    assert (await queue.status()).dead == 0
    assert await kinds(ledger, "bad") == ["sale", "payment_fee", "refund"]


async def test_replaying_everything_changes_nothing(sql: AsyncEngine, ledger: LedgerBackend) -> None:
    await confirm(sql, "a", "b")
    await refund(sql, "a", 100)
    queue = SqlLedgerQueue(sql)
    relay = Relay(queue, ledger, "one", Clock())
    while await relay.step():
        pass
    before = [entry async for entry in ledger.scan()]
    assert await queue.replay(0) == 3
    while await relay.step():
        pass
    assert [entry async for entry in ledger.scan()] == before
    assert (await queue.status()).applied == 3


async def test_a_running_relay_ends_when_it_is_cancelled(sql: AsyncEngine, ledger: LedgerBackend) -> None:
    booked = asyncio.Event()

    class Seen(ScriptedLedger):
        async def post(self, batch: Sequence[Entry]) -> Sequence[Posted]:
            answers = await super().post(batch)
            booked.set()
            return answers

    await confirm(sql, "a")
    relay = Relay(SqlLedgerQueue(sql), Seen(ledger, lambda _: None), "one", Clock())
    running = asyncio.create_task(relay.run())
    await booked.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_relay_whose_database_is_away_tries_again(sql: AsyncEngine, ledger: LedgerBackend) -> None:
    class Flaky(SqlLedgerQueue):
        leases = 0

        async def lease(self, worker: str, count: int, now_ms: int, lease_ms: int) -> Any:
            self.leases += 1
            if self.leases == 1:
                raise Unavailable("sql_away")
            if self.leases == 3:
                again.set()
            return await super().lease(worker, count, now_ms, lease_ms)

    again = asyncio.Event()
    await confirm(sql, "a")
    running = asyncio.create_task(Relay(Flaky(sql), ledger, "one", Clock()).run())
    await again.wait()
    running.cancel()
    await asyncio.wait([running])
    assert await kinds(ledger, "a") == ["sale", "payment_fee"]
