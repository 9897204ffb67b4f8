"""What SQL says of orders, campaigns and a room's journal; read by a process of its own.

The swarm's process runs greenlets, the databases' drivers run on asyncio: they are kept apart. The process
answers each line on its input, a room's id, with one line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from loadtests.audit.evidence import JournalEvent, StoredOrder

QUERIES = {
    "orders": 'SELECT "order", total_minor, document FROM orders',
    "campaigns": "SELECT campaign, budget_minor FROM campaigns",
    "journal": "SELECT id, type FROM journal WHERE room = :room AND position > 0",
}
READ_SECONDS = 30.0


class CannotRead(Exception):
    """The database does not answer."""


class SqlBooks:
    """The reader's other end."""

    def __init__(self, url: str) -> None:
        words = [sys.executable, "-m", "loadtests.sql_books", url]
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def read(self, room: str) -> Mapping[str, Any]:
        """All three tables.

        Raises:
            CannotRead: not now; what is wrong is in the text.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(room + "\n")
            self._process.stdin.flush()
            answer = json.loads(self._process.stdout.readline() or "null")
        except (OSError, ValueError) as error:
            raise CannotRead(str(error)) from error
        if answer is None or "error" in answer:
            raise CannotRead("the reader has ended" if answer is None else answer["error"])
        return dict(answer)

    def close(self) -> None:
        """Ends the reader."""
        self._process.terminate()
        self._process.communicate()


def stored_order(row: Sequence[Any]) -> StoredOrder:
    """A row of the orders' table."""
    order, total_minor, document = row
    units: dict[str, int] = {}
    for line in document["lines"]:
        sale = line.get("sale") or document["sale"]
        units[sale] = units.get(sale, 0) + line["qty"]
    discounts: dict[str, int] = {}
    for coupon in document.get("coupons", ()):
        discounts[coupon["campaign"]] = discounts.get(coupon["campaign"], 0) + coupon["discount_minor"]
    return StoredOrder(order=order, total_minor=total_minor, units=units, discounts=discounts)


def journal_event(row: Sequence[str]) -> JournalEvent:
    """A row of the journal; its id is room, epoch and offset."""
    identifier, kind = row
    _, epoch, offset = identifier.split(":")
    return JournalEvent((epoch, int(offset)), kind.removeprefix("room."))


# ---------------------------------------------------------------- the reader's process


async def _answer(url: str, room: str) -> dict[str, Any]:
    # Only this process loads SQLAlchemy and with it asyncio's drivers.
    from sqlalchemy import text
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.ext.asyncio import create_async_engine
    from sqlalchemy.pool import NullPool

    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with asyncio.timeout(READ_SECONDS), engine.connect() as connection:
            found = {
                name: (
                    await connection.execute(text(query), {"room": room} if ":room" in query else {})
                ).all()
                for name, query in QUERIES.items()
            }
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        return {"error": f"{type(error).__name__}: {error}"}
    finally:
        await engine.dispose()
    return {
        "orders": [[row[0], row[1], _document(row[2])] for row in found["orders"]],
        "campaigns": [list(row) for row in found["campaigns"]],
        "journal": [list(row) for row in found["journal"]],
    }


def _document(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def main() -> None:
    """Answers until its input ends."""
    url = async_url(sys.argv[1])
    for line in sys.stdin:
        print(json.dumps(asyncio.run(_answer(url, line.strip()))), flush=True)


def async_url(url: str) -> str:
    """A database's address with the driver that reads it."""
    scheme, _, rest = url.partition(":")
    driver = {
        "sqlite": "sqlite+aiosqlite",
        "postgresql": "postgresql+asyncpg",
        "postgres": "postgresql+asyncpg",
    }
    if scheme == "sqlite" and not rest.startswith("//"):
        rest = f"///{rest}"
    return f"{driver.get(scheme, scheme)}:{rest}"


if __name__ == "__main__":
    main()
