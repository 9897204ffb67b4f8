"""What the platform and the creator take of a sale: dated rates, by category."""

from __future__ import annotations

from msgspec import Struct

from livecommerce.money import PPM


class Rates(Struct, frozen=True, kw_only=True):
    """The platform's fees of a category, in force from a time on."""

    from_ms: int
    commission_ppm: int
    technical_fee_ppm: int


RATES: dict[str, tuple[Rates, ...]] = {
    "": (Rates(from_ms=0, commission_ppm=50_000, technical_fee_ppm=6_000),),
    "fresh-food": (Rates(from_ms=0, commission_ppm=20_000, technical_fee_ppm=6_000),),
    "electronics": (Rates(from_ms=0, commission_ppm=30_000, technical_fee_ppm=6_000),),
    "jewelry": (Rates(from_ms=0, commission_ppm=100_000, technical_fee_ppm=10_000),),
}
"""Category → its rates, oldest first; the empty category serves all that are not listed."""

CREATOR_PPM = 200_000

MOST_BRAND_PPM = (
    PPM
    - CREATOR_PPM
    - max(rates.commission_ppm + rates.technical_fee_ppm for dated in RATES.values() for rates in dated)
)
"""What a guest brand can leave to the show's shop at most, so that an order's shares are within the whole."""


def rates_at(category: str, at_ms: int) -> Rates:
    """The rates of a category at a time."""
    dated = RATES.get(category, RATES[""])
    return [rates for rates in dated if rates.from_ms <= at_ms][-1]
