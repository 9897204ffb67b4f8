"""A show's shelf as the room's commands need it."""

from __future__ import annotations

from livecommerce.catalog import Allocation, Catalog, Product
from livecommerce.errors import NotFound
from livecommerce.ids import RoomId, SaleId, SkuId
from livecommerce.room.cards import ProductCard
from livecommerce.room.plan import product_card
from livecommerce.schedule.segment import BOOKED
from livecommerce.schedule.store import ScheduleStore


class Stockroom:
    """Products of a show, looked up on its shelf; what is not there cannot be pinned or sold."""

    def __init__(self, catalog: Catalog, schedule: ScheduleStore) -> None:
        self._catalog = catalog
        self._schedule = schedule

    async def card(self, room: str, product: str) -> ProductCard:
        """A product as the room shows it."""
        for one in await self._catalog.shelf(RoomId(room)):
            if one.product == product:
                return product_card(one)
        raise NotFound("product_not_on_shelf")

    async def find_on_shelf(self, room: str, sku: SkuId) -> tuple[Product, ProductCard]:
        """The product of a SKU that is on this room's shelf, and how the room shows it."""
        for one in await self._catalog.shelf(RoomId(room)):
            if any(variant.sku == sku for variant in one.skus):
                return one, product_card(one)
        raise NotFound("product_not_on_shelf")

    async def brand_ppm(self, room: str, product: Product) -> int:
        """What a guest brand leaves to the show's shop, as agreed for the segment that shows the product."""
        for segment in await self._schedule.segments_of([RoomId(room)]):
            if segment.state in BOOKED and product.product in segment.products:
                return segment.commission_ppm
        return 0

    async def allocate(self, sale: SaleId, sku: SkuId, units: int, at_ms: int) -> Allocation:
        """Lends units to a sale, once per sale."""
        return await self._catalog.allocate(sale, sku, units, at_ms)

    async def take_back(self, sale: SaleId, sold: int, at_ms: int) -> Allocation:
        """Ends a sale's loan."""
        return await self._catalog.take_back(sale, sold, at_ms)
