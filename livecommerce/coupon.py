"""Coupons: campaigns with a budget, grants in a person's wallet."""

from __future__ import annotations

from msgspec import Struct

from livecommerce.localized import LocalText


class GrantCard(Struct, frozen=True, kw_only=True):
    """A coupon in a person's wallet, or on its way there; the highest ``v`` wins."""

    grant: str
    v: int
    state: str
    """locked (friends still missing), active, reserved, spent, expired."""
    campaign: str
    title: LocalText
    discount_minor: int
    threshold_minor: int
    currency: str
    arrivals: int = 0
    arrivals_needed: int = 0
    ends_ms: int = 0
