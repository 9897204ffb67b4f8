"""The HTTP API of a gateway, and the sandbox beside it."""

from __future__ import annotations

from contextlib import AsyncExitStack

from starlette.routing import BaseRoute

from livecommerce.addresses import DeliveryDesk
from livecommerce.checkout import Checkout
from livecommerce.clock import now_ms
from livecommerce.gateway.auth import Door
from livecommerce.gateway.background import Background
from livecommerce.gateway.blocked_words import BlockedWords
from livecommerce.gateway.current_rates import CurrentRates
from livecommerce.gateway.http.addresses import AddressRoutes, delivery_routes
from livecommerce.gateway.http.after_sales import AfterSalesRoutes
from livecommerce.gateway.http.config import config_routes
from livecommerce.gateway.http.coupons import coupon_routes
from livecommerce.gateway.http.media import MediaRoutes
from livecommerce.gateway.http.media_hooks import media_hook_routes
from livecommerce.gateway.http.merchant_case import Cases
from livecommerce.gateway.http.merchant_order import MerchantOrder
from livecommerce.gateway.http.merchant_orders import MerchantOrders
from livecommerce.gateway.http.merchant_returns import MerchantReturns
from livecommerce.gateway.http.orders import BuyerOrders, order_routes
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
from livecommerce.gateway.ice_servers import IceServers
from livecommerce.gateway.media_plane import MediaPlane
from livecommerce.gateway.proxies import parse_networks
from livecommerce.gateway.rooms import Rooms
from livecommerce.gateway.sandbox.account import Book
from livecommerce.gateway.sandbox.faults import Courier
from livecommerce.gateway.sandbox.routes import Sandbox
from livecommerce.ids import shard_names
from livecommerce.settings import Settings
from livecommerce.signatures import derive_key
from livecommerce.stores import Stores


def http_api(
    settings: Settings, stores: Stores, door: Door, rooms: Rooms, words: BlockedWords, rates: CurrentRates
) -> list[BaseRoute]:
    """The routes of the audience, the hosts, the buyers and the merchants."""
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
    desk, cases = stores.order_desk, Cases(stores.order_desk, door, now_ms)
    one = MerchantOrder(
        cases, desk, stores.parcels, stores.refunds, stores.returns, stores.accounts, stores.audit
    )
    return [
        *MerchantOrders(desk, stores.shops, stores.deliveries, door, now_ms).routes(),
        *one.routes(),
        *MerchantReturns(cases, desk, stores.returns, stores.refunds).routes(),
    ]


def open_sandbox(
    settings: Settings, stores: Stores, background: Background, stack: AsyncExitStack
) -> Sandbox:
    """The payment provider for trying things out."""
    key = derive_key(settings.token_secret, "sandbox")
    courier = Courier(stores.http, key, now_ms)
    book = Book(settings.data_dir / "sandbox.sqlite")
    stack.callback(book.dispose)
    return Sandbox(book, courier, background, now_ms, key, settings.sandbox_url)
