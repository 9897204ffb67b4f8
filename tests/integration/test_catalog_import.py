"""Importing a catalogue from the command line, into a real database."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from livecommerce.adapters.sql_catalog import SqlCatalog
from livecommerce.adapters.sql_connection import open_sql
from livecommerce.catalog_cli import add_catalog_commands
from livecommerce.ids import SaleId, ShopId
from livecommerce.settings import Settings

HEAD = "product,title,category,currency,sku,price,on_hand\n"


class Line:
    """A command line on a database of its own."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "goods.csv"
        self.settings = Settings(data_dir=folder)

    def run(self, content: str, *options: str) -> int:
        self.file.write_text(content, "utf-8")
        parser = argparse.ArgumentParser()
        add_catalog_commands(parser.add_subparsers())
        parsed = parser.parse_args(["catalog", "import", str(self.file), "--shop", "s1", *options])
        result: int = parsed.run(self.settings, parsed)
        return result

    def skus(self) -> dict[str, tuple[int, int]]:
        """Title of each product's first SKU → price and stock."""
        return asyncio.run(self._read())

    def lend(self, units: int) -> None:
        asyncio.run(self._lend(units))

    async def _read(self) -> dict[str, tuple[int, int]]:
        async with self._catalog() as catalog:
            found = await catalog.products_of(ShopId("s1"))
        return {one.title["und"]: (one.skus[0].price_minor, one.skus[0].on_hand) for one in found}

    async def _lend(self, units: int) -> None:
        async with self._catalog() as catalog:
            [product] = await catalog.products_of(ShopId("s1"))
            await catalog.allocate(SaleId("sale"), product.skus[0].sku, units, 1)

    @asynccontextmanager
    async def _catalog(self) -> AsyncIterator[SqlCatalog]:
        engine = open_sql(self.settings.sql_url)
        yield SqlCatalog(engine)
        await engine.dispose()


@pytest.fixture
def line(tmp_path: Path) -> Line:
    return Line(tmp_path)


UMBRELLA = HEAD + "U1,Umbrella,home,CNY,U1-B,89.00,40\n"
DEARER = HEAD + "U1,Big umbrella,home,CNY,U1-B,99.00,50\n"


def test_importing_again_updates_and_leaves_stock_that_is_out_on_sale(line: Line) -> None:
    assert line.run(UMBRELLA, "--shop-name", "Shop") == 0
    line.lend(15)
    assert line.run(DEARER) == 0
    assert line.skus() == {"Big umbrella": (9_900, 25)}


def test_stock_is_set_where_that_is_asked_for(line: Line) -> None:
    assert line.run(UMBRELLA, "--shop-name", "Shop") == 0
    assert line.run(DEARER, "--set-stock") == 0
    assert line.skus() == {"Big umbrella": (9_900, 50)}


def test_checking_a_file_writes_nothing(line: Line) -> None:
    assert line.run(UMBRELLA, "--shop-name", "Shop", "--check") == 0
    assert not list(line.file.parent.glob("*.sqlite"))


def test_a_wrong_file_imports_nothing_and_says_why(line: Line, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = UMBRELLA + "U2,Teapot,home,CNY,U2-A,many,1\n"
    assert line.run(wrong, "--shop-name", "Shop") == 1
    assert "line 3" in capsys.readouterr().out


def test_an_unknown_shop_is_refused(line: Line, capsys: pytest.CaptureFixture[str]) -> None:
    assert line.run(UMBRELLA) == 1
    assert "no shop s1" in capsys.readouterr().out
