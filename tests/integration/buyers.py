"""A process that buys like a gateway does: ``python -m tests.integration.buyers URL SALE NAME COUNT``.

It says ``ready`` on its output, waits for a line on its input, lets all its buyers tap in one loop turn,
and prints each buyer's answer as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys

from livecommerce.adapters.redis_address import connect
from livecommerce.adapters.redis_coupons import RedisCoupons
from livecommerce.adapters.redis_inventory import RedisInventory
from livecommerce.checkout import Checkout
from livecommerce.clock import now_ms
from livecommerce.errors import DomainError
from livecommerce.fees import built_in
from livecommerce.gateway.background import Background
from livecommerce.gateway.hold_batch import HoldBatch
from tests.selling import FakePolicies, a_wish


async def main(url: str, sale: str, name: str, count: int) -> None:
    """Buys one unit for each of ``count`` buyers called after the process."""
    redis, background = connect(url), Background()
    await redis.ping()
    coupons = RedisCoupons(redis, shards=1)
    checkout = Checkout(RedisInventory(redis), coupons, FakePolicies(), now_ms, built_in)
    desk = HoldBatch(checkout, background, now_ms)
    say("ready")
    await asyncio.to_thread(sys.stdin.readline)
    answers = await asyncio.gather(*(tap(desk, sale, f"{name}-{number}") for number in range(count)))
    say(json.dumps(answers))
    await background.close()
    await redis.aclose()


def say(line: str) -> None:
    """Writes a line to whoever started this process."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def tap(desk: HoldBatch, sale: str, buyer: str) -> str:
    """Taps on *buy*; answers the order's id, or why not."""
    try:
        return (await desk.buy(a_wish(sale, buyer, key=f"key-{buyer}"))).order.order
    except DomainError as refusal:
        return refusal.code


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
