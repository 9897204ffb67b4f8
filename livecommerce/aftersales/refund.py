"""How much may go back to the buyer, and which lines bear it."""

from __future__ import annotations

from collections.abc import Sequence

from livecommerce.aftersales.record import LineBalance, OrderRecord, RefundLine, Return
from livecommerce.aftersales.wishes import RefundWish, ReturnRefundWish, WishedLine
from livecommerce.errors import Conflict, Invalid
from livecommerce.money import split


def plan_refund(record: OrderRecord, wish: RefundWish) -> tuple[RefundLine, ...]:
    """The lines of a refund without a return; each gives up the units that the buyer does not get or pay.

    Raises:
        Conflict: ``refund_too_large`` with what is left, ``too_many_units``.
        Invalid: ``nothing_to_refund``, or ``bad_lines``: it names a line twice, one that there is not, or an
            amount beside lines.
    """
    if wish.lines and wish.amount_minor is not None:
        raise Invalid("bad_lines")
    if wish.lines:
        planned = _by_line(record, wish.lines)
    else:
        planned = _by_amount(record, record.left_minor if wish.amount_minor is None else wish.amount_minor)
    if not planned:
        raise Invalid("nothing_to_refund")
    return planned


def plan_return_refund(record: OrderRecord, back: Return, wish: ReturnRefundWish) -> tuple[RefundLine, ...]:
    """The lines of a refund for goods that came back: at most what they have cost.

    Raises:
        Conflict: ``refund_too_large`` with what may be refunded, ``nothing_to_refund``.
    """
    balances = {balance.line: balance for balance in record.balances()}
    worth = [_worth(balances[some.line], some.qty) for some in back.lines]
    amount = sum(worth) if wish.amount_minor is None else wish.amount_minor
    if amount > sum(worth):
        raise Conflict("refund_too_large", left_minor=sum(worth))
    if amount == 0:
        raise Conflict("nothing_to_refund")
    return tuple(
        RefundLine(line=some.line, amount_minor=part, qty=some.qty)
        for some, part in zip(back.lines, split(amount, worth), strict=True)
    )


def return_worth(record: OrderRecord, back: Return) -> int:
    """What may be refunded for a return."""
    balances = {balance.line: balance for balance in record.balances()}
    return sum(_worth(balances[some.line], some.qty) for some in back.lines)


def total(lines: Sequence[RefundLine]) -> int:
    """What all lines bear together."""
    return sum(line.amount_minor for line in lines)


def _by_amount(record: OrderRecord, amount: int) -> tuple[RefundLine, ...]:
    balances = record.balances()
    if amount > record.left_minor:
        raise Conflict("refund_too_large", left_minor=record.left_minor)
    parts = split(amount, [balance.left_minor for balance in balances])
    return tuple(
        RefundLine(line=balance.line, amount_minor=part, qty=_units_with_money(balance, part))
        for balance, part in zip(balances, parts, strict=True)
        if part
    )


def _units_with_money(balance: LineBalance, part: int) -> int:
    """A line whose last money goes back is given up altogether."""
    return balance.refundable_units if part == balance.left_minor else 0


def _by_line(record: OrderRecord, wished: Sequence[WishedLine]) -> tuple[RefundLine, ...]:
    balances = {balance.line: balance for balance in record.balances()}
    lines = [one.line for one in wished]
    if len(set(lines)) < len(lines) or not balances.keys() >= set(lines):
        raise Invalid("bad_lines")
    return tuple(_line(balances[one.line], one) for one in wished)


def _line(balance: LineBalance, wished: WishedLine) -> RefundLine:
    if wished.qty > balance.refundable_units:
        raise Conflict("too_many_units", left=balance.refundable_units)
    amount = _worth(balance, wished.qty) if wished.amount_minor is None else wished.amount_minor
    if amount > balance.left_minor:
        raise Conflict("refund_too_large", left_minor=balance.left_minor)
    if amount == 0:
        raise Invalid("nothing_to_refund")
    return RefundLine(line=wished.line, amount_minor=amount, qty=wished.qty)


def _worth(balance: LineBalance, qty: int) -> int:
    """What units have cost, as far as it is left; the last ones take what rounding left over."""
    units = min(qty, balance.units_left)
    return balance.left_minor * units // balance.units_left if units > 0 else 0
