"""From an order's facts to balanced entries. No I/O, no clock, and nothing but integers.

A sale divides the *fee base* of each line, list price less the merchant's own discount, over the shares of
merchant, creator, host shop and platform, by the line's own rates. The buyer pays the fee base less the
discount that the platform funds, and the shipping, which is the merchant's. A refund takes back from each
share in proportion to what is left on it, so that any sequence of refunds stays balanced, never overdraws a
share, and ends in zero when everything was given back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from livecommerce.ledger import accounts
from livecommerce.ledger.accounts import ShareAccount
from livecommerce.ledger.entry import Entry, Posting, entry_id
from livecommerce.ledger.facts import Fact, Refund, ReturnPostage, Settlement
from livecommerce.money import PPM, floor_share, split
from livecommerce.orders import ConfirmedOrder, OrderLine


class BadHistory(ValueError):
    """An order's facts contradict each other; the message names how."""


@dataclass(frozen=True, slots=True)
class _Left:
    """What is left of an order after some of its facts."""

    paid: int
    marketing: int
    fee: int
    shares: tuple[int, ...]
    """In the order of ``_share_accounts``."""
    postage: int = 0
    """Taken from the merchant's share so far."""
    settled: bool = False


def entries_of(facts: Sequence[Fact]) -> tuple[Entry, ...]:
    """The entries of the last of an order's facts; the first fact is its confirmation.

    Raises:
        BadHistory: the facts are not those of one order, or refund more than was paid.
    """
    order = facts[0] if facts else None
    if not isinstance(order, ConfirmedOrder):
        raise BadHistory("the first fact of an order must be its confirmation")
    left = _sold(order)
    if len(facts) == 1:
        return _sale(order, left)
    for fact in facts[1:-1]:
        left = _after(order, left, fact)
    after = _after(order, left, facts[-1])
    return _change(order, left, after, facts[-1])


def _sold(order: ConfirmedOrder) -> _Left:
    lines = sum(line.paid_minor for line in order.lines)
    if not lines == order.total_minor == order.charge.captured_minor:
        raise BadHistory(f"lines {lines}, total {order.total_minor}, captured {order.charge.captured_minor}")
    return _Left(
        paid=order.total_minor,
        marketing=sum(line.platform_discount_minor for line in order.lines),
        fee=floor_share(order.total_minor, order.terms.payment_fee_ppm),
        shares=tuple(map(sum, zip(*(_shares(order, line) for line in order.lines), strict=True))),
    )


def _shares(order: ConfirmedOrder, line: OrderLine) -> list[int]:
    """A line's fee base over the shares, by its own rates; what was paid for sending it is the merchant's."""
    rates, terms = line.rates or order.terms, order.terms
    host_ppm = rates.brand_ppm if order.host_shop != order.shop else 0
    creator_ppm = terms.creator_ppm if rates.creator_ppm is None else rates.creator_ppm
    taken = (creator_ppm, host_ppm, rates.commission_ppm, rates.technical_fee_ppm)
    if sum(taken) > PPM:
        raise BadHistory(f"shares of {sum(taken)} ppm are more than the whole")
    base = line.paid_minor - line.shipping_minor + line.platform_discount_minor
    merchant, *others = split(base, [PPM - sum(taken), *taken])
    return [merchant + line.shipping_minor, *others]


def _share_accounts(order: ConfirmedOrder) -> tuple[ShareAccount, ...]:
    return (
        accounts.merchant(order.shop),
        accounts.creator(order.creator),
        accounts.host(order.host_shop),
        accounts.COMMISSION,
        accounts.TECHNICAL_FEE,
    )


def _sale(order: ConfirmedOrder, left: _Left) -> tuple[Entry, ...]:
    sale = [
        _debit(accounts.receivable(order.charge.provider), left.paid),
        _debit(accounts.MARKETING, left.marketing),
        *(_credit(name, share) for name, share in zip(_names(order, left), left.shares, strict=True)),
    ]
    fee = [_debit(_fee_bearer(order, left), left.fee), _credit(_provider_fees(order), left.fee)]
    return _entries(order, "order.confirmed", order.confirmed_ms, (("sale", sale), ("payment_fee", fee)))


def _after(order: ConfirmedOrder, left: _Left, fact: Fact) -> _Left:
    if isinstance(fact, Refund):
        _check(order, fact.order, fact.currency)
        return _refunded(left, fact.amount_minor)
    if isinstance(fact, ReturnPostage):
        _check(order, fact.order, fact.currency)
        borne = fact.amount_minor if fact.bearer == "merchant" else 0
        return replace(left, postage=left.postage + borne)
    if isinstance(fact, Settlement):
        _check(order, fact.order, order.currency)
        if left.settled:
            raise BadHistory("settled twice")
        return replace(left, settled=True)
    raise BadHistory("confirmed twice")


