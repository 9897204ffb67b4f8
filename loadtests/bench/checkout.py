"""Orders from the tap to the ledger: hold, order, sandbox payment, confirmed, booked; each once.

Buyers tap over the room's socket, ask for the pay page over HTTP, pay at the sandbox provider, and hear over
the socket that they have it. Gateway, worker, Valkey and the SQLite files, the ledger's among them, are the
product's own, with their own fsync.

Run as `python -m loadtests.bench.checkout [--orders 2000] [--buyers 40]`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import sqlite3
import tempfile
import time
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import websockets

from loadtests.audience.till import ADDRESS
from loadtests.bench.result import Result
from loadtests.bench.valkey import command, valkey
from loadtests.deployment import Deployment, Show, deployed, plan_show
from loadtests.people import Person
from loadtests.processes import Process

TARGET_PER_SECOND = 500
MOST_OF_ONE_BUYER = 99
"""What one buyer may have of a sale."""
BATCH = 200
PATIENCE_SECONDS = 300.0
SUBPROTOCOL: Any = "livecommerce.v1.json"
COUNTED = ("gateway-1", "worker", "valkey")

Message = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """What so many orders took."""

    seconds: float
    cpu: dict[str, float]
    """Process → CPU seconds."""
    rows: dict[str, int]
    """Table → rows that were written."""


class Refused(Exception):
    """The product did not do what was asked."""


# ---------------------------------------------------------------- buyers


class Http:
    """One connection to the gateway, kept; answers JSON."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: str) -> None:
        self._reader = reader
        self._writer = writer
        self._token = token

    async def post(self, path: str, body: Message) -> Any:
        """The answer's content."""
        content = orjson.dumps(body)
        head = (
            f"POST {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {self._token}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
        )
        self._writer.write(head.encode() + content)
        answer = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(answer.partition("content-length:")[2].split()[0])
        received = await self._reader.readexactly(length)
        if not answer.startswith("http/1.1 2"):
            raise Refused(f"{path}: {received.decode()}")
        return orjson.loads(received)


class Buyer:
    """Buys one after the other."""

    def __init__(self, socket: websockets.ClientConnection, http: Http) -> None:
        self._socket = socket
        self._http = http

    async def buy(self, sale: Message, orders: int) -> None:
        """So many orders, each paid and confirmed before the next tap."""
        await self._http.post("/api/addresses", ADDRESS)
        for number in range(orders):
            await self._buy(sale, number)

    async def _buy(self, sale: Message, number: int) -> None:
        await self._socket.send(
            orjson.dumps(
                {
                    "t": "buy",
                    "id": number + 1,
                    "sale": sale["sale"],
                    "version": sale["version"],
                    "price_minor": sale["price_minor"],
                    "key": secrets.token_hex(8),
                }
            ).decode()
        )
        answer = await self._until(lambda message: message.get("id") == number + 1)
        if answer["t"] != "ok":
            raise Refused(str(answer))
        order = answer["order"]["order"]
        page = (await self._http.post(f"/api/orders/{order}/pay", {}))["pay_url"]
        payment = urlsplit(page).path.rpartition("/")[2]
        await self._http.post(f"/sandbox/api/payments/{payment}/capture", {})
        await self._until(
            lambda message: (
                message["t"] == "order"
                and message["order"]["order"] == order
                and message["order"]["state"] == "sold"
            )
        )

    async def _until(self, wanted: Any) -> Message:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                for message in orjson.loads(await self._socket.recv()):
                    if wanted(message):
                        return dict(message)


async def _enter(stack: AsyncExitStack, deployment: Deployment, show: Show, person: Person) -> Any:
    url = f"ws://127.0.0.1:{deployment.port}{show.path}"
    socket = await stack.enter_async_context(
        websockets.connect(url, subprotocols=[SUBPROTOCOL], compression=None, proxy=None, max_queue=None)
    )
    await socket.send(orjson.dumps({"t": "join", "token": person.token}).decode())
    while not any(message["t"] == "snapshot" for message in orjson.loads(await socket.recv())):
        pass
    return socket


