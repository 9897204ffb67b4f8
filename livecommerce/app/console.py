"""The console: rooms and processes, the ledger and its statements."""

from __future__ import annotations

from contextlib import AsyncExitStack

from starlette.routing import BaseRoute

from livecommerce.adapters.ledgers import late_ledger
from livecommerce.adapters.redis_durability import server_status
from livecommerce.adapters.redis_outbox import RedisOutbox
from livecommerce.adapters.sql_ledger_queue import SqlLedgerQueue
from livecommerce.adapters.sql_reconciliations import SqlReconciliations
from livecommerce.adapters.sql_room_sales import SqlRoomSales
from livecommerce.clock import now_ms
from livecommerce.gateway.auth import Door
from livecommerce.gateway.http.console import RedisStatus, RoomTable, console_routes
from livecommerce.gateway.http.ledger import LedgerBooks, ledger_routes
from livecommerce.gateway.http.request_trail import RequestTrail
from livecommerce.gateway.http.statements import statement_routes
from livecommerce.ids import new_id, shard_names
from livecommerce.settings import Settings
from livecommerce.stores import Stores


def ledger_books(settings: Settings, stores: Stores, stack: AsyncExitStack) -> LedgerBooks:
    """The ledger, and what is on its way to it."""
    ledger = late_ledger(settings.ledger_address)
    stack.push_async_callback(ledger.aclose)
    outbox = RedisOutbox(stores.redis, "projector", new_id())
    queue, reconciliations = SqlLedgerQueue(stores.sql), SqlReconciliations(stores.sql)
    return LedgerBooks(outbox, shard_names(settings.shards), queue, ledger, reconciliations, now_ms)


def console_api(settings: Settings, stores: Stores, door: Door, books: LedgerBooks) -> list[BaseRoute]:
    """The routes of the console."""
    rooms = RoomTable(stores.schedule, stores.live_rooms, SqlRoomSales(stores.sql))
    status_file = settings.data_dir / "processes.json"

    async def redis() -> RedisStatus:
        return RedisStatus(**await server_status(stores.redis))

    return [
        *console_routes(door, rooms, status_file, redis, books.overview, now_ms),
        *ledger_routes(books, door, RequestTrail(stores.audit, now_ms)),
        *statement_routes(books.ledger, stores.shops, door, now_ms),
    ]
