"""A worker, put together of its jobs."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from livecommerce.adapters.ledgers import late_ledger
from livecommerce.adapters.redis_library import load_library_once_up
from livecommerce.adapters.redis_outbox import RedisOutbox
from livecommerce.adapters.redis_room_archive import RedisRemains
from livecommerce.adapters.sql_ledger_queue import SqlLedgerQueue
from livecommerce.adapters.sql_projection import SqlProjection
from livecommerce.adapters.sql_reconciliations import SqlReconciliations
from livecommerce.adapters.sql_room_archive import SqlRoomArchive
from livecommerce.adapters.sql_settlement import SqlSettlement
from livecommerce.app.pictures import picture_ending
from livecommerce.clock import now_ms
from livecommerce.gateway.background import Background
from livecommerce.ids import new_id, shard_names
from livecommerce.ledger_desk import LedgerDesk
from livecommerce.settings import Settings
from livecommerce.stores import Stores
from livecommerce.worker.archive import Archivist
from livecommerce.worker.draws import Draws
from livecommerce.worker.expiry import Expiry
from livecommerce.worker.lost_pictures import LostPictures
from livecommerce.worker.payments import PaymentWatch
from livecommerce.worker.projector import Projector
from livecommerce.worker.receipt import ReceiptByTime
from livecommerce.worker.reconciliations import Reconciliations
from livecommerce.worker.refunds import RefundWatch
from livecommerce.worker.relay import Relay
from livecommerce.worker.run_of_show import RunOfShow
from livecommerce.worker.settlement import Settler
from livecommerce.worker.show_phases import ShowPhases
from livecommerce.worker.stranded_stock import StrandedStock
from livecommerce.worker.stray_deliveries import StrayDeliveries

log = logging.getLogger(__name__)


async def run_worker(settings: Settings) -> None:
    """Works until SIGINT or SIGTERM."""
    stores = Stores(settings)
    loop = asyncio.get_running_loop()
    work = asyncio.create_task(_work(settings, stores))
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, work.cancel)
    try:
        await work
    except asyncio.CancelledError:
        log.info("the worker leaves")
    finally:
        await stores.close()


async def _work(settings: Settings, stores: Stores) -> None:
    await load_library_once_up(stores.redis)
    background = Background()
    try:
        async with asyncio.TaskGroup() as group:
            for job in _jobs(settings, stores, background):
                group.create_task(job())
    finally:
        await background.close()


def _jobs(
    settings: Settings, stores: Stores, background: Background
) -> Sequence[Callable[[], Coroutine[Any, Any, None]]]:
    shards = shard_names(settings.shards)
    outbox = RedisOutbox(stores.redis, "projector", new_id())
    return (
        Expiry(stores.orders, stores.coupons, stores.cashier, shards).run,
        Draws(stores.lotteries, stores.seeds, shards).run,
        PaymentWatch(stores.payments, stores.cashier, shards).run,
        Projector(outbox, SqlProjection(stores.sql), stores.orders, shards).run,
        RefundWatch(stores.refund_desk).run,
        ReceiptByTime(stores.parcels, now_ms).run,
        Settler(SqlSettlement(stores.sql), now_ms).run,
        StrandedStock(stores.catalog, stores.loans, stores.inventory, now_ms).run,
        StrayDeliveries(stores.deliveries, now_ms).run,
        _archivist(settings, stores).run,
        lambda: _relay(settings, stores),
        lambda: _reconcile(settings, stores),
        ShowPhases(stores.schedule, stores.rooms, stores.live_rooms, stores.accounts).run,
        RunOfShow(
            stores.schedule,
            stores.rooms,
            stores.live_rooms,
            stores.catalog,
            stores.shops,
            stores.accounts,
            now_ms,
            picture_ending(settings, stores, background),
        ).run,
        *([] if settings.has_engine else [_lost_pictures(stores).run]),
    )


def _lost_pictures(stores: Stores) -> LostPictures:
    """For our own media processes; an engine does not repeat that a picture is there."""
    return LostPictures(stores.schedule, stores.rooms, stores.live_rooms, stores.pictures, now_ms)


def _archivist(settings: Settings, stores: Stores) -> Archivist:
    return Archivist(
        SqlRoomArchive(stores.sql),
        RedisRemains(stores.redis),
        stores.rooms,
        stores.sharing,
        now_ms,
        after_ms=int(settings.archive_hours * 3_600_000),
    )


async def _relay(settings: Settings, stores: Stores) -> None:
    """Delivers to the ledger; one that cannot be opened holds up nothing else."""
    ledger = late_ledger(settings.ledger_address)
    try:
        await Relay(SqlLedgerQueue(stores.sql), ledger, new_id(), now_ms).run()
    finally:
        await ledger.aclose()


async def _reconcile(settings: Settings, stores: Stores) -> None:
    """Compares with the bill that can be had without anybody's help: the sandbox's."""
    ledger = late_ledger(settings.ledger_address)
    desk = LedgerDesk(settings=settings, sql=stores.sql, ledger=ledger, redis=stores.redis)
    bill = "none" if settings.wechat_merchant else "sandbox"
    try:
        await Reconciliations(
            SqlReconciliations(stores.sql), lambda: desk.reconcile(ledger.scan(), bill), now_ms
        ).run()
    finally:
        await ledger.aclose()
