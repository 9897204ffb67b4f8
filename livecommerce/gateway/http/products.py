"""A shop's catalogue for those who look after it: products, variants, stock, files, and what was changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Any

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.routing import BaseRoute

from livecommerce.accounts import AccountStore
from livecommerce.audit import AuditEntry
from livecommerce.catalog import PriceMinor, Product, Units
from livecommerce.catalog_desk import (
    By,
    CatalogDesk,
    Imported,
    Listing,
    Place,
    ProductChange,
    SkuChange,
)
from livecommerce.catalog_file import BadFile, Code, ProductEntry, product_of, read_csv, read_json
from livecommerce.clock import Clock
from livecommerce.errors import Conflict, Invalid, NotFound
from livecommerce.gateway.auth import Door
from livecommerce.gateway.http.json import Answer, answer, query, read, read_body
from livecommerce.gateway.http.operation import MediaType, Refusals, Resource, in_role
from livecommerce.gateway.http.request_trail import request_id
from livecommerce.ids import ProductId, ShopId, SkuId
from livecommerce.localized import LocalText
from livecommerce.shop import Shops

PAGE = 50
MAX_PAGE = 200
HISTORY = 200
MAX_FILE_BYTES = 4 * 1024 * 1024
MAX_PROBLEMS = 20

Reason = Annotated[str, Meta(min_length=1, max_length=200)]


class ProductQuery(Struct, frozen=True, kw_only=True):
    """Which products, and how many."""

    archived: bool = False
    """Those that are put away, instead of the others."""
    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = PAGE
    after: Annotated[str, Meta(pattern=r"^([0-9]{1,15}\.[0-9A-Za-z_-]{1,32})?$")] = ""
    """The ``next`` of the page before."""


class ProductPage(Struct, frozen=True, kw_only=True):
    """Some products, oldest first."""

    products: list[Listing]
    next: str | None
    """The next page's ``after``; null where there is none."""


class SkuForm(Struct, frozen=True, kw_only=True):
    """A variant; one with an unknown code is new and has no stock yet."""

    sku: Code
    """Its id, or the shop's own code."""
    price_minor: PriceMinor
    title: LocalText = {}
    """Empty: the product's."""


class ProductForm(Struct, frozen=True, kw_only=True):
    """Another description of a product; variants that it leaves out stay as they are."""

    title: LocalText
    category: Annotated[str, Meta(min_length=1, max_length=40)]
    image: Annotated[str, Meta(max_length=500)] = ""
    skus: Annotated[list[SkuForm], Meta(max_length=200)] = []


class StockForm(Struct, frozen=True, kw_only=True):
    """Units on hand, as counted in the store-room; those lent to sales are not counted."""

    on_hand: Units
    expected: Units | None = None
    """What the caller believes it to be: another number is a conflict. Null: whatever it is."""
    reason: Reason


class Adjustment(Struct, frozen=True, kw_only=True):
    """Units that come or go."""

    key: Annotated[str, Meta(min_length=1, max_length=64)]
    """The same key on the same variant is the same adjustment."""
    units: Annotated[int, Meta(ge=-(10**9), le=10**9)]
    """Below zero: they go."""
    reason: Reason


class ImportQuery(Struct, frozen=True, kw_only=True):
    """How to take a file in."""

    dry_run: bool = False
    """Only say what would change."""
    set_stock: bool = False
    """Set the stock of known variants, too; that of new ones always comes from the file."""


class ProductDeed(Struct, frozen=True, kw_only=True):
    """What somebody changed."""

    at_ms: int
    action: str
    """``product.create``, ``product.change``, ``product.archive``, ``product.restore``, ``stock.set``,
    ``stock.adjust``."""
    actor: str
    actor_name: str
    """Empty where nobody of ours did it."""
    request: str
    before: Any
    """Null where the product is new."""
    after: Any


class ProductHistory(Struct, frozen=True):
    """What was changed in a product and its stock, newest first."""

    history: list[ProductDeed]


MISSING: Refusals = {NotFound: ["product_not_found"]}