def _check(order: ConfirmedOrder, other: str, currency: str) -> None:
    if other != order.order:
        raise BadHistory(f"a fact of order {other} stands among those of {order.order}")
    if currency != order.currency:
        raise BadHistory(f"{currency} instead of {order.currency}")


def _refunded(left: _Left, amount: int) -> _Left:
    if amount < 0 or amount > left.paid:
        raise BadHistory(f"a refund of {amount} where {left.paid} is left")
    marketing = left.marketing * amount // left.paid if left.paid else left.marketing
    back = split(amount + marketing, left.shares)
    return replace(
        left,
        paid=left.paid - amount,
        marketing=left.marketing - marketing,
        fee=left.fee - (left.fee * amount // left.paid if left.paid else 0),
        shares=tuple(share - part for share, part in zip(left.shares, back, strict=True)),
    )


def _change(order: ConfirmedOrder, left: _Left, after: _Left, fact: Fact) -> tuple[Entry, ...]:
    if isinstance(fact, Refund):
        return _refund(order, left, after, fact)
    if isinstance(fact, ReturnPostage):
        return _postage(order, left, fact)
    return _settlement(order, after, fact.at_ms if isinstance(fact, Settlement) else 0)


def _refund(order: ConfirmedOrder, left: _Left, after: _Left, refund: Refund) -> tuple[Entry, ...]:
    back = [
        *(
            _debit(name, before - now)
            for name, before, now in zip(_names(order, left), left.shares, after.shares, strict=True)
        ),
        _credit(accounts.receivable(order.charge.provider), left.paid - after.paid),
        _credit(accounts.MARKETING, left.marketing - after.marketing),
    ]
    fee = left.fee - after.fee
    fee_back = [_debit(_provider_fees(order), fee), _credit(_fee_bearer(order, left), fee)]
    return _entries(
        order,
        f"order.refunded:{refund.refund}",
        refund.at_ms,
        (("refund", back), ("payment_fee_return", fee_back)),
    )


def _postage(order: ConfirmedOrder, left: _Left, postage: ReturnPostage) -> tuple[Entry, ...]:
    bearer = _names(order, left)[0] if postage.bearer == "merchant" else accounts.RETURN_POSTAGE
    paid = [
        _debit(bearer, postage.amount_minor),
        _credit(accounts.receivable(order.charge.provider), postage.amount_minor),
    ]
    return _entries(
        order, f"order.postage_returned:{postage.parcel}", postage.at_ms, (("return_postage", paid),)
    )


def _settlement(order: ConfirmedOrder, left: _Left, at_ms: int) -> tuple[Entry, ...]:
    borne = left.postage + (left.fee if order.terms.payment_fee_bearer == "merchant" else 0)
    amounts = [left.shares[0] - borne, *left.shares[1:]]
    moved = [
        posting
        for account, amount in zip(_share_accounts(order), amounts, strict=True)
        for posting in _move(account, amount)
    ]
    return _entries(order, "order.settled", at_ms, (("settlement", moved),))


def _move(account: ShareAccount, amount: int) -> tuple[Posting, Posting]:
    """What is below zero moves the other way: it is a debt, which settlement does not forgive."""
    if amount < 0:
        return _debit(account.settled, -amount), _credit(account.pending, -amount)
    return _debit(account.pending, amount), _credit(account.settled, amount)


def _names(order: ConfirmedOrder, left: _Left) -> list[str]:
    return [account.settled if left.settled else account.pending for account in _share_accounts(order)]


def _fee_bearer(order: ConfirmedOrder, left: _Left) -> str:
    if order.terms.payment_fee_bearer == "merchant":
        return _names(order, left)[0]
    return accounts.PAYMENT_FEES


def _provider_fees(order: ConfirmedOrder) -> str:
    return accounts.provider_fees(order.charge.provider)


def _debit(account: str, amount: int) -> Posting:
    return Posting(account=account, debit_minor=amount)


def _credit(account: str, amount: int) -> Posting:
    return Posting(account=account, credit_minor=amount)


def _entries(
    order: ConfirmedOrder, event: str, at_ms: int, drafts: Iterable[tuple[str, Sequence[Posting]]]
) -> tuple[Entry, ...]:
    """Entries without their empty postings; one that has none left is not written."""
    kept = (
        (
            sequence,
            kind,
            tuple(posting for posting in postings if posting.debit_minor or posting.credit_minor),
        )
        for sequence, (kind, postings) in enumerate(drafts)
    )
    return tuple(
        Entry(
            entry=entry_id(order.order, event, sequence),
            order=order.order,
            event=event,
            sequence=sequence,
            kind=kind,
            at_ms=at_ms,
            currency=order.currency,
            shop=order.shop,
            segment=order.segment,
            brand=order.brand,
            campaign=order.campaign,
            postings=postings,
        )
        for sequence, kind, postings in kept
        if postings
    )
