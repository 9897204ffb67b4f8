"""The connections of one process, and the drivers on them."""

from __future__ import annotations

import httpx

from livecommerce.adapters.payment_sandbox import SandboxProvider
from livecommerce.adapters.redis_connection import connect
from livecommerce.adapters.redis_coupons import RedisCoupons
from livecommerce.adapters.redis_inventory import RedisInventory
from livecommerce.adapters.redis_live_rooms import RedisLiveRooms
from livecommerce.adapters.redis_orders import RedisOrders
from livecommerce.adapters.redis_payments import RedisPayments
from livecommerce.adapters.redis_rooms import RedisRooms
from livecommerce.adapters.redis_share import RedisShares
from livecommerce.adapters.sql_accounts import SqlAccounts
from livecommerce.adapters.sql_audit import SqlAudit
from livecommerce.adapters.sql_campaigns import SqlCampaigns
from livecommerce.adapters.sql_catalog import SqlCatalog
from livecommerce.adapters.sql_connection import open_sql
from livecommerce.adapters.sql_orders import SqlOrders
from livecommerce.adapters.sql_schedule import SqlSchedule
from livecommerce.adapters.sql_shop import SqlShops
from livecommerce.clock import now_ms
from livecommerce.coupon import ShareRewards
from livecommerce.gateway.programme import Programme
from livecommerce.payment import Cashier
from livecommerce.settings import Settings
from livecommerce.share import Seal, Sharing
from livecommerce.signatures import derive_key

HTTP_SECONDS = 15.0


class Stores:
    """The connections of one process, and the drivers on them."""

    def __init__(self, settings: Settings) -> None:
        self.redis = connect(settings.redis_url)
        self.sql = open_sql(settings.sql_url)
        self.http = httpx.AsyncClient(timeout=HTTP_SECONDS)
        self.rooms = RedisRooms(self.redis)
        self.live_rooms = RedisLiveRooms(self.redis)
        self.inventory = RedisInventory(self.redis)
        self.coupons = RedisCoupons(self.redis, settings.shards)
        self.orders = RedisOrders(self.redis, settings.shards)
        self.payments = RedisPayments(self.redis)
        self.accounts = SqlAccounts(self.sql, now_ms)
        self.audit = SqlAudit(self.sql)
        self.campaigns = SqlCampaigns(self.sql)
        self.catalog = SqlCatalog(self.sql)
        self.schedule = SqlSchedule(self.sql)
        self.shops = SqlShops(self.sql)
        self.past_orders = SqlOrders(self.sql)
        self.programme = Programme(
            schedule=self.schedule,
            catalog=self.catalog,
            shops=self.shops,
            accounts=self.accounts,
            campaigns=self.campaigns,
            rooms=self.rooms,
            live=self.live_rooms,
        )
        self.sharing = Sharing(
            RedisShares(self.redis),
            ShareRewards(self.campaigns, self.coupons, now_ms),
            Seal(derive_key(settings.token_secret, "share")),
            stay_ms=int(settings.stay_seconds * 1000),
            reward_depth=settings.reward_depth,
        )
        callback = f"{settings.public_url}/api/payments/sandbox/callback"
        provider = SandboxProvider(self.http, settings.sandbox_url, callback, settings.token_secret)
        self.cashier = Cashier(self.payments, provider, now_ms)

    async def close(self) -> None:
        """Closes what was opened."""
        await self.http.aclose()
        await self.redis.aclose()
        await self.sql.dispose()
