"""A gateway, put together of its parts."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from starlette.applications import Starlette
from starlette.routing import BaseRoute

from livecommerce.adapters.redis_address import connect
from livecommerce.adapters.redis_bus import RedisBus
from livecommerce.adapters.redis_comments import RedisComments
from livecommerce.adapters.redis_records import RedisRecords
from livecommerce.adapters.sql_room_archive import SqlRoomArchive
from livecommerce.app.commands import command_handlers
from livecommerce.app.console import console_api, ledger_books
from livecommerce.app.http_api import http_api, open_sandbox
from livecommerce.app.lifespan import lifespan_of, probes
from livecommerce.clock import now_ms
from livecommerce.gateway.auth import Door, Tokens
from livecommerce.gateway.background import Background
from livecommerce.gateway.blocked_words import BlockedWords
from livecommerce.gateway.current_rates import CurrentRates
from livecommerce.gateway.http.application import application
from livecommerce.gateway.http.health import health_routes
from livecommerce.gateway.http.metrics import metrics_route
from livecommerce.gateway.http.pages import page_routes, static_dir
from livecommerce.gateway.lasting_rooms import LastingRooms
from livecommerce.gateway.limits import OpeningLimits
from livecommerce.gateway.media_plane import MediaPlane
from livecommerce.gateway.metrics_board import MetricsBoard
from livecommerce.gateway.open_records import OpenRecords
from livecommerce.gateway.openapi import openapi_route
from livecommerce.gateway.picture_listener import PictureListener
from livecommerce.gateway.proxies import parse_networks
from livecommerce.gateway.rooms import Rooms
from livecommerce.gateway.served_room import LAST_COMMENTS, ServedRoom
from livecommerce.gateway.server import GatewayServer, allow_many_sockets, bind
from livecommerce.gateway.sessions import Sessions
from livecommerce.gateway.sign_outs import SignOuts
from livecommerce.gateway.timing_wheel import TimingWheel
from livecommerce.gateway.visits import Visits
from livecommerce.ids import new_id
from livecommerce.room.live import LoadedRoom
from livecommerce.settings import Settings
from livecommerce.stores import Stores


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
    handlers = command_handlers(settings, stores, background, words, rates)
    books = ledger_books(settings, stores, stack)
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
        *http_api(settings, stores, door, rooms, words, rates),
        *console_api(settings, stores, door, books),
        *health_routes(probes(stores.redis, bus)),
        metrics_route(board.render, settings.metrics_token, trusted),
    ]
    routes = [
        *api,
        openapi_route(api),
        *([open_sandbox(settings, stores, background, stack).mount()] if settings.serves_sandbox else []),
        *page_routes(static_dir()),
    ]
    listener = PictureListener(stores.pictures)
    watches = (words.run, rates.run, books.run, board.run, sign_outs.run, listener.run)
    jobs = (wheel.run, bus.run, rooms.run, *watches)
    lifespan = lifespan_of(stores.redis, bus, sign_outs.prepare, jobs)
    return GatewayServer(
        application(routes, lifespan, MediaPlane(settings.media_url).origin), sessions, wheel
    )
