"""The catalogue: what shops own, what stands on a show's shelf, and stock lent to sales."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Protocol

from msgspec import Meta, Struct

from livecommerce.errors import Invalid
from livecommerce.ids import ProductId, RoomId, SaleId, ShopId, SkuId
from livecommerce.localized import LocalText

MAX_TITLE = 120
MAX_SHELF = 200
NO_LANGUAGE = "und"

PriceMinor = Annotated[int, Meta(ge=0, le=10**12)]
Units = Annotated[int, Meta(ge=0, le=10**9)]


class Sku(Struct, frozen=True, kw_only=True):
    """A variant that can be bought."""

    sku: SkuId
    title: LocalText
    price_minor: int
    on_hand: int
    """Units that are not lent to any sale."""


class Product(Struct, frozen=True, kw_only=True):
    """Something a shop sells, in one or more variants."""

    product: ProductId
    shop: ShopId
    title: LocalText
    image: str
    category: str
    currency: str
    skus: tuple[Sku, ...]

    def variant(self, sku: str) -> Sku:
        """The variant with this id.

        Raises:
            KeyError: the product has no such variant.
        """
        for one in self.skus:
            if one.sku == sku:
                return one
        raise KeyError(sku)


class Allocation(Struct, frozen=True, kw_only=True):
    """Stock lent to one sale; ``returned`` and ``sold`` are known once the sale has ended."""

    sale: SaleId
    sku: SkuId
    allocated: int
    returned: int | None = None
    sold: int | None = None


class Catalog(Protocol):
    """Where products and their stock have their home."""

    async def put(self, product: Product, at_ms: int) -> None:
        """Adds a product, or replaces what is known of it.

        Stock of a variant that is known already stays as it is: units may be out on sale.
        """
        ...

    async def count_stock(self, sku: SkuId, on_hand: int) -> None:
        """Sets a variant's units on hand, as counted in the store-room.

        Raises:
            NotFound: ``sku_not_found``.
        """
        ...

    async def products_of(self, shop: ShopId) -> list[Product]:
        """A shop's products, oldest first."""
        ...

    async def products(self, products: Sequence[str]) -> dict[str, Product]:
        """Products by id; unknown ones are left out."""
        ...

    async def find_by_sku(self, sku: SkuId) -> Product:
        """The product that a variant belongs to.

        Raises:
            NotFound: ``sku_not_found``.
        """
        ...

    async def shelf(self, room: RoomId) -> list[Product]:
        """What can be shown in a show: its shelf in order, then the products of booked segments."""
        ...

    async def set_shelf(self, room: RoomId, products: Sequence[ProductId]) -> None:
        """Puts products on a show's shelf, in this order, in place of what stood there.

        Raises:
            NotFound: ``product_not_found`` (unknown, or of another shop than the show's).
        """
        ...

    async def allocate(self, sale: SaleId, sku: SkuId, units: int, at_ms: int) -> Allocation:
        """Lends units to a sale, once per sale; repeated, it answers what was lent.

        Raises:
            Conflict: ``stock_short`` with the units ``on_hand``.
            NotFound: ``sku_not_found``.
        """
        ...

    async def take_back(self, sale: SaleId, sold: int, at_ms: int) -> Allocation:
        """Ends a sale's loan: all units but the sold ones are on hand again. Repeated, it changes nothing.

        Raises:
            NotFound: nothing was lent to this sale.
        """
        ...

    async def open_allocations(self, before_ms: int) -> list[SaleId]:
        """Sales whose loan began before then, has not ended, and of which SQL has no order."""
        ...


def checked_title(title: LocalText) -> LocalText:
    """A title as it may be stored.

    Raises:
        Invalid: it is empty or too long in some language.
    """
    trimmed = {language: " ".join(text.split()) for language, text in title.items()}
    if not trimmed or any(not text or len(text) > MAX_TITLE for text in trimmed.values()):
        raise Invalid("bad_title", max=MAX_TITLE)
    return trimmed
