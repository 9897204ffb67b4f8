"""Between what the platform's shares usually are, so that a slip in a rates file is told before it sells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from livecommerce.fees import Override, ShareRates


class Bounds(Struct, frozen=True, kw_only=True):
    """The least and the most of a share."""

    least_ppm: int
    most_ppm: int


ShareBounds = Mapping[str, Bounds]
"""Share → its bounds; one that is not named may be anything."""

USUAL: ShareBounds = {
    "commission": Bounds(least_ppm=20_000, most_ppm=100_000),
    "technical_fee": Bounds(least_ppm=6_000, most_ppm=10_000),
}


def outside(rates: ShareRates, bounds: ShareBounds) -> Iterator[str]:
    """The shares of a row that are out of bounds.

    An override is there to ask for less than usual, so that only its most counts.
    """
    for share, bound in bounds.items():
        ppm = getattr(rates, f"{share}_ppm")
        least = 0 if isinstance(rates, Override) else bound.least_ppm
        if ppm is not None and not least <= ppm <= bound.most_ppm:
            yield share