async def _buyer(stack: AsyncExitStack, deployment: Deployment, show: Show, number: int) -> Buyer:
    person = deployment.person(f"Buyer {number}")
    socket = await _enter(stack, deployment, show, person)
    reader, writer = await asyncio.open_connection("127.0.0.1", deployment.port)
    stack.callback(writer.close)
    return Buyer(socket, Http(reader, writer, person.token))


async def _open_sale(socket: Any, sku: str, orders: int) -> Message:
    """Starts the show and opens a sale of so many units."""
    await socket.send(orjson.dumps({"t": "show.start", "id": 1}).decode())
    wish = {"t": "sale.open", "id": 2, "sku": sku, "price_minor": 5_000, "stock": orders}
    terms = {"limit": MOST_OF_ONE_BUYER, "seconds": 3_600, "key": "benchmark"}
    await socket.send(orjson.dumps(wish | terms).decode())
    async with asyncio.timeout(30):
        while True:
            for message in orjson.loads(await socket.recv()):
                if message["t"] == "sale.opened":
                    return dict(message["sale"])
                if message["t"] == "error":
                    raise Refused(str(message))


# ---------------------------------------------------------------- the product


def _sell(orders: int, buyers: int) -> Run:
    with deployed() as deployment:
        show = plan_show(deployment)
        sku = _stock_up(deployment.data_dir / "livecommerce.sqlite", show, orders)
        return asyncio.run(_evening(deployment, show, sku, orders, buyers))


def _stock_up(file: Path, show: Show, orders: int) -> str:
    """Gives one of the show's SKUs enough units."""
    with closing(sqlite3.connect(file, timeout=30)) as sql, sql:
        query = "SELECT sku FROM skus WHERE product = ? ORDER BY position"
        sku: str = sql.execute(query, [show.products[0]]).fetchone()[0]
        sql.execute("UPDATE skus SET on_hand = ? WHERE sku = ?", [orders, sku])
    return sku


