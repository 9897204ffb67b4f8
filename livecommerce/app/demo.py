"""The data of the demo."""

from __future__ import annotations

from livecommerce.adapters.redis_library import load_library
from livecommerce.clock import now_ms
from livecommerce.demo.seed import seed, seed_promises
from livecommerce.settings import Settings
from livecommerce.stores import Stores


async def seed_demo(settings: Settings) -> None:
    """Brings the demo's people, products and shows up to date."""
    stores = Stores(settings)
    try:
        await load_library(stores.redis)
        await seed(stores.programme, now_ms, settings.shards)
        await seed_promises(stores.shops, stores.address_books, now_ms)
    finally:
        await stores.close()
