"""What an address needs, by country."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from livecommerce.addresses import MAX_NOTE, Address, checked, checked_note
from livecommerce.errors import Invalid

HANGZHOU = Address(
    country="CN",
    name="Mei",
    phone="13800000000",
    region="Zhejiang",
    city="Hangzhou",
    district="Xihu",
    street="1 Example Road, room 2",
)
ELSEWHERE = Address(country="IE", name="Mei", phone="+353 1 234 5678", city="Dublin", street="1 Example Road")


def test_a_good_address_is_kept_without_what_nobody_sees() -> None:
    untidy = replace(HANGZHOU, name="  Mei \u200b\n Li ", postcode=" 310000 ")
    assert checked(untidy) == replace(HANGZHOU, name="Mei Li", postcode="310000")
    assert checked(replace(ELSEWHERE, postcode="d02 x285")).postcode == "D02 X285"


@pytest.mark.parametrize("field", ["name", "phone", "region", "city", "district", "street"])
def test_a_chinese_address_has_province_city_and_district(field: str) -> None:
    with pytest.raises(Invalid, match="bad_address") as refused:
        checked(replace(HANGZHOU, **{field: " "}))
    assert refused.value.params["field"] == field


def test_other_countries_are_asked_for_what_a_parcel_needs() -> None:
    assert checked(ELSEWHERE) == ELSEWHERE
    with pytest.raises(Invalid):
        checked(replace(ELSEWHERE, country="US"))


@pytest.mark.parametrize(
    ("country", "field", "value"),
    [
        ("CN", "phone", "12345"),
        ("CN", "postcode", "31000"),
        ("US", "postcode", "ABC"),
        ("GB", "postcode", "1"),
        ("IE", "phone", "call me"),
    ],
)
def test_a_phone_or_postcode_that_cannot_be_one_is_refused(country: str, field: str, value: str) -> None:
    with pytest.raises(Invalid, match="bad_address") as refused:
        checked(replace(HANGZHOU, **{"postcode": "10001", "country": country, field: value}))
    assert refused.value.params["field"] in (field, "phone")


def test_a_note_keeps_its_lines_and_has_an_end() -> None:
    assert checked_note(" ring twice \n\n\t thanks ") == "ring twice\nthanks"
    with pytest.raises(Invalid, match="note_too_long"):
        checked_note("a" * (MAX_NOTE + 1))