async def _evening(deployment: Deployment, show: Show, sku: str, orders: int, buyers: int) -> Run:
    async with AsyncExitStack() as stack:
        host = await _enter(stack, deployment, show, show.host)
        sale = await _open_sale(host, sku, orders)
        crowd = [await _buyer(stack, deployment, show, number) for number in range(buyers)]
        processes = {name: deployment.process(name) for name in COUNTED}
        before, rows, start = _cpu(processes), _rows(deployment.data_dir), time.perf_counter()
        shares = [orders // buyers + (number < orders % buyers) for number in range(buyers)]
        async with asyncio.TaskGroup() as group:
            for buyer, share in zip(crowd, shares, strict=True):
                group.create_task(buyer.buy(sale, share))
        await _all_booked(deployment.data_dir, orders)
        seconds, after = time.perf_counter() - start, _cpu(processes)
        written = {table: count - rows[table] for table, count in _rows(deployment.data_dir).items()}
        return Run(seconds, {name: after[name] - before[name] for name in COUNTED}, written)


def _cpu(processes: dict[str, Process]) -> dict[str, float]:
    return {name: process.cpu_seconds() for name, process in processes.items()}


TABLES = {
    "livecommerce.sqlite": ("journal", "orders", "order_lines", "sql_outbox", "deliveries"),
    "ledger.sqlite": ("ledger_entries", "ledger_postings"),
    "sandbox.sqlite": ("payments",),
}


def _rows(folder: Path) -> dict[str, int]:
    counts: dict[str, int] = {}
    for file, tables in TABLES.items():
        if not (folder / file).exists():
            counts |= dict.fromkeys(tables, 0)
            continue
        with closing(sqlite3.connect(f"file:{folder / file}?mode=ro", uri=True, timeout=30)) as sql:
            for table in tables:
                known = sql.execute("SELECT count(*) FROM sqlite_master WHERE name = ?", [table]).fetchone()[
                    0
                ]
                count = sql.execute(f"SELECT count(*) FROM {table}").fetchone()[0] if known else 0  # noqa: S608 - ours
                counts[table] = count
    return counts


async def _all_booked(folder: Path, orders: int) -> None:
    """Waits until the ledger has every order, each once."""
    query = (
        'SELECT count(*), count(DISTINCT "order") FROM ledger_entries WHERE document LIKE \'%"kind":"sale"%\''
    )
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            with closing(sqlite3.connect(f"file:{folder / 'ledger.sqlite'}?mode=ro", uri=True)) as sql:
                sales, sold = sql.execute(query).fetchone()
            if sales != sold or sales > orders:
                raise Refused(f"{sales} sales were booked of {sold} orders")
            if sold == orders:
                return
            await asyncio.sleep(0.1)


# ---------------------------------------------------------------- bare inserts

PADDING = "x" * 700
"""About as long as the documents that the product writes."""
KEYS_AN_ORDER = 4
"""Order, payment, the key's answer, the buyer's list."""


def _bare(rows: dict[str, int], orders: int) -> float:
    """CPU seconds for as many rows and keys, in batches, with the same fsync."""
    with tempfile.TemporaryDirectory() as folder, valkey(durable=True) as server:
        start = time.process_time()
        for file, tables in TABLES.items():
            _insert(Path(folder) / file, {table: rows[table] for table in tables})
        keys = (secrets.token_hex(14) for _ in range(orders * KEYS_AN_ORDER))
        served = server.run([command("HSET", key, "document", PADDING) for key in keys])
        return time.process_time() - start + served.cpu_seconds


def _insert(file: Path, rows: dict[str, int]) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as sql:
        sql.execute("PRAGMA journal_mode = WAL")
        sql.execute("PRAGMA synchronous = FULL")
        for table in rows:
            sql.execute(f"CREATE TABLE {table} (id text PRIMARY KEY, document text)")
        for table, count in rows.items():
            for done in range(0, count, BATCH):
                sql.execute("BEGIN IMMEDIATE")
                batch = ((secrets.token_hex(14), PADDING) for _ in range(min(BATCH, count - done)))
                sql.executemany(f"INSERT INTO {table} VALUES (?, ?)", batch)  # noqa: S608 - our own names
                sql.execute("COMMIT")


# ---------------------------------------------------------------- the result


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=2_000)
    parser.add_argument("--buyers", type=int, default=40)
    arguments = parser.parse_args()
    if arguments.orders > arguments.buyers * MOST_OF_ONE_BUYER:
        parser.error(f"one buyer may have {MOST_OF_ONE_BUYER} units: more buyers are needed")
    _measure(arguments.orders, arguments.buyers).print()


def _measure(orders: int, buyers: int) -> Result:
    run = _sell(orders, buyers)
    bare = _bare(run.rows, orders)
    rate, cpu, baseline = orders / run.seconds, sum(run.cpu.values()) / orders * 1e6, bare / orders * 1e6
    return Result(
        name="checkout",
        value=round(cpu, 1),
        unit="µs of CPU per order from the tap to the ledger, all processes",
        baseline=round(baseline, 1),
        baseline_is=f"as many rows and keys inserted in batches of {BATCH}, synced alike",
        ratio=round(cpu / baseline, 2),
        target=f"reported; {TARGET_PER_SECOND} orders/s on two cores",
        ok=rate >= TARGET_PER_SECOND,
        details={
            "orders_per_second": round(rate, 1),
            "cpu_us_per_order": {name: round(used / orders * 1e6, 1) for name, used in run.cpu.items()},
            "rows_per_order": {table: round(count / orders, 2) for table, count in run.rows.items()},
            "generator_cpu_us_per_order": round(time.process_time() / orders * 1e6),
            "orders": orders,
            "buyers": buyers,
            "cpus": os.cpu_count(),
        },
    )


if __name__ == "__main__":
    main()
