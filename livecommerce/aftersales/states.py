"""The states of an order and of what belongs to it, and every change that is legal.

An order has three axes that move by themselves; parcels, returns and refunds have one each. Whoever stores a
state asks ``turn`` first.
"""

from __future__ import annotations

from collections.abc import Mapping

from livecommerce.errors import Conflict

Transitions = Mapping[str, frozenset[str]]
"""State → the states that may follow it; one without followers is final."""


def _table(**rows: str) -> Transitions:
    return {state: frozenset(followers.split()) for state, followers in rows.items()}


ORDER = _table(
    awaiting_payment="confirmed expired canceled",
    expired="confirmed",  # a capture that comes late, if the units are still free
    canceled="confirmed",  # the same, for an order that was canceled before it was paid
    confirmed="completed canceled",
    completed="",
)
CHARGE = _table(
    none="pending full",
    pending="none full",
    full="partially_refunded refunded",
    partially_refunded="refunded",
    refunded="",
)
FULFILLMENT = _table(
    unfulfilled="partially_shipped shipped delivered",  # carriers may be quicker than the merchant's entry
    partially_shipped="shipped delivered returned",
    shipped="delivered received returned",
    delivered="received returned",
    received="returned",
    returned="",
)
PARCEL = _table(
    shipped="in_transit out_for_delivery delivered",
    in_transit="out_for_delivery delivered",
    out_for_delivery="delivered",
    delivered="",
)
RETURN = _table(
    requested="approved declined canceled",
    approved="sent_back received canceled",
    sent_back="received",
    received="refunding refunded declined",
    refunding="refunded received",  # back where the provider refuses the refund
    refunded="",
    declined="",
    canceled="",
)
REFUND = _table(
    requested="sent done failed",
    sent="done failed",
    done="",
    failed="done",  # some providers pay by hand what they could not pay at first
)

OPEN_RETURNS = frozenset({"requested", "approved", "sent_back", "received", "refunding"})
"""Somebody still has to do something."""
OPEN_REFUNDS = frozenset({"requested", "sent"})
"""Whether the money goes back is not known yet."""
NEVER_RETURNED = frozenset({"declined", "canceled"})
"""The goods stay with the buyer."""


def may_turn(table: Transitions, old: str, new: str) -> bool:
    """Whether a state may follow another; staying is always legal."""
    return old == new or new in table[old]


def turn(table: Transitions, old: str, new: str) -> str:
    """The new state.

    Raises:
        Conflict: ``wrong_state``, with the state as it is.
    """
    if not may_turn(table, old, new):
        raise Conflict("wrong_state", state=old)
    return new