class ProductRoutes:
    """``/api/shops/{shop}/products`` and its stock, for merchants of the shop."""

    def __init__(
        self, desk: CatalogDesk, shops: Shops, accounts: AccountStore, door: Door, clock: Clock
    ) -> None:
        self._desk = desk
        self._accounts = accounts
        self._shops = shops
        self._door = door
        self._clock = clock

    def routes(self) -> list[BaseRoute]:
        """All of them."""
        return [*self._products(), *self._stock(), *self._files()]

    def _products(self) -> list[BaseRoute]:
        api, every = Resource("catalog", in_role("merchant", "the shop")), "/api/shops/{shop}/products"
        one = f"{every}/{{product}}"
        return [
            api.operation("GET", every, self.list_products, ProductPage, query=ProductQuery),
            api.operation(
                "POST",
                every,
                self.create_product,
                Listing,
                status=201,
                takes=ProductEntry,
                refuses={
                    NotFound: ["shop_not_found"],
                    Invalid: ["bad_title"],
                    Conflict: ["product_exists", "sku_exists"],
                },
            ),
            api.operation("GET", one, self.show_product, Listing, refuses=MISSING),
            api.operation(
                "PUT",
                one,
                self.change_product,
                Listing,
                takes=ProductForm,
                refuses={**MISSING, Invalid: ["bad_title"], Conflict: ["sku_exists"]},
            ),
            api.operation("POST", f"{one}/archive", self.archive_product, Listing, refuses=MISSING),
            api.operation("POST", f"{one}/restore", self.restore_product, Listing, refuses=MISSING),
            api.operation("GET", f"{one}/history", self.show_history, ProductHistory, refuses=MISSING),
        ]

    def _stock(self) -> list[BaseRoute]:
        api, stock = (
            Resource("catalog", in_role("merchant", "the shop")),
            "/api/shops/{shop}/products/{product}/skus/{sku}/stock",
        )
        missing: Refusals = {NotFound: ["product_not_found", "sku_not_found"]}
        return [
            api.operation(
                "PUT",
                stock,
                self.set_stock,
                Listing,
                takes=StockForm,
                refuses={**missing, Conflict: ["stock_changed"]},
            ),
            api.operation(
                "POST",
                f"{stock}/adjustments",
                self.adjust_stock,
                Listing,
                takes=Adjustment,
                refuses={**missing, Conflict: ["stock_short", "key_reused"]},
            ),
        ]

    def _files(self) -> list[BaseRoute]:
        api, every = Resource("catalog", in_role("merchant", "the shop")), "/api/shops/{shop}/products"
        wrong: Refusals = {
            NotFound: ["shop_not_found"],
            Invalid: ["bad_file"],
            Conflict: ["sku_exists"],
        }
        return [
            api.operation(
                "POST",
                f"{every}.csv",
                self.import_csv,
                Imported,
                query=ImportQuery,
                takes=MediaType("text/csv"),
                refuses=wrong,
            ),
            api.operation(
                "POST",
                f"{every}.json",
                self.import_json,
                Imported,
                query=ImportQuery,
                takes=MediaType("application/json"),
                refuses=wrong,
            ),
        ]

    # ------------------------------------------------------------ products

    async def list_products(self, request: Request) -> Answer[ProductPage]:
        """The shop's products with their variants and stock, page by page."""
        shop, _ = await self._owner(request)
        asked = query(request, ProductQuery)
        found = await self._desk.page(shop, _place(asked.after), asked.limit + 1, is_archived=asked.archived)
        page = found[: asked.limit]
        last = page[-1] if len(found) > asked.limit else None
        return answer(ProductPage(products=page, next=f"{last.created_ms}.{last.product}" if last else None))

    async def create_product(self, request: Request) -> Answer[Listing]:
        """Adds a product under the shop's own codes, which make its ids."""
        shop, by = await self._owner(request)
        product = product_of(await read(request, ProductEntry), shop)
        await self._refuse_unknown(shop)
        await self._desk.create(product, by)
        return answer(await self._desk.find(shop, product.product), 201)

    async def show_product(self, request: Request) -> Answer[Listing]:
        """One product."""
        shop, _ = await self._owner(request)
        return await self._current(shop, request)

    async def change_product(self, request: Request) -> Answer[Listing]:
        """Another description and other prices; sales that are on keep theirs, and stock stays."""
        shop, by = await self._owner(request)
        form = await read(request, ProductForm)
        change = ProductChange(
            title=form.title,
            image=form.image,
            category=form.category,
            skus=[SkuChange(sku=one.sku, price_minor=one.price_minor, title=one.title) for one in form.skus],
        )
        await self._desk.change(shop, _product(request), change, by)
        return await self._current(shop, request)

    async def archive_product(self, request: Request) -> Answer[Listing]:
        """Puts a product away: it is on no shelf and in no new sale; sales that are on go on."""
        shop, by = await self._owner(request)
        await self._desk.archive(shop, _product(request), by)
        return await self._current(shop, request)

    async def restore_product(self, request: Request) -> Answer[Listing]:
        """Takes a product out again, onto the shelves where it stood."""
        shop, by = await self._owner(request)
        await self._desk.restore(shop, _product(request), by)
        return await self._current(shop, request)

    async def show_history(self, request: Request) -> Answer[ProductHistory]:
        """Who changed what in a product and its stock, from what to what."""
        shop, _ = await self._owner(request)
        deeds = await self._desk.history(shop, _product(request), HISTORY)
        names = await self._accounts.names_of([deed.actor for deed in deeds])
        return answer(ProductHistory([_deed(deed, names.get(deed.actor, "")) for deed in deeds]))

    # ------------------------------------------------------------ stock

    async def set_stock(self, request: Request) -> Answer[Listing]:
        """Sets what is on hand of a variant, as counted."""
        shop, by = await self._owner(request)
        form, sku = await read(request, StockForm), await self._sku(shop, request)
        await self._desk.set_stock(shop, sku, form.on_hand, form.expected, form.reason, by)
        return await self._current(shop, request)

    async def adjust_stock(self, request: Request) -> Answer[Listing]:
        """Adds units to what is on hand, or takes some away; once for each key."""
        shop, by = await self._owner(request)
        form, sku = await read(request, Adjustment), await self._sku(shop, request)
        await self._desk.adjust_stock(shop, sku, form.units, form.reason, form.key, by)
        return await self._current(shop, request)

    # ------------------------------------------------------------ files

    async def import_csv(self, request: Request) -> Answer[Imported]:
        """Adds and updates products from a CSV file, all or none; see the columns in docs/programme.md."""
        return await self._bring_in(request, lambda raw, shop: read_csv(raw.decode(), shop))

    async def import_json(self, request: Request) -> Answer[Imported]:
        """Adds and updates products from a list of what ``create_product`` takes, all or none."""
        return await self._bring_in(request, read_json)

    async def _bring_in(
        self, request: Request, parse: Callable[[bytes, ShopId], list[Product]]
    ) -> Answer[Imported]:
        shop, by = await self._owner(request)
        asked, raw = query(request, ImportQuery), await read_body(request, MAX_FILE_BYTES)
        await self._refuse_unknown(shop)
        try:
            goods = await asyncio.to_thread(parse, raw, shop)
        except (BadFile, UnicodeDecodeError) as error:
            problems = error.problems if isinstance(error, BadFile) else ["it is not UTF-8"]
            reason = "\n".join(problems[:MAX_PROBLEMS])
            raise Invalid("bad_file", problems=len(problems), reason=reason) from error
        return answer(
            await self._desk.bring_in(shop, goods, by, set_stock=asked.set_stock, dry_run=asked.dry_run)
        )

    # ------------------------------------------------------------ whose

    async def _owner(self, request: Request) -> tuple[ShopId, By]:
        person = await self._door.signed_in(request)
        shop = ShopId(request.path_params["shop"])
        person.require("merchant", shop)
        return shop, By(actor=person.person, at_ms=self._clock(), request=request_id(request))

    async def _refuse_unknown(self, shop: ShopId) -> None:
        if not await self._shops.names_of([shop]):
            raise NotFound("shop_not_found")

    async def _sku(self, shop: ShopId, request: Request) -> SkuId:
        """The variant of a path, if it is one of the path's product."""
        found = await self._desk.find(shop, _product(request))
        for sku in found.skus:
            if sku.sku == request.path_params["sku"]:
                return sku.sku
        raise NotFound("sku_not_found")

    async def _current(self, shop: ShopId, request: Request) -> Answer[Listing]:
        return answer(await self._desk.find(shop, _product(request)))


def _deed(entry: AuditEntry, actor_name: str) -> ProductDeed:
    return ProductDeed(
        at_ms=entry.at_ms,
        action=entry.action,
        actor=entry.actor,
        actor_name=actor_name,
        request=entry.request,
        before=entry.before,
        after=entry.after,
    )


def _product(request: Request) -> ProductId:
    return ProductId(request.path_params["product"])


def _place(told: str) -> Place | None:
    if not told:
        return None
    created_ms, _, product = told.partition(".")
    return Place(created_ms=int(created_ms), product=product)
