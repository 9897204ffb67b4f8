"""What happens to money: to an order after it was confirmed, and to a capture that became none.

An order's facts, in their order, are all that its entries follow from; so are an unapplied capture's.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from livecommerce.orders import ConfirmedOrder


class Refund(Struct, frozen=True, kw_only=True):
    """Money went back to the buyer; the second refund of an order comes on top of the first."""

    order: str
    refund: str
    amount_minor: int
    currency: str
    reason: str
    at_ms: int
    provider_refund: str = ""


class ReturnPostage(Struct, frozen=True, kw_only=True):
    """The buyer sent goods back and is given the postage by whoever bears it."""

    order: str
    parcel: str
    amount_minor: int
    currency: str
    bearer: str
    """merchant or platform."""
    at_ms: int


class Settlement(Struct, frozen=True, kw_only=True):
    """The order was received and its return window is over: what is left is earned."""

    order: str
    at_ms: int


class UnappliedCapture(Struct, frozen=True, kw_only=True):
    """A provider took money that cannot become its order: too late, twice, or the wrong amount."""

    payment: str
    order: str
    """The order that was to be paid; another payment may have paid it."""
    provider: str
    transaction: str
    """The provider's id of the capture."""
    amount_minor: int
    currency: str
    reason: str
    at_ms: int


class UnappliedRefund(Struct, frozen=True, kw_only=True):
    """An unapplied capture has gone back, whole."""

    payment: str
    order: str
    provider: str = ""
    """Empty in facts of older versions; those are told after their capture's."""
    amount_minor: int
    currency: str
    reason: str
    at_ms: int
    provider_refund: str = ""


Fact = ConfirmedOrder | Refund | ReturnPostage | Settlement | UnappliedCapture | UnappliedRefund

FACT_TYPES: dict[str, type[Fact]] = {
    "order.confirmed": ConfirmedOrder,
    "order.refunded": Refund,
    "order.postage_returned": ReturnPostage,
    "order.settled": Settlement,
    "payment.refund_due": UnappliedCapture,
    "payment.refunded": UnappliedRefund,
}
"""Event type → the fact that its document holds."""


class UnknownFact(ValueError):
    """A document is not a fact that this version understands."""


def read_fact(kind: str, document: object) -> Fact:
    """The fact in a document of builtin values.

    Raises:
        UnknownFact: one sentence for the operator.
    """
    fact = FACT_TYPES.get(kind)
    if fact is None:
        raise UnknownFact(f"no fact is called {kind}")
    try:
        return msgspec.convert(document, fact)
    except msgspec.ValidationError as error:
        raise UnknownFact(f"{kind} cannot be read: {error}") from error
