"""Flash sales: a stock that is sold exactly once."""

from __future__ import annotations

from msgspec import Struct


class StockCount(Struct, frozen=True, kw_only=True):
    """What is left of a sale; the highest ``v`` wins."""

    sale: str
    v: int
    available: int
    held: int
    sold: int
