"""Reconciliation: orders, sold units, ledger and the provider's bill must tell the same story. No I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from msgspec import Struct

from livecommerce.ledger.bill import BillLine
from livecommerce.ledger.entry import Entry

PENDING_LIMIT_MS = 15 * 60_000
"""An event that is not booked after this long is reported."""


class Finding(StrEnum):
    """What can be wrong."""

    NOT_BOOKED = "not_booked"
    """An order is not in the ledger, and nothing is on its way."""
    BOOKED_WITHOUT_ORDER = "booked_without_order"
    BOOKED_AMOUNT = "booked_amount"
    """The ledger's receivable is not what the buyer paid less refunds."""
    UNBALANCED = "unbalanced"
    """Debits are not credits."""
    NOT_IN_BILL = "not_in_bill"
    """The provider did not take an order's money."""
    BILLED_WITHOUT_ORDER = "billed_without_order"
    """The provider kept money that belongs to no order."""
    BILLED_AMOUNT = "billed_amount"
    """The provider took less refunds than the order says, or more."""
    SOLD_UNITS = "sold_units"
    """A sale sold another number of units than its orders have."""
    PENDING_TOO_LONG = "pending_too_long"


class Difference(Struct, frozen=True, kw_only=True):
    """One thing that is wrong."""

    finding: Finding
    subject: str
    """An order, a provider's transaction, a sale or a currency."""
    expected: int
    found: int


class Reconciliation(Struct, frozen=True, kw_only=True):
    """When it was done, and how it went."""

    at_ms: int
    bill: str
    """What was compared with: ``sandbox``, a file's name, or ``none``."""
    orders: int
    findings: dict[str, int]
    """Finding → how many; empty if all agree."""


class ReconciliationRequest(Struct, frozen=True, kw_only=True):
    """An operator wants to know; there is one at a time."""

    requested_ms: int
    taken_ms: int | None = None
    """Since when a worker is at it; null: it waits for one."""
    error: str = ""
    """Why it could not be done; another request takes its place then."""


class OrderFigures(Struct, frozen=True, kw_only=True):
    """A confirmed order, in numbers."""

    order: str
    transaction: str
    """The provider's id of its capture."""
    currency: str
    units: Mapping[str, int]
    """Sale → units of it; an order may have lines of several."""
    paid_minor: int
    refunded_minor: int


class UnappliedFigures(Struct, frozen=True, kw_only=True):
    """A capture that became no order, in numbers."""

    payment: str
    transaction: str
    """The provider's id of it."""
    captured_minor: int
    refunded_minor: int


class Booked:
    """The ledger's entries, added up as they are read."""

    def __init__(self) -> None:
        self.receivable: Counter[str] = Counter()
        """Order, or payment of an unapplied capture → what its provider owes for it."""
        self.debits: Counter[str] = Counter()
        """Currency → total."""
        self.credits: Counter[str] = Counter()

    def add(self, entry: Entry) -> None:
        """Counts one entry."""
        subject = _subject(entry)
        self.receivable.setdefault(subject, 0)
        for posting in entry.postings:
            self.debits[entry.currency] += posting.debit_minor
            self.credits[entry.currency] += posting.credit_minor
            if posting.account.startswith("provider.receivable:") and entry.kind != "return_postage":
                self.receivable[subject] += posting.debit_minor - posting.credit_minor


@dataclass(frozen=True, kw_only=True)
class Story:
    """What each side says."""

    orders: Sequence[OrderFigures]
    unapplied: Sequence[UnappliedFigures]
    unbooked: Mapping[str, int]
    """Order, or payment → when the oldest of its events that is still on its way, or dead, happened."""
    sold: Mapping[str, int]
    """Sale → units it sold, where nothing of it is on its way any more."""
    booked: Booked
    bill: Sequence[BillLine] | None
    """``None``: no bill to compare with."""


