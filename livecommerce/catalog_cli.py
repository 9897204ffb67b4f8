"""``livecommerce catalog import``: a shop's products from a file, again and again."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from livecommerce.adapters.sql_catalog_desk import SqlCatalogDesk
from livecommerce.adapters.sql_connection import migrate, open_sql
from livecommerce.adapters.sql_shop import SqlShops
from livecommerce.catalog import Product
from livecommerce.catalog_desk import By
from livecommerce.catalog_file import BadFile, read_csv, read_json
from livecommerce.clock import now_ms
from livecommerce.errors import Conflict
from livecommerce.ids import ShopId
from livecommerce.localized import same_in_all
from livecommerce.settings import Settings
from livecommerce.shop import Shop

if TYPE_CHECKING:
    from argparse import _SubParsersAction

ACTOR = "command line"
"""Whom the history names."""

console = Console(highlight=False)


def add_catalog_commands(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds ``catalog`` to the command line."""
    catalog = commands.add_parser("catalog", help="bring products in")
    actions = catalog.add_subparsers(title="actions", required=True, metavar="ACTION")
    bring = actions.add_parser("import", help="add or update a shop's products from a .csv or .json file")
    bring.add_argument("file", type=Path)
    bring.add_argument("--shop", required=True, metavar="ID", help="the shop that owns the products")
    bring.add_argument("--shop-name", metavar="NAME", help="create the shop, or rename it")
    bring.add_argument("--set-stock", action="store_true", help="also set the stock of SKUs that are known")
    bring.add_argument("--check", action="store_true", help="only say whether the file could be imported")
    bring.set_defaults(run=_import)


def _import(settings: Settings, options: argparse.Namespace) -> int:
    shop = ShopId(options.shop)
    try:
        products = read_file(options.file, shop)
    except (BadFile, OSError, UnicodeDecodeError) as error:
        console.print(f"{options.file}: not imported", style="bold red")
        console.print(str(error), markup=False)
        return 1
    if not options.check:
        return asyncio.run(_store(settings, options, shop, products))
    console.print(f"{options.file}: {_counted(products)} could be imported")
    return 0


def read_file(path: Path, shop: ShopId) -> list[Product]:
    """The products of a file, by its ending.

    Raises:
        BadFile: it cannot be imported.
    """
    if path.suffix == ".json":
        return read_json(path.read_bytes(), shop)
    if path.suffix == ".csv":
        return read_csv(path.read_text("utf-8"), shop)
    raise BadFile([f"a file named *{path.suffix} is neither .csv nor .json"])


async def _store(
    settings: Settings, options: argparse.Namespace, shop: ShopId, products: list[Product]
) -> int:
    await migrate(settings.sql_url)
    engine = open_sql(settings.sql_url)
    try:
        shops = SqlShops(engine)
        if options.shop_name:
            await shops.add(Shop(shop=shop, name=same_in_all(options.shop_name)), now_ms())
        if not await shops.names_of([shop]):
            console.print(f"There is no shop {shop}; --shop-name creates it.", style="bold red", markup=False)
            return 1
        with console.status("Importing"):
            done = await SqlCatalogDesk(engine).bring_in(
                shop,
                products,
                By(actor=ACTOR, at_ms=now_ms()),
                set_stock=options.set_stock,
                dry_run=False,
            )
    except Conflict as refused:
        console.print(f"{options.file}: not imported", style="bold red")
        console.print(f"SKU {refused.params['sku']} belongs to another product", markup=False)
        return 1
    finally:
        await engine.dispose()
    console.print(
        f"{options.file}: {_counted(products)} imported: {done.created} new, {done.changed} changed, "
        f"{done.unchanged} as before; stock set of {done.stock_set} SKUs"
    )
    return 0


def _counted(products: list[Product]) -> str:
    return f"{len(products)} products with {sum(len(product.skus) for product in products)} SKUs"
