"""Looking after a catalogue: what merchants change in it, and what it was before.

Every change is one transaction together with its entry in the audit trail. Prices of running sales and the
stock lent to them stay as they are: a sale has a copy of the one and a loan of the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct
from msgspec.structs import replace

from livecommerce.audit import AuditEntry
from livecommerce.catalog import Product, Sku, checked_title
from livecommerce.ids import UNSHARDED, ProductId, ShopId, SkuId, named_id
from livecommerce.localized import LocalText


class By(Struct, frozen=True, kw_only=True):
    """Who changes something, and when."""

    actor: str
    at_ms: int
    request: str = ""


class Variant(Sku, frozen=True, kw_only=True):
    """A variant, and its units that are out on sale."""

    lent: int
    """Lent to sales that have not ended; they are not ``on_hand``."""


class Listing(Struct, frozen=True, kw_only=True):
    """A product as its merchant sees it."""

    product: str
    shop: str
    title: LocalText
    image: str
    category: str
    currency: str
    created_ms: int
    archived_ms: int | None
    """Since when it is put away: on no shelf, and in no new sale."""
    skus: tuple[Variant, ...]


class Place(Struct, frozen=True, kw_only=True):
    """Where a page of products ended."""

    created_ms: int
    product: str


class SkuChange(Struct, frozen=True, kw_only=True):
    """What is said of a variant; one with an unknown code is new, and has no stock yet."""

    sku: str
    """Its id, or the shop's own code."""
    price_minor: int
    title: LocalText = {}
    """Empty: the product's."""


class ProductChange(Struct, frozen=True, kw_only=True):
    """Another description of a product. Variants that it leaves out stay as they are."""

    title: LocalText
    image: str
    category: str
    skus: Sequence[SkuChange]


class Imported(Struct, frozen=True, kw_only=True):
    """What a file changes, or has changed."""

    created: int
    changed: int
    unchanged: int
    stock_set: int
    """Variants whose counted stock is another one."""


class StockCount(Struct, frozen=True, kw_only=True):
    """A variant's stock as it was and as it is counted."""

    product: ProductId
    sku: SkuId
    before: int
    after: int


class ImportPlan(Struct, frozen=True, kw_only=True):
    """The difference between a file and a shop's catalogue."""

    created: Sequence[Product]
    changed: Sequence[tuple[Product, Product]]
    """Before and after."""
    counted: Sequence[StockCount]
    unchanged: int

    @property
    def report(self) -> Imported:
        """The plan in numbers."""
        return Imported(
            created=len(self.created),
            changed=len(self.changed),
            unchanged=self.unchanged,
            stock_set=len(self.counted),
        )


class CatalogDesk(Protocol):
    """A shop's products and their history; everything raises ``Unavailable`` while SQL is away.

    What is of another shop raises ``NotFound`` like what is not there: ``product_not_found``,
    ``sku_not_found``.
    """

    async def page(
        self, shop: ShopId, after: Place | None, limit: int, *, is_archived: bool
    ) -> list[Listing]:
        """The next products after a place, oldest first."""
        ...

    async def find(self, shop: ShopId, product: ProductId) -> Listing:
        """One product."""
        ...

    async def create(self, product: Product, by: By) -> None:
        """Adds a product.

        Raises:
            Conflict: ``product_exists``, ``sku_exists``.
        """
        ...

    async def change(self, shop: ShopId, product: ProductId, change: ProductChange, by: By) -> None:
        """Gives a product another description.

        Raises:
            Conflict: ``sku_exists``: a variant of this code belongs to another product.
        """
        ...

    async def archive(self, shop: ShopId, product: ProductId, by: By) -> None:
        """Puts a product away; sales of it that are on go on."""
        ...

    async def restore(self, shop: ShopId, product: ProductId, by: By) -> None:
        """Takes a product out again."""
        ...

    async def set_stock(
        self, shop: ShopId, sku: SkuId, on_hand: int, expected: int | None, reason: str, by: By
    ) -> None:
        """Sets a variant's units on hand, as counted; units that are lent are not counted.

        Raises:
            Conflict: ``stock_changed``: it is not what the caller expected.
        """
        ...

    async def adjust_stock(self, shop: ShopId, sku: SkuId, units: int, reason: str, key: str, by: By) -> None:
        """Adds units, or takes some away; once, however often it is asked for with the same key.

        Raises:
            Conflict: ``stock_short`` with the units ``on_hand``, ``key_reused``.
        """
        ...

    async def bring_in(
        self, shop: ShopId, products: Sequence[Product], by: By, *, set_stock: bool, dry_run: bool
    ) -> Imported:
        """Adds and updates the products of a file, all or none; a dry run only says what it would do.

        Raises:
            Conflict: ``sku_exists``.
        """
        ...

    async def history(self, shop: ShopId, product: ProductId, limit: int) -> list[AuditEntry]:
        """What was done to a product and its stock, newest first."""
        ...


def changed(product: Product, change: ProductChange) -> Product:
    """A product after a change; stock stays as it is.

    Raises:
        Invalid: ``bad_title``.
    """
    title, known = checked_title(change.title), {sku.sku: sku for sku in product.skus}
    for one in change.skus:
        sku = SkuId(one.sku if one.sku in known else named_id(UNSHARDED, "sku", product.shop, one.sku))
        words = checked_title(one.title) if one.title else title
        on_hand = known[sku].on_hand if sku in known else 0
        known[sku] = Sku(sku=sku, title=words, price_minor=one.price_minor, on_hand=on_hand)
    return replace(
        product, title=title, image=change.image, category=change.category, skus=tuple(known.values())
    )


def plan_import(known: Mapping[str, Product], products: Iterable[Product], *, set_stock: bool) -> ImportPlan:
    """What a file would do to a shop's products; stock of known variants stays unless it is to be set."""
    created, differing, counted, unchanged = [], [], [], 0
    for product in products:
        before = known.get(product.product)
        if before is None:
            created.append(product)
            continue
        counts = _counts(before, product) if set_stock else []
        counted.extend(counts)
        after = _merged(before, product)
        if description(after) != description(before):
            differing.append((before, after))
        elif not counts:
            unchanged += 1
    return ImportPlan(created=created, changed=differing, counted=counted, unchanged=unchanged)


def description(product: Product) -> dict[str, Any]:
    """What history tells of a product: everything but its stock, which has entries of its own."""
    return {
        "title": product.title,
        "image": product.image,
        "category": product.category,
        "currency": product.currency,
        "skus": [
            {"sku": sku.sku, "title": sku.title, "price_minor": sku.price_minor} for sku in product.skus
        ],
    }


def _merged(before: Product, product: Product) -> Product:
    """The product of a file, with the stock of known variants, and with the variants that it leaves out."""
    on_hand = {sku.sku: sku.on_hand for sku in before.skus}
    named = {sku.sku: replace(sku, on_hand=on_hand.get(sku.sku, sku.on_hand)) for sku in product.skus}
    left_out = [sku for sku in before.skus if sku.sku not in named]
    return replace(product, skus=(*named.values(), *left_out))


def _counts(before: Product, product: Product) -> list[StockCount]:
    on_hand = {sku.sku: sku.on_hand for sku in before.skus}
    return [
        StockCount(product=product.product, sku=sku.sku, before=on_hand[sku.sku], after=sku.on_hand)
        for sku in product.skus
        if sku.sku in on_hand and on_hand[sku.sku] != sku.on_hand
    ]
