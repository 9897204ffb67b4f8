"""Money: integers in minor units, with their currency.

Rates are integer parts per million. Nothing here rounds in a way that loses or invents a unit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

PPM = 1_000_000
"""One, as a rate: 20% is 200_000."""

_EXPONENTS = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "BHD": 3, "KWD": 3, "TND": 3}
"""ISO 4217 exponents that are not 2."""

_AMOUNT = re.compile(r"(?P<whole>[0-9]{1,15})(\.(?P<decimals>[0-9]+))?")


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units (fen, cents) of one ISO 4217 currency."""

    minor: int
    currency: str

    def __str__(self) -> str:
        exponent = _EXPONENTS.get(self.currency, 2)
        sign = "-" if self.minor < 0 else ""
        whole, fraction = divmod(abs(self.minor), 10**exponent)
        decimals = f".{fraction:0{exponent}d}" if exponent else ""
        return f"{sign}{whole}{decimals} {self.currency}"


def minor_units(text: str, currency: str) -> int:
    """An amount as people write it (``89.90``) in minor units.

    Raises:
        ValueError: it is no amount, is negative, or has more decimals than the currency.
    """
    exponent = _EXPONENTS.get(currency, 2)
    amount = _AMOUNT.fullmatch(text)
    if amount is None or len(amount["decimals"] or "") > exponent:
        raise ValueError(f"{text!r} is no amount of {currency}")
    return int(amount["whole"] + (amount["decimals"] or "").ljust(exponent, "0"))


def floor_share(amount_minor: int, rate_ppm: int) -> int:
    """The part of an amount at a rate, rounded down; amounts are not negative."""
    return amount_minor * rate_ppm // PPM


def split(amount_minor: int, weights: Sequence[int]) -> list[int]:
    """Divides an amount by weights; the parts add up exactly.

    Each part is floored, what is left goes to the largest remainders, ties by position (Hamilton's
    method). All weights zero puts the whole amount on the first part.
    """
    total = sum(weights)
    if total == 0:
        return [amount_minor] + [0] * (len(weights) - 1)
    parts = [amount_minor * weight // total for weight in weights]
    remainders = [amount_minor * weight % total for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda index: (-remainders[index], index))
    for index in by_remainder[: amount_minor - sum(parts)]:
        parts[index] += 1
    return parts
