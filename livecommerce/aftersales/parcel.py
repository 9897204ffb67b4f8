"""Parcels: what may be shipped, and what carriers tell of it, in whatever order it arrives."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from livecommerce.aftersales.record import LineUnits, OrderRecord, Parcel, ParcelEvent
from livecommerce.aftersales.states import PARCEL, may_turn
from livecommerce.aftersales.wishes import Label, ParcelWish, Words
from livecommerce.clock import TimeMs
from livecommerce.errors import Conflict, Invalid

Told = Literal["in_transit", "out_for_delivery", "delivered", "problem"]
"""What a carrier can tell."""


class ParcelUpdate(Struct, frozen=True, kw_only=True):
    """A carrier's word about every parcel of a shop with this tracking number."""

    tracking: Label
    state: Told
    at_ms: TimeMs
    """When it happened, which is not when it was told."""
    text: Words = ""


def plan_parcel(record: OrderRecord, wish: ParcelWish) -> tuple[LineUnits, ...]:
    """What a parcel holds.

    Raises:
        Conflict: ``order_not_open``, ``nothing_to_ship``, ``too_many_units``.
        Invalid: ``bad_lines``: it names a line twice, one that there is not, or no units.
    """
    if record.order_state != "confirmed":
        raise Conflict("order_not_open", state=record.order_state)
    left = {balance.line: balance.to_ship for balance in record.balances()}
    if not any(left.values()):
        raise Conflict("nothing_to_ship")
    if not wish.lines:
        return tuple(LineUnits(line=line, qty=qty) for line, qty in left.items() if qty)
    return checked_units(wish.lines, left)


def checked_units(wished: tuple[LineUnits, ...], left: dict[int, int]) -> tuple[LineUnits, ...]:
    """Units of an order's lines, as far as there are so many.

    Raises:
        Conflict: ``too_many_units``.
        Invalid: ``bad_lines``: a line is named twice, or there is none like it, or no units are.
    """
    lines = [some.line for some in wished]
    if not wished or len(set(lines)) < len(lines) or not left.keys() >= set(lines):
        raise Invalid("bad_lines")
    for some in wished:
        if some.qty < 1:
            raise Invalid("bad_lines")
        if some.qty > left[some.line]:
            raise Conflict("too_many_units", left=left[some.line])
    return wished


def told(parcel: Parcel, events: Iterable[ParcelEvent]) -> Parcel:
    """A parcel after everything that a carrier has told of it; its state never goes backwards."""
    ordered = tuple(sorted(events, key=lambda event: event.at_ms))
    state, delivered_ms = parcel.state, parcel.delivered_ms
    for event in ordered:
        if event.state in PARCEL and may_turn(PARCEL, state, event.state):
            state = event.state
        if event.state == "delivered" and delivered_ms is None:
            delivered_ms = max(event.at_ms, parcel.shipped_ms)
    return replace(parcel, state=state, delivered_ms=delivered_ms, events=ordered)
