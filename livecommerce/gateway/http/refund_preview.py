"""What a refund would do, before it is asked for: to the buyer, and to everybody who has a share."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from livecommerce.aftersales.record import OrderRecord, RefundLine
from livecommerce.aftersales.refund import plan_refund, plan_return_refund, total
from livecommerce.aftersales.returns import find_return
from livecommerce.aftersales.states import OPEN_REFUNDS
from livecommerce.aftersales.wishes import RefundWish, ReturnRefundWish
from livecommerce.ledger.entries import BadHistory, entries_of
from livecommerce.ledger.facts import Fact, Refund


class Share(Struct, frozen=True, kw_only=True):
    """What one account bears; below zero it gets something back."""

    account: str
    """Its class without the owner: ``merchant.pending``, ``platform.marketing`` …"""
    minor: int


class Preview(Struct, frozen=True, kw_only=True):
    """A refund that nobody has asked for yet."""

    amount_minor: int
    left_minor: int
    """What could still be refunded afterwards."""
    currency: str
    lines: tuple[RefundLine, ...]
    shares: tuple[Share, ...]
    """Add up to the amount; empty where the books do not know the order yet."""


def preview_refund(record: OrderRecord, facts: Sequence[Fact], wish: RefundWish) -> Preview:
    """A refund without a return; refused like the refund itself."""
    return _preview(record, facts, plan_refund(record, wish))


def preview_return(
    record: OrderRecord, facts: Sequence[Fact], return_id: str, wish: ReturnRefundWish
) -> Preview:
    """A refund for goods that came back; refused like the refund itself."""
    return _preview(record, facts, plan_return_refund(record, find_return(record, return_id), wish))


def _preview(record: OrderRecord, facts: Sequence[Fact], lines: tuple[RefundLine, ...]) -> Preview:
    amount = total(lines)
    under_way = [refund.amount_minor for refund in record.refunds if refund.state in OPEN_REFUNDS]
    history = [*facts, *(_fact(record, minor, number) for number, minor in enumerate((*under_way, amount)))]
    return Preview(
        amount_minor=amount,
        left_minor=record.left_minor - amount,
        currency=record.order.currency,
        lines=lines,
        shares=_shares(history),
    )


def _fact(record: OrderRecord, amount_minor: int, number: int) -> Refund:
    order = record.order
    return Refund(
        order=order.order,
        refund=f"preview{number}",
        amount_minor=amount_minor,
        currency=order.currency,
        reason="",
        at_ms=0,
    )


def _shares(history: Sequence[Fact]) -> tuple[Share, ...]:
    try:
        entries = entries_of(history)
    except BadHistory:
        return ()
    borne: dict[str, int] = {}
    for posting in (posting for entry in entries for posting in entry.postings):
        account = posting.account.partition(":")[0]
        borne[account] = borne.get(account, 0) + posting.debit_minor - posting.credit_minor
    return tuple(
        Share(account=account, minor=minor)
        for account, minor in borne.items()
        if minor and account != "provider.receivable"
    )
