"""Shops: merchants who sell in their own rooms, and brands who are guests in others'."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from livecommerce.ids import ShopId
from livecommerce.localized import LocalText


class Shop(Struct, frozen=True, kw_only=True):
    """An owner of products."""

    shop: ShopId
    name: LocalText


class Shops(Protocol):
    """Where shops are kept."""

    async def add(self, shop: Shop, at_ms: int) -> None:
        """Adds a shop, or gives the one with this id a new name."""
        ...

    async def names_of(self, shops: Sequence[str]) -> dict[str, LocalText]:
        """Names by shop id; unknown shops are left out."""
        ...
