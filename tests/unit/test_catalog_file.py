"""Catalogue files are read whole, or refused with every problem."""

from __future__ import annotations

import json

import pytest

from livecommerce.catalog_file import BadFile, read_csv, read_json
from livecommerce.ids import ShopId
from livecommerce.money import minor_units

SHOP = ShopId("shop")
HEAD = "product,title:zh-CN,title:en,category,currency,image,sku,sku_title:en,price,on_hand\n"
UMBRELLA = "U1,雨伞,Umbrella,home,CNY,/u.svg,U1-B,Blue,89.00,40\nU1,,Umbrella,home,CNY,,U1-R,Red,95.5,12\n"


def problems(text: str) -> list[str]:
    with pytest.raises(BadFile) as refused:
        read_csv(text, SHOP)
    return refused.value.problems


def test_rows_of_one_product_become_its_skus() -> None:
    [product] = read_csv(HEAD + UMBRELLA, SHOP)
    assert (product.title, product.image) == ({"zh-CN": "雨伞", "en": "Umbrella"}, "/u.svg")
    assert [(sku.title, sku.price_minor, sku.on_hand) for sku in product.skus] == [
        ({"en": "Blue"}, 8_900, 40),
        ({"en": "Red"}, 9_550, 12),
    ]


def test_reading_again_gives_the_same_ids_and_another_shop_others() -> None:
    first = read_csv(HEAD + UMBRELLA, SHOP)
    assert read_csv("\ufeff" + HEAD + UMBRELLA, SHOP) == first
    assert read_csv(HEAD + UMBRELLA, ShopId("other"))[0].product != first[0].product


def test_json_says_the_same_as_csv() -> None:
    skus = [
        {"sku": "U1-B", "title": {"en": "Blue"}, "price_minor": 8_900, "on_hand": 40},
        {"sku": "U1-R", "title": {"en": "Red"}, "price_minor": 9_550, "on_hand": 12},
    ]
    title = {"zh-CN": "雨伞", "en": "Umbrella"}
    entry = {"product": "U1", "title": title, "category": "home", "currency": "CNY", "image": "/u.svg"}
    assert read_json(json.dumps([{**entry, "skus": skus}]).encode(), SHOP) == read_csv(HEAD + UMBRELLA, SHOP)


def test_a_plain_title_counts_in_every_language_and_for_the_sku() -> None:
    text = "product,title,category,currency,sku,price,on_hand\nU1,Umbrella,home,CNY,U1-B,89,1\n"
    [product] = read_csv(text, SHOP)
    assert product.title == product.skus[0].title == {"und": "Umbrella"}


def test_every_wrong_row_is_named() -> None:
    rows = (
        "A,,Tea,tea,CNY,,A1,,1.999,5\n"
        "B,,Tea,tea,CNY,,B1,,-1,5\n"
        "C,,Tea,tea,CNY,,C1,,abc,5\n"
        "D,,Tea,tea,yuan,,D1,,1,5\n"
        "E,,Tea,tea,CNY,,E1,,1,many\n"
        ",,Tea,tea,CNY,,F1,,1,5\n"
        "G,,Tea,tea,CNY,,G1,,1,5\n"
    )
    assert [problem.split(":")[0] for problem in problems(HEAD + rows)] == [f"line {n}" for n in range(2, 8)]


def test_missing_columns_titles_and_repeated_skus_are_named() -> None:
    assert "price, on_hand" in problems("product,sku,category,currency\n")[0]
    assert "title" in problems(HEAD + "A,,,tea,CNY,,A1,,1,5\n")[0]
    assert problems(HEAD + "A,,T,tea,CNY,,A1,,1,5\nB,,T,tea,CNY,,A1,,1,5\n") == [
        "SKU A1 stands in the file more than once"
    ]


@pytest.mark.parametrize("raw", [b"", b"{}", b"[{}]", b'[{"product":"\xff"}]'])
def test_json_of_another_form_is_refused(raw: bytes) -> None:
    with pytest.raises(BadFile):
        read_json(raw, SHOP)


@pytest.mark.parametrize(
    ("text", "currency", "minor"), [("89.90", "CNY", 8990), ("89", "JPY", 89), ("1.234", "KWD", 1234)]
)
def test_amounts_are_read_exactly(text: str, currency: str, minor: int) -> None:
    assert minor_units(text, currency) == minor


@pytest.mark.parametrize("text", ["", "x", "-1", "1.234", "NaN", "Infinity", "1e9999999"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no amount"):
        minor_units(text, "CNY")
