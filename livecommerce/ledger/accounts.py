"""Names of the accounts that orders are booked on.

An account is its class, and after a colon its owner where it has one. Sides are the usual ones: what others
owe and what was spent stand in debit, what is owed to others and what was earned in credit.
"""

from __future__ import annotations

from dataclasses import dataclass

MARKETING = "platform.marketing"
"""Debit: discounts that the platform paid for."""
PAYMENT_FEES = "platform.payment_fees"
"""Debit: payment fees that the platform bears."""
RETURN_POSTAGE = "platform.return_postage"
"""Debit: return postage that the platform bears."""
UNAPPLIED = "buyers.unapplied"
"""Credit: captured money that became no order; the buyers', until it has gone back."""


@dataclass(frozen=True, slots=True)
class ShareAccount:
    """Where a share of an order waits, and where it goes when the order is settled."""

    pending: str
    settled: str


def receivable(provider: str) -> str:
    """Debit: captured money that a payment provider holds for the platform."""
    return f"provider.receivable:{provider}"


def provider_fees(provider: str) -> str:
    """Credit: fees that a payment provider will keep."""
    return f"provider.fees:{provider}"


def merchant(shop: str) -> ShareAccount:
    """Credit: what is owed to the owner of the products."""
    return _owed("merchant", shop)


def creator(person: str) -> ShareAccount:
    """Credit: what is owed to the host who sold."""
    return _owed("creator", person)


def host(shop: str) -> ShareAccount:
    """Credit: what is owed to the shop whose room sold a guest brand's products."""
    return _owed("host", shop)


COMMISSION = ShareAccount("platform.commission.deferred", "platform.commission.revenue")
TECHNICAL_FEE = ShareAccount("platform.technical_fee.deferred", "platform.technical_fee.revenue")


def owner_of(account: str) -> str:
    """Whose account it is; empty for the platform's own."""
    return account.partition(":")[2]


def accounts_of(owner: str) -> tuple[str, ...]:
    """Every account that somebody can have, as merchant, as creator and as host."""
    shares = (merchant(owner), creator(owner), host(owner))
    return tuple(name for share in shares for name in (share.pending, share.settled))


def _owed(role: str, owner: str) -> ShareAccount:
    return ShareAccount(f"{role}.pending:{owner}", f"{role}.available:{owner}")
