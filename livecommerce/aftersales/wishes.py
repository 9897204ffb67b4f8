"""What merchants and buyers ask for; each with a key that makes it safe to repeat."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from livecommerce.aftersales.record import LineUnits

Key = Annotated[str, Meta(min_length=1, max_length=64)]
"""The same key on the same order is the same wish."""
Amount = Annotated[int, Meta(ge=1, le=10**15)]
Units = Annotated[int, Meta(ge=0, le=10**6)]
Words = Annotated[str, Meta(max_length=300)]
Label = Annotated[str, Meta(min_length=1, max_length=60)]
Reason = Literal["changed_mind", "damaged", "wrong_item", "not_as_described", "other"]


class WishedLine(Struct, frozen=True, kw_only=True):
    """What of a line shall be refunded."""

    line: int
    qty: Units = 0
    amount_minor: Amount | None = None
    """``None``: what the units have cost, as far as it is left."""


class RefundWish(Struct, frozen=True, kw_only=True):
    """Some lines, or an amount spread over all of them; where neither is named, everything that is left."""

    key: Key
    lines: tuple[WishedLine, ...] = ()
    amount_minor: Amount | None = None
    reason: Words = ""
    restock: bool = False


class ParcelWish(Struct, frozen=True, kw_only=True):
    """A parcel; without lines it holds everything that is still to ship."""

    key: Key
    carrier: Label
    tracking: Label
    lines: tuple[LineUnits, ...] = ()


class RestockWish(Struct, frozen=True, kw_only=True):
    """Units that go back in stock."""

    key: Key
    lines: tuple[LineUnits, ...]


class ReturnWish(Struct, frozen=True, kw_only=True):
    """Units to give back."""

    key: Key
    lines: tuple[LineUnits, ...]
    reason: Reason
    note: Words = ""


class ReturnRefundWish(Struct, frozen=True, kw_only=True):
    """The merchant has the goods and pays; ``None`` means all that they have cost."""

    key: Key
    amount_minor: Amount | None = None
    restock: bool = False
