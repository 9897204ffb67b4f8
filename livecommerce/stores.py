"""The connections of one process, and the drivers on them."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import httpx

from livecommerce.adapters.payment_sandbox import SandboxProvider
from livecommerce.adapters.redis_address import connect
from livecommerce.adapters.redis_coupons import RedisCoupons
from livecommerce.adapters.redis_inventory import RedisInventory
from livecommerce.adapters.redis_live_rooms import RedisLiveRooms
from livecommerce.adapters.redis_lottery import RedisLottery
from livecommerce.adapters.redis_orders import RedisOrders
from livecommerce.adapters.redis_payments import RedisPayments
from livecommerce.adapters.redis_pictures import RedisPictures
from livecommerce.adapters.redis_revocations import RedisRevocations
from livecommerce.adapters.redis_rooms import RedisRooms
from livecommerce.adapters.redis_sanctions import RedisSanctions
from livecommerce.adapters.redis_share import RedisShares
from livecommerce.adapters.redis_waitlist import RedisWaitlist
from livecommerce.adapters.sql_accounts import SqlAccounts
from livecommerce.adapters.sql_addresses import SqlAddressBooks, SqlDeliveries
from livecommerce.adapters.sql_audit import SqlAudit
from livecommerce.adapters.sql_campaigns import SqlCampaigns
from livecommerce.adapters.sql_catalog import SqlCatalog
from livecommerce.adapters.sql_catalog_desk import SqlCatalogDesk
from livecommerce.adapters.sql_connection import open_sql
from livecommerce.adapters.sql_loans import SqlLoans
from livecommerce.adapters.sql_order_desk import SqlOrderDesk
from livecommerce.adapters.sql_orders import SqlOrders
from livecommerce.adapters.sql_parcels import SqlParcels
from livecommerce.adapters.sql_refunds import SqlRefunds
from livecommerce.adapters.sql_returns import SqlReturns
from livecommerce.adapters.sql_schedule import SqlSchedule
from livecommerce.adapters.sql_shop import SqlShops
from livecommerce.aftersales.record import Receipt
from livecommerce.aftersales.refund_desk import RefundDesk
from livecommerce.clock import now_ms
from livecommerce.coupon import ShareRewards
from livecommerce.gateway.programme import Programme
from livecommerce.lottery import Seeds
from livecommerce.payment import Cashier, PaymentProvider
from livecommerce.settings import Settings
from livecommerce.share import Seal, Sharing
from livecommerce.signatures import derive_key

HTTP_SECONDS = 15.0


class OpenProvider(PaymentProvider, Protocol):
    """A payment provider with connections of its own."""

    async def aclose(self) -> None:
        """Closes them."""
        ...


class Stores:
    """The connections of one process, and the drivers on them."""

    def __init__(self, settings: Settings) -> None:
        self.redis = connect(settings.redis_url)
        self.sql = open_sql(settings.sql_url)
        self.http = httpx.AsyncClient(timeout=HTTP_SECONDS)
        self.rooms = RedisRooms(self.redis)
        self.live_rooms = RedisLiveRooms(self.redis)
        self.pictures = RedisPictures(self.redis)
        self.revocations = RedisRevocations(self.redis)
        self.sanctions = RedisSanctions(self.redis)
        self.inventory = RedisInventory(self.redis)
        self.waitlists = RedisWaitlist(self.redis)
        self.lotteries = RedisLottery(self.redis)
        self.seeds = Seeds(derive_key(settings.token_secret, "lottery"))
        self.coupons = RedisCoupons(self.redis, settings.shards)
        self.orders = RedisOrders(self.redis, settings.shards)
        self.payments = RedisPayments(self.redis)
        self.accounts = SqlAccounts(self.sql, now_ms)
        self.audit = SqlAudit(self.sql)
        self.campaigns = SqlCampaigns(self.sql)
        self.catalog = SqlCatalog(self.sql)
        self.loans = SqlLoans(self.sql)
        self.catalog_desk = SqlCatalogDesk(self.sql)
        self.schedule = SqlSchedule(self.sql)
        self.shops = SqlShops(self.sql)
        self.past_orders = SqlOrders(self.sql)
        self.address_books = SqlAddressBooks(self.sql)
        self.deliveries = SqlDeliveries(self.sql)
        receipt = Receipt(delivered_days=settings.receipt_days, shipped_days=settings.unheard_receipt_days)
        self.order_desk = SqlOrderDesk(self.sql)
        self.refunds = SqlRefunds(self.sql, receipt)
        self.returns = SqlReturns(self.sql, receipt)
        self.parcels = SqlParcels(self.sql, receipt)
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
        self._provider = _provider(settings, self.http)
        self.refund_desk = RefundDesk(self.refunds, self._provider, now_ms)
        self.cashier = Cashier(self.payments, self._provider, now_ms, self.refund_desk)

    async def close(self) -> None:
        """Closes what was opened."""
        await self._provider.aclose()
        await self.http.aclose()
        await self.redis.aclose()
        await self.sql.dispose()


def _provider(settings: Settings, http: httpx.AsyncClient) -> OpenProvider:
    """Where buyers pay: WeChat Pay if there is an account, else the sandbox."""
    if not settings.wechat_merchant:
        callback = f"{settings.public_url}/api/payments/sandbox/callback"
        return SandboxProvider(http, settings.sandbox_url, callback, settings.token_secret)
    # A driver that only some need, as with the ledgers: its package is an extra.
    from livecommerce.adapters.payment_wechat import WechatAccount, WechatProvider

    account = WechatAccount(
        merchant=settings.wechat_merchant,
        app=settings.wechat_app,
        api_key=settings.wechat_api_key,
        serial=settings.wechat_serial,
        private_key=_text(settings.wechat_private_key),
        public_key=_text(settings.wechat_public_key),
        public_key_id=settings.wechat_public_key_id,
        url=settings.wechat_url,
    )
    callback = f"{settings.public_url}/api/payments/wechat/callback"
    return WechatProvider(account, f"{settings.public_url}/pay/wechat", callback, now_ms)


def _text(file: Path | None) -> str:
    return file.read_text() if file else ""
