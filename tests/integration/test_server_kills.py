"""Valkey, PostgreSQL and NATS die at any step from outbox to ledger and come back: all is booked once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.adapters.ledgers import open_ledger
from livecommerce.adapters.redis_connection import Connection, tag
from livecommerce.adapters.redis_outbox import RedisOutbox
from livecommerce.adapters.sql_connection import migrate, open_sql, reading
from livecommerce.adapters.sql_ledger_queue import SqlLedgerQueue
from livecommerce.adapters.sql_projection import SqlProjection
from livecommerce.adapters.sql_schema import orders
from livecommerce.clock import now_ms
from livecommerce.errors import Unavailable
from livecommerce.ledger.backend import LedgerBackend
from livecommerce.worker.projector import Projector
from livecommerce.worker.relay import Relay
from tests.selling import SHARD, Shop
from tests.servers import NatsServer, PostgresServer, ValkeyServer

SOLD = 6
BATCH = 2
STRUCK_CALL = 2
"""There is work behind it and before it."""
PATIENCE_SECONDS = 120
MOMENTS = ("before", "during")


class Server(Protocol):
    """A server that can be killed and started on the same data."""

    def kill(self) -> None: ...

    def start(self) -> None: ...


class Blow:
    """One kill of a server: before a call that needs it, or while the call is under way."""

    def __init__(self, server: Server, call: str, moment: str) -> None:
        self._server = server
        self._call = call
        self._moment = moment
        self._calls = 0

    @property
    def struck(self) -> bool:
        """Whether it has come to that."""
        return self._calls >= STRUCK_CALL

    def on(self, port: object) -> Any:
        """A port whose calls are open to the blow."""
        return Exposed(port, self)

    def wrapped(self, name: str, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        """The call, or the call with the blow in it."""
        return partial(self._pass_on, call) if name == self._call else call

    async def _pass_on(self, call: Callable[..., Awaitable[Any]], *arguments: object) -> Any:
        self._calls += 1
        if self._calls != STRUCK_CALL:
            return await call(*arguments)
        if self._moment == "before":
            self._server.kill()
        work = asyncio.ensure_future(call(*arguments))
        if self._moment == "during":
            await asyncio.sleep(0)
            self._server.kill()
        try:
            return await work
        finally:
            await asyncio.to_thread(self._server.start)


class Exposed:
    """Passes every call on."""

    def __init__(self, port: object, blow: Blow) -> None:
        self._port = port
        self._blow = blow

    def __getattr__(self, name: str) -> Any:
        return self._blow.wrapped(name, getattr(self._port, name))


async def work_off(redis: Connection, sql: AsyncEngine, ledger: LedgerBackend, blow: Blow) -> None:
    """Projects and relays in small batches until nothing waits anywhere, as workers do after each failure."""
    outbox, queue = RedisOutbox(redis, "projector", "worker"), SqlLedgerQueue(sql)
    live = Shop(redis).orders
    projector = Projector(blow.on(outbox), blow.on(SqlProjection(sql)), blow.on(live), [SHARD], batch=BATCH)
    relay = Relay(blow.on(queue), blow.on(ledger), "worker", now_ms, batch=BATCH, lease_ms=1)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                await projector.step()
                await relay.step()
                status = await queue.status()
                if (await outbox.lag(SHARD)).length == 0 and status.applied + status.dead == SOLD:
                    return
            except Unavailable:
                continue


async def sell_out(redis: Connection) -> list[str]:
    """Orders, confirmed, that nobody has told SQL of."""
    shop = Shop(redis)
    await shop.open_room()
    sale = await shop.open_sale(SOLD)
    return [(await shop.sell(sale, f"buyer{number}")).order.order for number in range(SOLD)]


async def assert_all_is_booked_once(
    sold: list[str], redis: Connection, sql: AsyncEngine, ledger: LedgerBackend
) -> None:
    booked = Counter([(entry.order, entry.kind) async for entry in ledger.scan()])
    assert booked == Counter((order, kind) for order in sold for kind in ("sale", "payment_fee"))
    balance = await ledger.trial_balance()
    assert balance
    assert sum(one.debit_minor - one.credit_minor for one in balance) == 0
    status = await SqlLedgerQueue(sql).status()
    assert (status.pending, status.applied, status.dead) == (0, SOLD, 0)
    async with reading(sql) as connection:
        assert await connection.scalar(select(func.count()).select_from(orders)) == SOLD
    assert await redis.xlen(f"{tag(SHARD)}:outbox") == 0
    assert await redis.zcard(f"{tag(SHARD)}:projected") == SOLD


@pytest.fixture
async def nats(tmp_path: Path) -> AsyncIterator[NatsServer]:
    server = NatsServer(tmp_path / "nats")
    await asyncio.to_thread(server.start)
    yield server
    server.stop()


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("call", ["read", "projected", "acknowledge"])
async def test_a_killed_valkey_loses_no_order_and_doubles_none(
    call: str, moment: str, redis: Connection, sql: AsyncEngine, valkey: ValkeyServer, tmp_path: Path
) -> None:
    sold, blow = await sell_out(redis), Blow(valkey, call, moment)
    ledger = await open_ledger(f"sqlite:{tmp_path / 'ledger.sqlite'}")
    await work_off(redis, sql, ledger, blow)
    assert blow.struck
    await assert_all_is_booked_once(sold, redis, sql, ledger)
    await ledger.aclose()


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("call", ["apply", "lease", "post", "settle"])
async def test_a_killed_postgresql_loses_no_order_and_doubles_none(
    call: str, moment: str, redis: Connection, postgres: PostgresServer, postgres_url: str
) -> None:
    sold, blow = await sell_out(redis), Blow(postgres, call, moment)
    await migrate(postgres_url)
    sql, ledger = open_sql(postgres_url), await open_ledger(postgres_url)
    await work_off(redis, sql, ledger, blow)
    assert blow.struck
    await assert_all_is_booked_once(sold, redis, sql, ledger)
    await ledger.aclose()
    await sql.dispose()


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_killed_nats_loses_no_order_and_doubles_none(
    moment: str, redis: Connection, sql: AsyncEngine, nats: NatsServer
) -> None:
    sold, blow = await sell_out(redis), Blow(nats, "post", moment)
    ledger = await open_ledger(nats.url)
    await work_off(redis, sql, ledger, blow)
    assert blow.struck
    await assert_all_is_booked_once(sold, redis, sql, ledger)
    await ledger.aclose()