def reconcile(story: Story, now_ms: int) -> list[Difference]:
    """Everything that is wrong, in the order of ``Finding``; empty if all agree."""
    claims = [*map(_claim_of_order, story.orders), *map(_claim_of_capture, story.unapplied)]
    found = [
        *_booked(story, claims),
        *_balanced(story.booked),
        *_billed(claims, story.bill),
        *_units(story),
        *_pending(story.unbooked, now_ms),
    ]
    ranks = {finding: rank for rank, finding in enumerate(Finding)}
    return sorted(found, key=lambda one: (ranks[one.finding], one.subject))


@dataclass(frozen=True, slots=True)
class _Claim:
    """What the provider should owe us for an order or an unapplied capture."""

    subject: str
    transaction: str
    minor: int


def _claim_of_order(order: OrderFigures) -> _Claim:
    return _Claim(order.order, order.transaction, order.paid_minor - order.refunded_minor)


def _claim_of_capture(capture: UnappliedFigures) -> _Claim:
    return _Claim(capture.payment, capture.transaction, capture.captured_minor - capture.refunded_minor)


def _subject(entry: Entry) -> str:
    """Whose receivable an entry changes: an order's, or that of the payment whose capture became none."""
    return entry.event.partition(":")[2] if entry.kind.startswith("unapplied_") else entry.order


def _booked(story: Story, claims: Sequence[_Claim]) -> Iterator[Difference]:
    receivable = story.booked.receivable
    for claim in claims:
        if claim.subject in story.unbooked:
            continue
        if claim.subject not in receivable:
            yield _difference(Finding.NOT_BOOKED, claim.subject, claim.minor, 0)
        elif receivable[claim.subject] != claim.minor:
            found = receivable[claim.subject]
            yield _difference(Finding.BOOKED_AMOUNT, claim.subject, claim.minor, found)
    for unknown in receivable.keys() - {claim.subject for claim in claims}:
        yield _difference(Finding.BOOKED_WITHOUT_ORDER, unknown, 0, receivable[unknown])


def _balanced(booked: Booked) -> Iterator[Difference]:
    for currency in booked.debits.keys() | booked.credits.keys():
        if booked.debits[currency] != booked.credits[currency]:
            yield _difference(Finding.UNBALANCED, currency, booked.debits[currency], booked.credits[currency])


def _billed(claims: Iterable[_Claim], bill: Sequence[BillLine] | None) -> Iterator[Difference]:
    if bill is None:
        return
    kept: Counter[str] = Counter()
    for line in bill:
        kept[line.transaction] += line.amount_minor if line.kind == "capture" else -line.amount_minor
    known = set()
    for claim in claims:
        known.add(claim.transaction)
        if claim.transaction not in kept:
            yield _difference(Finding.NOT_IN_BILL, claim.transaction, claim.minor, 0)
        elif kept[claim.transaction] != claim.minor:
            yield _difference(Finding.BILLED_AMOUNT, claim.transaction, claim.minor, kept[claim.transaction])
    for transaction, amount in kept.items():
        if transaction not in known and amount != 0:
            yield _difference(Finding.BILLED_WITHOUT_ORDER, transaction, 0, amount)


def _units(story: Story) -> Iterator[Difference]:
    ordered: Counter[str] = Counter()
    for order in story.orders:
        ordered.update(order.units)
    for sale, sold in story.sold.items():
        if sold != ordered[sale]:
            yield _difference(Finding.SOLD_UNITS, sale, sold, ordered[sale])


def _pending(unbooked: Mapping[str, int], now_ms: int) -> Iterator[Difference]:
    for order, since_ms in unbooked.items():
        if now_ms - since_ms > PENDING_LIMIT_MS:
            yield _difference(Finding.PENDING_TOO_LONG, order, PENDING_LIMIT_MS, now_ms - since_ms)


def _difference(finding: Finding, subject: str, expected: int, found: int) -> Difference:
    return Difference(finding=finding, subject=subject, expected=expected, found=found)
