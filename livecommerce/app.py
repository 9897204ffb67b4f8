"""The composition root: settings in, running processes out. Nothing else builds anything."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from starlette.applications import Starlette
from starlette.routing import BaseRoute

from livecommerce.adapters.ledgers import late_ledger
from livecommerce.adapters.redis_address import connect
from livecommerce.adapters.redis_bus import RedisBus
from livecommerce.adapters.redis_comments import RedisComments
from livecommerce.adapters.redis_connection import AWAY, Connection, served
from livecommerce.adapters.redis_durability import server_status, unsafe_durability
from livecommerce.adapters.redis_library import load_library
from livecommerce.adapters.redis_outbox import RedisOutbox
from livecommerce.adapters.redis_records import RedisRecords
from livecommerce.adapters.redis_room_archive import RedisRemains
from livecommerce.adapters.sql_ledger_queue import SqlLedgerQueue
from livecommerce.adapters.sql_projection import SqlProjection
from livecommerce.adapters.sql_reconciliations import SqlReconciliations
from livecommerce.adapters.sql_room_archive import SqlRoomArchive
from livecommerce.adapters.sql_room_sales import SqlRoomSales
from livecommerce.adapters.sql_settlement import SqlSettlement
from livecommerce.addresses import DeliveryDesk
from livecommerce.checkout import Checkout
from livecommerce.clock import now_ms
from livecommerce.demo.seed import seed, seed_promises
from livecommerce.errors import Unavailable
from livecommerce.gateway.auth import Door, Tokens
from livecommerce.gateway.background import Background
from livecommerce.gateway.blocked_words import BlockedWords
from livecommerce.gateway.current_rates import CurrentRates
from livecommerce.gateway.hold_batch import HoldBatch
from livecommerce.gateway.http.addresses import AddressRoutes, delivery_routes
from livecommerce.gateway.http.after_sales import AfterSalesRoutes
from livecommerce.gateway.http.application import Lifespan, application
from livecommerce.gateway.http.config import config_routes
from livecommerce.gateway.http.console import RedisStatus, RoomTable, console_routes
from livecommerce.gateway.http.coupons import coupon_routes
from livecommerce.gateway.http.health import Probe, health_routes
from livecommerce.gateway.http.ledger import LedgerBooks, ledger_routes
from livecommerce.gateway.http.media import MediaRoutes
from livecommerce.gateway.http.media_hooks import media_hook_routes
from livecommerce.gateway.http.merchant_orders import Commands, MerchantOrders
from livecommerce.gateway.http.metrics import metrics_route
from livecommerce.gateway.http.orders import BuyerOrders, order_routes
from livecommerce.gateway.http.pages import page_routes, static_dir
from livecommerce.gateway.http.parcel_updates import ParcelUpdates
from livecommerce.gateway.http.payments import payment_routes
from livecommerce.gateway.http.policies import PolicyRoutes
from livecommerce.gateway.http.products import ProductRoutes
from livecommerce.gateway.http.quotes import quote_routes
from livecommerce.gateway.http.request_trail import RequestTrail
from livecommerce.gateway.http.rooms import RoomRoutes
from livecommerce.gateway.http.schedule import ScheduleRoutes
from livecommerce.gateway.http.session import session_routes
from livecommerce.gateway.http.share import ShareRoutes
from livecommerce.gateway.http.sign_outs import sign_out_routes
from livecommerce.gateway.http.statements import statement_routes
from livecommerce.gateway.ice_servers import IceServers
from livecommerce.gateway.lasting_rooms import LastingRooms
from livecommerce.gateway.limits import OpeningLimits
from livecommerce.gateway.lines import Lines
from livecommerce.gateway.media_plane import MediaControl, MediaPlane
from livecommerce.gateway.metrics_board import MetricsBoard
from livecommerce.gateway.open_records import OpenRecords
from livecommerce.gateway.openapi import openapi_route
from livecommerce.gateway.picture_listener import PictureListener
from livecommerce.gateway.proxies import parse_networks
from livecommerce.gateway.room_commands import RoomCommands
from livecommerce.gateway.rooms import Rooms
from livecommerce.gateway.sale_terms import SaleTerms
from livecommerce.gateway.sandbox.account import Book
from livecommerce.gateway.sandbox.faults import Courier
from livecommerce.gateway.sandbox.routes import Sandbox
from livecommerce.gateway.selling_commands import SellingCommands
from livecommerce.gateway.served_room import LAST_COMMENTS, ServedRoom
from livecommerce.gateway.server import GatewayServer, allow_many_sockets, bind
from livecommerce.gateway.sessions import Sessions
from livecommerce.gateway.sign_outs import SignOuts
from livecommerce.gateway.stage_commands import StageCommands
from livecommerce.gateway.stockroom import Stockroom
from livecommerce.gateway.timing_wheel import TimingWheel
from livecommerce.gateway.trail import Trail
from livecommerce.gateway.visits import Visits
from livecommerce.ids import new_id, shard_names
from livecommerce.ledger_desk import LedgerDesk
from livecommerce.room.live import LoadedRoom
from livecommerce.room.stage import EndPictures
from livecommerce.settings import Settings
from livecommerce.signatures import derive_key
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

RETRY_SECONDS = 1.0
BUS_SECONDS = 5.0
HTTP_SECONDS = 15.0

Job = Callable[[], Coroutine[Any, Any, None]]

log = logging.getLogger(__name__)


# ---------------------------------------------------------------- gateway


async def run_gateway(settings: Settings) -> None:
    """Serves until SIGINT or SIGTERM."""
    allow_many_sockets()
    sock = bind(settings.host, settings.port)
    async with AsyncExitStack() as stack:
        stack.callback(sock.close)
        stores = Stores(settings)
        stack.push_async_callback(stores.close)
        server = _gateway(settings, stores, stack)
        await server.serve(sockets=[sock])


def _gateway(settings: Settings, stores: Stores, stack: AsyncExitStack) -> GatewayServer:
    node = new_id()
    background = Background()
    stack.push_async_callback(background.close)
    subscriber = connect(settings.redis_url)
    stack.push_async_callback(subscriber.aclose)

    def fell_behind() -> None:
        rooms.all_behind()
        sign_outs.fell_behind()

    bus = RedisBus(subscriber, fell_behind)

    comments = RedisComments(stores.redis, LAST_COMMENTS)
    lasting = LastingRooms(stores.rooms, SqlRoomArchive(stores.sql))

    records = OpenRecords(RedisRecords(stores.redis), background.spawn)

    def serve(loaded: LoadedRoom) -> ServedRoom:
        return ServedRoom(
            loaded,
            lasting,
            bus,
            stores.inventory.stock,
            stores.waitlists.counts,
            comments,
            stores.sanctions,
            node,
            background.spawn,
            now_ms,
            records.bring_all,
        )

    rooms = Rooms(lasting, stores.rooms, bus, node, serve)
    stack.callback(rooms.close)
    tokens = Tokens(settings.token_secret, now_ms)
    sign_outs = SignOuts(stores.revocations, tokens.revocations, rooms, bus, now_ms)
    door = Door(tokens, [settings.public_url])
    wheel = TimingWheel()
    trusted = parse_networks(settings.trusted_proxies)
    limits = OpeningLimits(trusted, now_ms)
    words = BlockedWords(settings.words_file)
    rates = CurrentRates(settings.rates_file, optional=settings.rates is None)
    handlers = _handlers(settings, stores, background, words, rates)
    books = _books(settings, stores, stack)
    visits = Visits(stores.sharing, wheel, background, now_ms, settings.stay_seconds)
    sessions = Sessions(rooms, door, records, visits, handlers, background, now_ms, limits)

    def gauges() -> Mapping[str, float]:
        return {
            "livecommerce_connections": len(sessions.joined),
            "livecommerce_rooms": len(tuple(rooms)),
            "livecommerce_tasks": len(asyncio.all_tasks()),
            **books.gauges(),
        }

    board = MetricsBoard(settings.data_dir / "metrics", settings.gateway_name, gauges, now_ms)
    api = [
        *_api(settings, stores, door, rooms, words, rates),
        *_console(settings, stores, door, books),
        *health_routes(_probes(stores.redis, bus)),
        metrics_route(board.render, settings.metrics_token, trusted),
    ]
    routes = [
        *api,
        openapi_route(api),
        *([_sandbox(settings, stores, background, stack).mount()] if settings.serves_sandbox else []),
        *page_routes(static_dir()),
    ]
    listener = PictureListener(stores.pictures)
    watches = (words.run, rates.run, books.run, board.run, sign_outs.run, listener.run)
    jobs = (wheel.run, bus.run, rooms.run, *watches)
    lifespan = _lifespan(stores.redis, bus, sign_outs.prepare, jobs)
    return GatewayServer(
        application(routes, lifespan, MediaPlane(settings.media_url).origin), sessions, wheel
    )


async def gateway_routes() -> list[BaseRoute]:
    """Everything that a gateway with the usual settings answers; it is built, and connects to nothing."""
    with TemporaryDirectory() as folder:
        async with AsyncExitStack() as stack:
            settings = Settings(data_dir=Path(folder), redis_url="redis://localhost", token_secret="-" * 32)
            stores = Stores(settings)
            stack.push_async_callback(stores.close)
            server = _gateway(settings, stores, stack)
            app = server.config.app
            assert isinstance(app, Starlette)  # noqa: S101 - as _gateway has made it
            return list(app.routes)


def _api(
    settings: Settings, stores: Stores, door: Door, rooms: Rooms, words: BlockedWords, rates: CurrentRates
) -> list[BaseRoute]:
    url = settings.public_url
    secure = url.startswith("https:")
    buyer_orders = BuyerOrders(stores.orders, stores.past_orders, stores.payments)
    room_routes = RoomRoutes(
        stores.programme,
        stores.live_rooms,
        stores.sanctions,
        stores.audit,
        door,
        now_ms,
        media=MediaPlane(settings.media_url),
        ice_servers=IceServers(settings.media_ice_servers, settings.media_turn_secret, now_ms),
        shards=settings.shards,
    )
    schedule_routes = ScheduleRoutes(
        stores.programme,
        stores.audit,
        door,
        now_ms,
        rates=rates,
        calendar_key=derive_key(settings.token_secret, "calendar"),
        public_url=url,
    )
    share_routes = ShareRoutes(
        stores.schedule, stores.campaigns, stores.coupons, stores.sharing, door, now_ms, public_url=url
    )
    return [
        *config_routes(demo=settings.demo, currency=settings.currency, media_url=settings.media_url),
        *room_routes.routes(),
        *schedule_routes.routes(),
        *share_routes.routes(),
        *session_routes(
            stores.accounts,
            door,
            words,
            parse_networks(settings.trusted_proxies),
            now_ms,
            demo=settings.demo,
            secure=secure,
        ),
        *sign_out_routes(
            stores.accounts, stores.revocations, RequestTrail(stores.audit, now_ms), door, now_ms
        ),
        *order_routes(
            buyer_orders,
            stores.orders,
            stores.cashier,
            stores.refunds,
            DeliveryDesk(stores.address_books, stores.deliveries),
            door,
            now_ms,
            url,
        ),
        *AfterSalesRoutes(stores.order_desk, stores.returns, stores.parcels, door, now_ms).routes(),
        *_merchant(stores, door),
        *ParcelUpdates(stores.parcels, door, now_ms, settings.token_secret, url).routes(),
        *delivery_routes(stores.deliveries, stores.orders, stores.past_orders, door),
        *AddressRoutes(stores.address_books, door, now_ms).routes(),
        *PolicyRoutes(stores.shops, stores.shops, door, RequestTrail(stores.audit, now_ms)).routes(),
        *ProductRoutes(stores.catalog_desk, stores.shops, stores.accounts, door, now_ms).routes(),
        *quote_routes(Checkout(stores.inventory, stores.coupons, stores.shops, now_ms, rates), door),
        *coupon_routes(stores.coupons, door, shard_names(settings.shards)),
        *payment_routes({stores.cashier.provider: stores.cashier}),
        *media_hook_routes(rooms, stores.pictures, settings.token_secret, now_ms),
        *MediaRoutes(MediaPlane(settings.media_url), door.tokens, rooms).routes(),
    ]


def _merchant(stores: Stores, door: Door) -> list[BaseRoute]:
    commands = Commands(refunds=stores.refunds, returns=stores.returns, parcels=stores.parcels)
    return MerchantOrders(
        stores.order_desk,
        commands,
        stores.shops,
        stores.deliveries,
        stores.accounts,
        stores.audit,
        door,
        now_ms,
    ).routes()


def _books(settings: Settings, stores: Stores, stack: AsyncExitStack) -> LedgerBooks:
    ledger = late_ledger(settings.ledger_address)
    stack.push_async_callback(ledger.aclose)
    outbox = RedisOutbox(stores.redis, "projector", new_id())
    queue, reconciliations = SqlLedgerQueue(stores.sql), SqlReconciliations(stores.sql)
    return LedgerBooks(outbox, shard_names(settings.shards), queue, ledger, reconciliations, now_ms)


def _console(settings: Settings, stores: Stores, door: Door, books: LedgerBooks) -> list[BaseRoute]:
    rooms = RoomTable(stores.schedule, stores.live_rooms, SqlRoomSales(stores.sql))
    status_file = settings.data_dir / "processes.json"

    async def redis() -> RedisStatus:
        return RedisStatus(**await server_status(stores.redis))

    return [
        *console_routes(door, rooms, status_file, redis, books.overview, now_ms),
        *ledger_routes(books, door, RequestTrail(stores.audit, now_ms)),
        *statement_routes(books.ledger, stores.shops, door, now_ms),
    ]


def _handlers(
    settings: Settings, stores: Stores, background: Background, words: BlockedWords, rates: CurrentRates
) -> Mapping[type[Any], Any]:
    trail = Trail(stores.audit, now_ms)
    end_pictures = _end_pictures(settings, stores, background)
    stockroom = Stockroom(stores.catalog, stores.schedule)
    checkout = Checkout(stores.inventory, stores.coupons, stores.shops, now_ms, rates)
    desk = HoldBatch(checkout, background, now_ms)
    lines = Lines(stores.waitlists, stores.seeds)
    selling = SellingCommands(
        desk,
        stores.inventory,
        stockroom,
        stores.coupons,
        stores.campaigns,
        lines,
        trail,
        now_ms,
        settings.hold_seconds,
        end_pictures,
    )
    return {
        **RoomCommands(stockroom, words, stores.sanctions, trail, now_ms).handlers(),
        **StageCommands(trail, now_ms, end_pictures).handlers(),
        **selling.handlers(),
        **lines.handlers(),
        **SaleTerms(stores.inventory, stores.loans, trail, now_ms).handlers(),
    }


def _end_pictures(settings: Settings, stores: Stores, background: Background) -> EndPictures:
    if settings.has_engine:
        return lambda _room, _seat: None  # an engine asks us for each publisher, and has no seats to close
    control = MediaControl(
        stores.http, settings.media_control_url or settings.media_url, settings.token_secret, now_ms
    )
    return lambda room, seat: background.spawn(control.close_seats(room, seat))


def _sandbox(settings: Settings, stores: Stores, background: Background, stack: AsyncExitStack) -> Sandbox:
    key = derive_key(settings.token_secret, "sandbox")
    courier = Courier(stores.http, key, now_ms)
    book = Book(settings.data_dir / "sandbox.sqlite")
    stack.callback(book.dispose)
    return Sandbox(book, courier, background, now_ms, key, settings.sandbox_url)


def _probes(redis: Connection, bus: RedisBus) -> Mapping[str, Probe]:
    async def safe_to_sell() -> str | None:
        try:
            reason = await unsafe_durability(redis)
        except AWAY:
            return "away"
        return reason and f"not safe to sell on: {reason}"

    async def subscribed() -> str | None:
        return None if bus.connected else "subscriptions are away"

    return {"redis": safe_to_sell, "bus": subscribed}


def _lifespan(redis: Connection, bus: RedisBus, prepare: Job, jobs: Sequence[Job]) -> Lifespan:
    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await _load_library(redis)
        await prepare()
        tasks = [asyncio.create_task(_crash_with(job)) for job in jobs]
        try:
            await _wait_for(bus)
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    return lifespan


async def _wait_for(bus: RedisBus) -> None:
    """Lets nobody in before rooms can be heard; a server that stays away keeps nobody out for long."""
    try:
        await asyncio.wait_for(bus.ready(), BUS_SECONDS)
    except TimeoutError:
        log.warning("serving without subscriptions; they are tried again")


async def _crash_with(job: Job) -> None:
    """A job that fails ends its process: the supervisor starts a whole one again."""
    try:
        await job()
    except Exception:
        log.exception("a job failed; this process ends")
        os.kill(os.getpid(), signal.SIGTERM)
        raise


# ---------------------------------------------------------------- worker


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
    await _load_library(stores.redis)
    background = Background()
    try:
        async with asyncio.TaskGroup() as group:
            for job in _jobs(settings, stores, background):
                group.create_task(job())
    finally:
        await background.close()


def _jobs(settings: Settings, stores: Stores, background: Background) -> Sequence[Job]:
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
            _end_pictures(settings, stores, background),
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


async def _load_library(redis: Connection) -> None:
    """Waits for the server where it is not up yet."""
    while True:
        try:
            with served():
                await load_library(redis)
        except Unavailable as error:
            log.warning("the function library waits: %s", error)
            await asyncio.sleep(RETRY_SECONDS)
        else:
            return


async def seed_demo(settings: Settings) -> None:
    """Brings the demo's people, products and shows up to date."""
    stores = Stores(settings)
    try:
        await load_library(stores.redis)
        await seed(stores.programme, now_ms, settings.shards)
        await seed_promises(stores.shops, stores.address_books, now_ms)
    finally:
        await stores.close()
