"""Looking at each part of a deployment. Nothing is created or changed."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from redis.exceptions import RedisError
from sqlalchemy import Connection as SqlConnection
from sqlalchemy.exc import SQLAlchemyError

from livecommerce.adapters.ledgers import late_ledger
from livecommerce.adapters.redis_address import connect
from livecommerce.adapters.redis_connection import AWAY, Connection
from livecommerce.adapters.redis_durability import unsafe_durability
from livecommerce.adapters.sql_connection import AWAY as SQL_AWAY
from livecommerce.adapters.sql_connection import migration_config, open_sql, reading, sqlite_file
from livecommerce.clock import now_ms
from livecommerce.doctor import rules
from livecommerce.doctor.finding import Finding, warning, well, wrong
from livecommerce.doctor.place import Place
from livecommerce.ledger.backend import UnknownLedger

HTTP_SECONDS = 10.0
_SQL_TROUBLE: tuple[type[Exception], ...] = (*SQL_AWAY, SQLAlchemyError)


async def look_at_settings(place: Place) -> Iterable[Finding]:
    """Settings and public address."""
    found = list(rules.judge_settings(place.settings)) or [well("settings", "The settings can be used.")]
    return [*found, rules.judge_address(place.settings)]


async def look_at_disk(place: Place) -> Iterable[Finding]:
    """Room in the data directory, or where it would be made."""
    folder = place.settings.data_dir.resolve()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    usage = await asyncio.to_thread(shutil.disk_usage, there)
    return [rules.judge_space(str(folder), usage.free)]


async def look_at_redis(place: Place) -> Iterable[Finding]:
    """Redis or Valkey: there, durable, not evicting, and of one mind about the time."""
    url = place.settings.redis_url
    if not url:
        return [
            wrong(
                "valkey",
                "Nothing says where Valkey is: REDIS_URL is not set, and DATA_DIR has none of its own.",
                "Start 'livecommerce up', or set REDIS_URL (or DATA_DIR) as the gateway has it.",
            )
        ]
    redis = connect(url)
    try:
        return await _examine_redis(redis)
    except (*AWAY, RedisError) as error:
        return [
            wrong(
                "valkey",
                f"{redis.address} does not answer ({_short(error)}): nothing can be sold.",
                "Start it, and check REDIS_URL, its password and the firewall.",
            )
        ]
    finally:
        await redis.aclose()


async def _examine_redis(redis: Connection) -> list[Finding]:
    before = now_ms()
    seconds, micros = await (await redis.servers())[0].time()
    off_ms = (before + now_ms()) // 2 - (seconds * 1000 + micros // 1000)
    reason = await unsafe_durability(redis)
    return [_durability(redis.address, reason), rules.judge_clock(off_ms)]


def _durability(address: str, reason: str | None) -> Finding:
    if reason is None:
        return well("valkey", f"{address} keeps every sale that it has acknowledged.")
    return wrong(
        "valkey",
        f"Selling is refused, because a crash could lose sales: {reason}.",
        "Set appendonly yes, appendfsync always and maxmemory-policy noeviction; see 'Redis' in "
        "docs/operations.md.",
    )


async def look_at_sql(place: Place) -> Iterable[Finding]:
    """The SQL database: there, and of the newest form."""
    url = place.settings.sql_url
    file = sqlite_file(url)
    if file is not None and not file.exists():
        return [_nothing_yet("database", file)]
    engine = open_sql(url)
    try:
        async with reading(engine) as connection:
            return [await connection.run_sync(_migrated)]
    except _SQL_TROUBLE as error:
        return [
            wrong(
                "database",
                f"SQL does not answer ({_short(error)}).",
                "Start it, and check DATABASE_URL, its password and the firewall.",
            )
        ]
    finally:
        await engine.dispose()


def _migrated(connection: SqlConnection) -> Finding:
    newest = set(ScriptDirectory.from_config(migration_config(connection)).get_heads())
    there = set(MigrationContext.configure(connection).get_current_heads())
    if there == newest:
        return well("database", "SQL answers, and its tables are up to date.")
    return wrong(
        "database",
        f"The tables are of another release ({', '.join(there) or 'none'}, not {', '.join(newest)}).",
        "Start 'livecommerce up', or a worker, of the newest release once; it brings them up to date.",
    )


async def look_at_ledger(place: Place) -> Iterable[Finding]:
    """The ledger takes entries."""
    address = place.settings.ledger_address
    file = sqlite_file(address) if address.startswith("sqlite") else None
    if file is not None and not file.exists():
        return [_nothing_yet("ledger", file)]
    do = "Check LEDGER_URL and the system behind it; orders are kept and told to it later."
    try:
        async with aclosing(late_ledger(address)) as ledger:
            health = await ledger.health()
    except UnknownLedger as error:
        return [wrong("ledger", f"{error}.", do)]
    if health.healthy:
        return [well("ledger", f"The ledger ({health.backend}) takes entries.")]
    return [wrong("ledger", f"The ledger ({health.backend}) takes no entries: {health.detail}.", do)]


def _nothing_yet(part: str, file: Path) -> Finding:
    return warning(part, f"There is no {file} yet.", "Start 'livecommerce up' once, or check DATA_DIR.")


async def look_at_gateway(place: Place) -> Iterable[Finding]:
    """A gateway on this machine says that it is ready."""
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=HTTP_SECONDS) as http:
            answer = await http.get(f"{place.gateway_url}/readyz")
            degraded: dict[str, Any] = answer.json()["degraded"]
    except (httpx.HTTPError, ValueError, KeyError) as error:
        return [
            wrong(
                "gateway",
                f"No gateway answers at {place.gateway_url} ({_short(error)}).",
                "Start 'livecommerce up' or 'livecommerce gateway', and check HOST and PORT.",
            )
        ]
    if not degraded:
        return [well("gateway", f"The gateway at {place.gateway_url} is ready.")]
    return [
        wrong(
            "gateway",
            f"The gateway misses {part}: {why}.",
            "Mend that part; the gateway comes back by itself.",
        )
        for part, why in degraded.items()
    ]


def _short(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0] or type(error).__name__
