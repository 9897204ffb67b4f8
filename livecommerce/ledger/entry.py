"""Entries: what is posted to a ledger, complete in itself and never changed afterwards."""

from __future__ import annotations

from hashlib import sha256
from uuid import UUID, uuid5

import msgspec
from msgspec import Struct

_NAMESPACE = UUID("6c1d0f6e-1b0c-5b43-9a47-3f6f4c1f7a52")
"""Root of all entry ids; another value would post every order a second time."""


class Posting(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of an entry: an amount on one side of one account."""

    account: str
    """``<class>`` or ``<class>:<owner>``, see ``accounts``."""
    debit_minor: int = 0
    credit_minor: int = 0


class Entry(Struct, frozen=True, kw_only=True):
    """Postings of one currency whose debits equal their credits."""

    entry: str
    """UUIDv5 of order, event and sequence: however often it is made, it is the same."""
    order: str
    event: str
    """The order's event that it follows from: ``order.confirmed``, ``order.refunded:<refund>`` …"""
    sequence: int
    """Position among the entries of its event, from 0."""
    kind: str
    """sale, payment_fee, refund, payment_fee_return, return_postage, settlement, unapplied_capture,
    unapplied_refund."""
    at_ms: int
    currency: str
    shop: str
    """The merchant whose order it is; empty for a capture that became none."""
    segment: str | None
    brand: str | None
    campaign: str | None
    postings: tuple[Posting, ...]
    v: int = 1


def entry_id(order: str, event: str, sequence: int) -> str:
    """The id of an entry, derived from what it tells."""
    return str(uuid5(_NAMESPACE, f"{order}/{event}/{sequence}"))


def content_hash(entry: Entry) -> str:
    """Tells a repetition (same id, same hash) from a conflict (same id, another hash)."""
    return sha256(msgspec.json.encode(entry)).hexdigest()


def defect(entry: Entry) -> str | None:
    """Why no ledger may take this entry, or ``None`` if it is sound."""
    if len(entry.postings) < 2:
        return "fewer than two postings"
    for posting in entry.postings:
        amounts = (posting.debit_minor, posting.credit_minor)
        if min(amounts) < 0 or (amounts[0] > 0) == (amounts[1] > 0):
            return f"{posting.account}: exactly one side must be positive"
    debits = sum(posting.debit_minor for posting in entry.postings)
    credits = sum(posting.credit_minor for posting in entry.postings)
    if debits != credits:
        return f"debits {debits} are not credits {credits}"
    return None
