"""A confirmed order with everything that happened to it since, and what follows from that.

What can be derived is derived here, so that no two places can disagree: units and money left per line, the
three axes, and when the order is received and settled by time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from livecommerce.aftersales.states import NEVER_RETURNED, OPEN_REFUNDS, OPEN_RETURNS
from livecommerce.orders import ConfirmedOrder, OrderLine

DAY_MS = 86_400_000

T = TypeVar("T")


class LineUnits(Struct, frozen=True, kw_only=True):
    """Some units of an order's line."""

    line: int
    qty: int


class RefundLine(Struct, frozen=True, kw_only=True):
    """What one line bears of a refund."""

    line: int
    amount_minor: int
    qty: int = 0
    """Units that the buyer does not keep, or never gets; 0 where only money goes back."""


class Refund(Struct, frozen=True, kw_only=True):
    """Money on its way back to the buyer."""

    refund: str
    """Also the number under which the provider knows it."""
    order: str
    state: str
    """See ``states.REFUND``."""
    cause: str
    """merchant, cancel or return."""
    amount_minor: int
    currency: str
    reason: str
    lines: tuple[RefundLine, ...]
    """Their amounts add up to ``amount_minor``."""
    restock: bool
    """The merchant wants the units back in stock when it is done."""
    return_id: str | None
    requested_by: str
    created_ms: int
    sent_ms: int | None = None
    done_ms: int | None = None
    """When it was done, or failed."""
    provider_refund: str = ""
    error: str = ""


class ParcelEvent(Struct, frozen=True, kw_only=True):
    """What the carrier has told."""

    state: str
    """A state of ``states.PARCEL``, or ``problem``, which changes nothing."""
    at_ms: int
    text: str = ""


class Parcel(Struct, frozen=True, kw_only=True):
    """Units of an order that the merchant gave to a carrier."""

    parcel: str
    order: str
    state: str
    carrier: str
    tracking: str
    lines: tuple[LineUnits, ...]
    shipped_ms: int
    delivered_ms: int | None = None
    events: tuple[ParcelEvent, ...] = ()
    """In the order in which they happened."""


class Return(Struct, frozen=True, kw_only=True):
    """Units that the buyer wants to give back."""

    return_id: str
    order: str
    state: str
    """See ``states.RETURN``."""
    reason: str
    """changed_mind, damaged, wrong_item, not_as_described or other."""
    note: str
    """The buyer's words."""
    lines: tuple[LineUnits, ...]
    created_ms: int
    answer: str = ""
    """The merchant's words."""
    carrier: str = ""
    tracking: str = ""
    """Of the parcel that comes back."""
    decided_ms: int | None = None
    received_ms: int | None = None
    refund: str | None = None
    """The last refund that was asked for."""


class Receipt(Struct, frozen=True, kw_only=True):
    """When an order counts as received though its buyer says nothing."""

    delivered_days: int = 7
    """After the last parcel was delivered."""
    shipped_days: int = 15
    """After the last parcel was shipped, where no carrier tells of a delivery."""


class LineBalance(Struct, frozen=True, kw_only=True):
    """What is left of one line."""

    line: int
    qty: int
    paid_minor: int
    shipped: int
    given_up: int
    """Units refunded, or about to be, without coming back."""
    gone: int
    """Those of them whose refund is done."""
    returning: int
    """Units in returns that were not declined or canceled."""
    returned: int
    """Units that came back and were refunded."""
    refunded_units: int
    """Units refunded, or about to be, in any way."""
    refunded_minor: int
    """Money refunded, or about to be."""
    restocked: int

    @property
    def left_minor(self) -> int:
        """What could still be refunded."""
        return self.paid_minor - self.refunded_minor

    @property
    def units_left(self) -> int:
        """Units that were not refunded."""
        return self.qty - self.refunded_units

    @property
    def to_ship(self) -> int:
        """Units that the merchant owes, and may ship."""
        return self.qty - self.shipped - self._never_sent

    @property
    def outstanding(self) -> int:
        """Units neither shipped nor refunded for certain."""
        return self.qty - self.shipped - min(self.qty - self.shipped, self.gone)

    @property
    def refundable_units(self) -> int:
        """Units that may be refunded without coming back."""
        return self.qty - self.returning - self.given_up

    @property
    def returnable(self) -> int:
        """Units that the buyer has, or gets, and may send back."""
        return self.shipped - self.returning - (self.given_up - self._never_sent)

    @property
    def restockable(self) -> int:
        """Units that the merchant has again, or still, and that nobody has put back in stock."""
        return self.returned + min(self.qty - self.shipped, self.gone) - self.restocked

    @property
    def _never_sent(self) -> int:
        return min(self.qty - self.shipped, self.given_up)


class Axes(Struct, frozen=True, kw_only=True):
    """What follows from an order's record."""

    order_state: str
    charge_state: str
    fulfillment_state: str
    received_ms: int | None
    receipt_due_ms: int | None = None
    """When it counts as received."""
    settles_ms: int | None = None
    """When it is settled; nothing settles while a return or a refund is open."""


