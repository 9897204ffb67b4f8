"""A gateway's programme API on real stores, asked without a socket."""

from __future__ import annotations

from typing import Any

import httpx
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from livecommerce.accounts import Account, Membership
from livecommerce.adapters.redis_connection import Connection
from livecommerce.adapters.redis_coupons import RedisCoupons
from livecommerce.adapters.redis_live_rooms import RedisLiveRooms
from livecommerce.adapters.redis_rooms import RedisRooms
from livecommerce.adapters.redis_sanctions import RedisSanctions
from livecommerce.adapters.redis_share import RedisShares
from livecommerce.adapters.sql_accounts import SqlAccounts
from livecommerce.adapters.sql_audit import SqlAudit
from livecommerce.adapters.sql_campaigns import SqlCampaigns
from livecommerce.adapters.sql_catalog import SqlCatalog
from livecommerce.adapters.sql_schedule import SqlSchedule
from livecommerce.adapters.sql_shop import SqlShops
from livecommerce.catalog import Product, Sku
from livecommerce.clock import now_ms
from livecommerce.coupon import ShareRewards
from livecommerce.errors import DomainError
from livecommerce.fees import built_in
from livecommerce.gateway.auth import Door, Tokens
from livecommerce.gateway.http.json import answer
from livecommerce.gateway.http.rooms import RoomRoutes
from livecommerce.gateway.http.schedule import ScheduleRoutes
from livecommerce.gateway.http.share import ShareRoutes
from livecommerce.gateway.ice_servers import IceServers
from livecommerce.gateway.media_plane import MediaPlane
from livecommerce.gateway.programme import Programme
from livecommerce.gateway.translate import error_body, error_status
from livecommerce.ids import ProductId, ShopId, SkuId
from livecommerce.share import Seal, Sharing
from livecommerce.shop import Shop

ORIGIN = "http://testserver"
STAY_MS = 20_000
PEOPLE = {
    "host": [Membership("host", "shop")],
    "host2": [Membership("host", "shop2")],
    "brand": [Membership("brand", "brand")],
    "viewer": [],
    "friend": [],
    "operator": [Membership("operator")],
}


class Site:
    """The stores, and a browser for each person."""

    def __init__(self, redis: Connection, sql: AsyncEngine) -> None:
        self.rooms = RedisRooms(redis)
        self.sanctions = RedisSanctions(redis)
        self.live = RedisLiveRooms(redis)
        self.programme = Programme(
            schedule=SqlSchedule(sql),
            catalog=SqlCatalog(sql),
            shops=SqlShops(sql),
            accounts=SqlAccounts(sql, now_ms),
            campaigns=SqlCampaigns(sql),
            rooms=self.rooms,
            live=self.live,
        )
        self.coupons = RedisCoupons(redis, shards=4)
        rewards = ShareRewards(self.programme.campaigns, self.coupons, now_ms)
        self.sharing = Sharing(RedisShares(redis), rewards, Seal(b"key"), stay_ms=STAY_MS)
        self.audit = SqlAudit(sql)
        self.door = Door(Tokens("a-secret-of-at-least-32-characters!", now_ms), [ORIGIN])
        self.accounts = {
            name: Account(
                person=f"p-{name}", login=name, name=name.title(), password_hash="x", roles=tuple(roles)
            )
            for name, roles in PEOPLE.items()
        }

    async def prepare(self) -> None:
        for shop in ("shop", "shop2", "brand"):
            await self.programme.shops.add(Shop(shop=ShopId(shop), name={"en": shop}), 1)
        for account in self.accounts.values():
            await self.programme.accounts.add(account)
        for name, owner in {"umbrella": "shop", "tea": "brand", "pot": "brand"}.items():
            await self.programme.catalog.put(product(name, owner), 1)

    def routes(self) -> list[BaseRoute]:
        parts = (self.programme, self.audit, self.door, now_ms)
        return [
            *RoomRoutes(
                self.programme,
                self.live,
                self.sanctions,
                *parts[1:],
                media=MediaPlane("http://media.test/"),
                ice_servers=IceServers("stun:s.test, turn:t.test?transport=udp", "turn key", lambda: 5_000),
                shards=4,
            ).routes(),
            *ScheduleRoutes(*parts, rates=built_in, calendar_key=b"key", public_url=ORIGIN).routes(),
            *ShareRoutes(
                self.programme.schedule,
                self.programme.campaigns,
                self.coupons,
                self.sharing,
                self.door,
                now_ms,
                public_url=ORIGIN,
            ).routes(),
        ]

    def browser(self, person: str | None = None) -> httpx.AsyncClient:
        app = Starlette(routes=self.routes(), exception_handlers={DomainError: refuse})
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url=ORIGIN, headers={"origin": ORIGIN}
        )
        if person is not None:
            client.cookies.set("session", self.door.tokens.mint(self.accounts[person].as_person())[0])
        return client

    async def ask(self, person: str | None, method: str, path: str, body: Any = None) -> httpx.Response:
        async with self.browser(person) as browser:
            return await browser.request(method, path, json=body)


async def refuse(_request: Any, error: Exception) -> Any:
    assert isinstance(error, DomainError)
    return answer(error_body(error), error_status(error))


def product(name: str, shop: str) -> Product:
    sku = Sku(sku=SkuId(f"{name}-1"), title={"en": "One"}, price_minor=1000, on_hand=7)
    return Product(
        product=ProductId(name),
        shop=ShopId(shop),
        title={"en": name},
        image=f"/demo/{name}.svg",
        category=name,
        currency="CNY",
        skus=(sku,),
    )
