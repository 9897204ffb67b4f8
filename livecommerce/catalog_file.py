"""Catalogue files: CSV with a row for each SKU, or JSON. Both say the same, and reading is all or nothing.

Product and SKU are known by the shop's own codes; their ids follow from shop and code, so that importing
a file again brings the same products up to date.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from livecommerce.catalog import NO_LANGUAGE, PriceMinor, Product, Sku, Units, checked_title
from livecommerce.errors import Invalid
from livecommerce.ids import UNSHARDED, ProductId, ShopId, SkuId, named_id
from livecommerce.localized import LocalText
from livecommerce.money import minor_units

COLUMNS = ("product", "sku", "category", "currency", "price", "on_hand")
"""Columns that a CSV file must have, beside at least one ``title`` or ``title:<language>``."""

Code = Annotated[str, Meta(min_length=1, max_length=80)]


class SkuEntry(Struct, forbid_unknown_fields=True):
    """A variant in a file."""

    sku: Code
    price_minor: PriceMinor
    on_hand: Units
    title: LocalText = {}
    """Empty: the product's."""


class ProductEntry(Struct, forbid_unknown_fields=True):
    """A product in a file."""

    product: Code
    title: LocalText
    category: Annotated[str, Meta(min_length=1, max_length=40)]
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$")]
    skus: Annotated[list[SkuEntry], Meta(min_length=1)]
    image: Annotated[str, Meta(max_length=500)] = ""


class BadFile(Exception):
    """A file cannot be imported; each problem is a sentence with its place."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def read_json(raw: bytes, shop: ShopId) -> list[Product]:
    """The products of a JSON file: a list of ``ProductEntry``.

    Raises:
        BadFile: it does not have this form.
    """
    try:
        entries = msgspec.json.decode(raw, type=list[ProductEntry])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadFile([str(error)]) from error
    return _products({f"product {entry.product}": entry for entry in entries}.items(), shop)


def read_csv(text: str, shop: ShopId) -> list[Product]:
    """The products of a CSV file; rows of one product stand anywhere, its first one describes it.

    Raises:
        BadFile: with every row that is wrong.
    """
    reader = csv.DictReader(text.removeprefix("\ufeff").splitlines())
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise BadFile([f"line 1: columns are missing: {', '.join(missing)}"])
    problems: list[str] = []
    entries: dict[str, tuple[str, ProductEntry]] = {}
    for row in reader:
        place = f"line {reader.line_num}"
        try:
            entry = _entry({name: (value or "").strip() for name, value in row.items() if name is not None})
        except (msgspec.ValidationError, ValueError) as error:
            problems.append(f"{place}: {error}")
            continue
        _, known = entries.setdefault(entry.product, (place, entry))
        if known is not entry:
            known.skus.extend(entry.skus)
    if problems:
        raise BadFile(problems)
    return _products(entries.values(), shop)


def _entry(row: dict[str, str]) -> ProductEntry:
    fields = {
        "product": row["product"],
        "title": _localized(row, "title"),
        "category": row["category"],
        "currency": row["currency"],
        "image": row.get("image", ""),
        "skus": [
            {
                "sku": row["sku"],
                "title": _localized(row, "sku_title"),
                "price_minor": minor_units(row["price"], row["currency"]),
                "on_hand": _units(row["on_hand"]),
            }
        ],
    }
    return msgspec.convert(fields, ProductEntry)


def _units(typed: str) -> int:
    try:
        return int(typed)
    except ValueError as error:
        raise ValueError(f"{typed!r} is no whole number") from error


def _localized(row: dict[str, str], name: str) -> LocalText:
    columns = {column.partition(":")[2] or NO_LANGUAGE: column for column in row if _is_column(column, name)}
    return {language: row[column] for language, column in columns.items() if row[column]}


def _is_column(column: str, name: str) -> bool:
    return column == name or column.startswith(f"{name}:")


def _products(entries: Iterable[tuple[str, ProductEntry]], shop: ShopId) -> list[Product]:
    entries = list(entries)
    problems = [problem for place, entry in entries for problem in _problems(place, entry)]
    problems += _repeated([sku.sku for _, entry in entries for sku in entry.skus])
    if problems:
        raise BadFile(problems)
    return [product_of(entry, shop) for _, entry in entries]


def _problems(place: str, entry: ProductEntry) -> Iterator[str]:
    for title in (entry.title, *(sku.title for sku in entry.skus if sku.title)):
        try:
            checked_title(title)
        except Invalid:
            yield f"{place}: a title is empty or too long"


def _repeated(skus: list[str]) -> list[str]:
    often = sorted(sku for sku, times in Counter(skus).items() if times > 1)
    return [f"SKU {sku} stands in the file more than once" for sku in often]


def product_of(entry: ProductEntry, shop: ShopId) -> Product:
    """The product that an entry describes; its ids follow from the shop and its codes.

    Raises:
        Invalid: ``bad_title``.
    """
    title = checked_title(entry.title)
    return Product(
        product=ProductId(named_id(UNSHARDED, "product", shop, entry.product)),
        shop=shop,
        title=title,
        image=entry.image,
        category=entry.category,
        currency=entry.currency,
        skus=tuple(
            Sku(
                sku=SkuId(named_id(UNSHARDED, "sku", shop, sku.sku)),
                title=checked_title(sku.title) if sku.title else title,
                price_minor=sku.price_minor,
                on_hand=sku.on_hand,
            )
            for sku in entry.skus
        ),
    )
