"""What Valkey says of sales and coupon budgets: the audit functions, which count everything twice."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from redis import Redis
from redis.cluster import RedisCluster

from loadtests.audit.evidence import BudgetCount, StockCount

CLUSTER = "+cluster://"
SECONDS = 10.0
_STOCK = (
    *("allocated", "available", "held", "sold", "returned", "limit", "held_by_orders"),
    *("units_of_buyers", "most_of_one_buyer", "stray_deadlines", "orders_without_deadline"),
)
_BUDGET = ("budget", "available", "reserved", "spent", "worth_of_grants", "stuck_grants")


class ValkeyBooks:
    """A reader; writes nothing."""

    def __init__(self, url: str) -> None:
        self._redis: Any = _connect(url)

    def stock(self, sales: Iterable[str]) -> list[StockCount]:
        """Sales that are still there, counted."""
        counts = []
        for sale in sorted(sales):
            answer = self._redis.fcall_ro("sale_audit_v1", 1, _tag(sale), sale)
            if answer:
                counts.append(StockCount(sale=sale, **dict(zip(_STOCK, answer, strict=True))))
        return counts

    def budgets(self) -> list[BudgetCount]:
        """Every campaign's money on every shard."""
        counts = []
        for key in sorted(self._redis.scan_iter(match="*:budget:*", count=1_000)):
            shard, _, campaign = key.decode().partition(":budget:")
            answer = self._redis.fcall_ro("budget_audit_v1", 1, shard, campaign)
            figures = dict(zip(_BUDGET, answer, strict=True))
            counts.append(BudgetCount(shard=shard, campaign=campaign, **figures))
        return counts

    def close(self) -> None:
        """Hangs up."""
        self._redis.close()


def _connect(url: str) -> Any:
    if CLUSTER not in url:
        return Redis.from_url(url, socket_timeout=SECONDS)
    first = url.partition(CLUSTER)[2].rpartition("@")[2].split(",")[0]
    seed = urlsplit(f"//{first}")
    return RedisCluster(host=seed.hostname, port=seed.port or 6379, socket_timeout=SECONDS)


def _tag(identifier: str) -> str:
    """The shard's hash tag; an id begins with its shard."""
    return f"{{s{identifier[:2]}}}"
