"""A worker that draws and may be killed while it does: ``python -m tests.integration.drawer URL``."""

from __future__ import annotations

import asyncio
import sys

from livecommerce.adapters.redis_address import connect
from livecommerce.adapters.redis_lottery import RedisLottery
from livecommerce.worker.draws import Draws
from tests.contract.test_lottery import SEEDS
from tests.selling import SHARD


async def main(url: str) -> None:
    """Draws what is due."""
    redis = connect(url)
    await Draws(RedisLottery(redis), SEEDS, [SHARD]).step()
    await redis.aclose()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
