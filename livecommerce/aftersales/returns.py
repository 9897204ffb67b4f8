"""Returns: until when, of what, and who may do which step."""

from __future__ import annotations

from livecommerce.aftersales.parcel import checked_units
from livecommerce.aftersales.record import LineUnits, OrderRecord, Return
from livecommerce.aftersales.wishes import ReturnWish
from livecommerce.errors import Conflict, NotFound


def may_return(record: OrderRecord, now_ms: int) -> bool:
    """Whether the buyer may ask now: from shipping until the return window ends."""
    until_ms = record.return_until_ms
    return (
        record.order_state == "confirmed"
        and record.order.terms.return_window_days > 0
        and (until_ms is None or now_ms <= until_ms)
        and any(balance.returnable > 0 for balance in record.balances())
    )


def plan_return(record: OrderRecord, wish: ReturnWish, now_ms: int) -> tuple[LineUnits, ...]:
    """What the buyer gives back.

    Raises:
        Conflict: ``return_window_over``, ``nothing_to_return``, ``too_many_units``.
        Invalid: ``bad_lines``.
    """
    until_ms, days = record.return_until_ms, record.order.terms.return_window_days
    if record.order_state == "completed" or days == 0 or (until_ms is not None and now_ms > until_ms):
        raise Conflict("return_window_over", days=days)
    left = {balance.line: balance.returnable for balance in record.balances()}
    if record.order_state != "confirmed" or not any(units > 0 for units in left.values()):
        raise Conflict("nothing_to_return")
    return checked_units(wish.lines, left)


def find_return(record: OrderRecord, return_id: str) -> Return:
    """A return of an order.

    Raises:
        NotFound: ``return_not_found``.
    """
    for one in record.returns:
        if one.return_id == return_id:
            return one
    raise NotFound("return_not_found")