class OrderRecord(Struct, frozen=True, kw_only=True):
    """A confirmed order and its parcels, returns and refunds, oldest first."""

    order: ConfirmedOrder
    order_state: str
    charge_state: str
    fulfillment_state: str
    received_ms: int | None = None
    receipt_due_ms: int | None = None
    settles_ms: int | None = None
    parcels: tuple[Parcel, ...] = ()
    returns: tuple[Return, ...] = ()
    refunds: tuple[Refund, ...] = ()
    restocked: tuple[LineUnits, ...] = ()

    @property
    def refunded_minor(self) -> int:
        """Money that has gone back."""
        return sum(refund.amount_minor for refund in self.refunds if refund.state == "done")

    @property
    def left_minor(self) -> int:
        """Money that could still be asked back."""
        asked = sum(refund.amount_minor for refund in self.refunds if refund.state != "failed")
        return self.order.total_minor - asked

    @property
    def return_until_ms(self) -> int | None:
        """The end of the return window; ``None`` before receipt."""
        if self.received_ms is None:
            return None
        return self.received_ms + self.order.terms.return_window_days * DAY_MS

    @property
    def is_overdrawn(self) -> bool:
        """Whether more was asked back than was paid, altogether or of some line."""
        return self.left_minor < 0 or any(balance.left_minor < 0 for balance in self.balances())

    def with_parcel(self, parcel: Parcel) -> OrderRecord:
        """The order with a parcel as it is now."""
        return replace(self, parcels=_put(self.parcels, parcel, lambda one: one.parcel == parcel.parcel))

    def with_return(self, back: Return) -> OrderRecord:
        """The order with a return as it is now."""
        return replace(self, returns=_put(self.returns, back, lambda one: one.return_id == back.return_id))

    def with_refund(self, refund: Refund) -> OrderRecord:
        """The order with a refund as it is now."""
        return replace(self, refunds=_put(self.refunds, refund, lambda one: one.refund == refund.refund))

    def balances(self) -> tuple[LineBalance, ...]:
        """What is left of each line, in the order's order."""
        return tuple(self._balance(line) for line in self.order.lines)

    def axes(self, receipt: Receipt) -> Axes:
        """The axes and deadlines that follow from everything that happened."""
        balances = self.balances()
        charge = _charge(self.refunded_minor, self.order.total_minor)
        order_state = self.order_state
        if order_state == "confirmed" and charge == "refunded" and not self.parcels:
            order_state = "canceled"
        fulfillment = self._fulfillment(balances)
        received_ms = self.received_ms
        if fulfillment == "returned" and received_ms is None:
            received_ms = max(one.received_ms or 0 for one in self.returns)
        now = Axes(
            order_state=order_state,
            charge_state=charge,
            fulfillment_state=fulfillment,
            received_ms=received_ms,
        )
        return replace(
            now, receipt_due_ms=self._receipt_due_ms(now, receipt), settles_ms=self._settles_ms(now)
        )

    def _balance(self, line: OrderLine) -> LineBalance:
        asked = [
            (refund, part)
            for refund in self.refunds
            if refund.state != "failed"
            for part in refund.lines
            if part.line == line.line
        ]
        direct = [(refund, part) for refund, part in asked if refund.return_id is None]
        back = [one for one in self.returns if one.state not in NEVER_RETURNED]
        return LineBalance(
            line=line.line,
            qty=line.qty,
            paid_minor=line.paid_minor,
            shipped=sum(_units(line, parcel.lines) for parcel in self.parcels),
            given_up=sum(part.qty for _, part in direct),
            gone=sum(part.qty for refund, part in direct if refund.state == "done"),
            returning=sum(_units(line, one.lines) for one in back),
            returned=sum(_units(line, one.lines) for one in self.returns if one.state == "refunded"),
            refunded_units=sum(part.qty for _, part in asked),
            refunded_minor=sum(part.amount_minor for _, part in asked),
            restocked=_units(line, self.restocked),
        )

    def _fulfillment(self, balances: Iterable[LineBalance]) -> str:
        lines = tuple(balances)
        shipped = sum(line.shipped for line in lines)
        all_shipped = shipped > 0 and not any(line.outstanding for line in lines)
        if self.fulfillment_state == "returned":
            return "returned"
        if all_shipped and sum(line.returned for line in lines) == shipped:
            return "returned"
        if self.received_ms is not None:
            return "received"
        if all_shipped and all(parcel.state == "delivered" for parcel in self.parcels):
            return "delivered"
        if all_shipped:
            return "shipped"
        return "partially_shipped" if shipped else "unfulfilled"

    def _receipt_due_ms(self, now: Axes, receipt: Receipt) -> int | None:
        if now.order_state != "confirmed" or now.received_ms is not None:
            return None
        if now.fulfillment_state == "delivered":
            last_ms = max(parcel.delivered_ms or 0 for parcel in self.parcels)
            return last_ms + receipt.delivered_days * DAY_MS
        if now.fulfillment_state == "shipped":
            last_ms = max(parcel.shipped_ms for parcel in self.parcels)
            return last_ms + receipt.shipped_days * DAY_MS
        return None

    def _settles_ms(self, now: Axes) -> int | None:
        is_open = any(one.state in OPEN_RETURNS for one in self.returns) or any(
            refund.state in OPEN_REFUNDS for refund in self.refunds
        )
        if is_open or now.order_state != "confirmed" or now.received_ms is None:
            return None
        return now.received_ms + self.order.terms.return_window_days * DAY_MS


def _put(known: tuple[T, ...], new: T, is_same: Callable[[T], bool]) -> tuple[T, ...]:
    if not any(is_same(one) for one in known):
        return (*known, new)
    return tuple(new if is_same(one) else one for one in known)


def _charge(refunded_minor: int, total_minor: int) -> str:
    if refunded_minor == 0:
        return "full"
    return "refunded" if refunded_minor == total_minor else "partially_refunded"


def _units(line: OrderLine, units: Iterable[LineUnits]) -> int:
    return sum(some.qty for some in units if some.line == line.line)
