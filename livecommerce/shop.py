"""Shops: merchants who sell in their own rooms, and brands who are guests in others'."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from livecommerce.errors import Invalid
from livecommerce.ids import ShopId
from livecommerce.localized import LocalText


class Shop(Struct, frozen=True, kw_only=True):
    """An owner of products."""

    shop: ShopId
    name: LocalText


class Policy(Struct, frozen=True, kw_only=True):
    """What a shop promises to those who buy; an order keeps what it was at the buyer's tap.

    Amounts are in minor units of the currency that the shop sells in.
    """

    return_window_days: int = 7
    shipping_minor: int = 0
    """For sending one order, however many lines it has."""
    free_shipping_from_minor: int = 0
    """From what the goods of an order cost after discounts; 0: at no amount."""
    ships_within_hours: int = 48
    address_needed: bool = True
    """Goods are sent; false for what needs no sending."""


def checked_policy(policy: Policy) -> Policy:
    """A policy as it may be stored.

    Raises:
        Invalid: ``bad_policy`` with the ``field``.
    """
    bounds = {
        "return_window_days": (0, 365),
        "shipping_minor": (0, 1_000_000_000),
        "free_shipping_from_minor": (0, 1_000_000_000_000),
        "ships_within_hours": (0, 24 * 90),
    }
    for field, (least, most) in bounds.items():
        if not least <= getattr(policy, field) <= most:
            raise Invalid("bad_policy", field=field)
    return policy


class Policies(Protocol):
    """What shops promise."""

    async def policies_of(self, shops: Sequence[str]) -> dict[str, Policy]:
        """By shop id; a shop that never set one has the policy of ``Policy()``."""
        ...

    async def set_policy(self, shop: ShopId, policy: Policy) -> None:
        """Puts a policy in force for what is bought from now on."""
        ...


class Shops(Protocol):
    """Where shops are kept."""

    async def add(self, shop: Shop, at_ms: int) -> None:
        """Adds a shop, or gives the one with this id a new name."""
        ...

    async def names_of(self, shops: Sequence[str]) -> dict[str, LocalText]:
        """Names by shop id; unknown shops are left out."""
        ...
