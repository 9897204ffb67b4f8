"""A payment provider's bill: what it says it took and gave back."""

from __future__ import annotations

from msgspec import Struct


class BillLine(Struct, frozen=True, kw_only=True):
    """One movement of money at the provider."""

    kind: str
    """capture or refund."""
    transaction: str
    """The provider's id of the capture; a refund carries that of the capture it belongs to."""
    amount_minor: int
    """Never negative."""
    currency: str
    at_ms: int


class BadBill(ValueError):
    """A bill that cannot be read; the message says where."""
