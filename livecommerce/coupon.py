"""Coupons: campaigns with a budget, grants in a person's wallet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from livecommerce.clock import Clock
from livecommerce.ids import CampaignId, GrantId, PersonId, RoomId, Shard, ShopId
from livecommerce.localized import LocalText


class GrantSummary(Struct, frozen=True, kw_only=True):
    """The part of a grant that its campaign settles."""

    campaign: str
    title: LocalText
    discount_minor: int
    """What it takes off; of a percentage the most that it takes off."""
    threshold_minor: int
    """The list price of an order's lines must reach this."""
    currency: str
    arrivals_needed: int = 0
    ends_ms: int = 0
    shop: str = ""
    """The merchant whose products alone it lowers, being the one who pays; empty: the platform pays."""
    percent_ppm: int = 0
    """The part of the price that it takes off, up to ``discount_minor``; 0: a fixed amount."""
    exclusive: bool = False
    """It lowers nothing that another coupon lowers."""


class GrantCard(GrantSummary, frozen=True, kw_only=True):
    """A coupon in a person's wallet, or on its way there; the highest ``v`` wins."""

    grant: str
    v: int
    state: str
    """locked (friends still missing), active, reserved, spent, expired."""
    arrivals: int = 0


class Campaign(Struct, frozen=True, kw_only=True):
    """A shop's coupons, and the money behind them."""

    campaign: CampaignId
    shop: ShopId
    kind: str
    """drop (offered to a room) or share (earned by bringing friends)."""
    title: LocalText
    funder: str
    """merchant or platform."""
    discount_minor: int
    """What a coupon takes off, or takes off at most; so much of the budget is set aside for it."""
    threshold_minor: int
    currency: str
    budget_minor: int
    lent_minor: int
    """What of the budget rooms have received."""
    per_person: int
    arrivals_needed: int
    starts_ms: int
    ends_ms: int
    percent_ppm: int = 0
    """The part of the price that a coupon takes off; 0: a fixed amount."""
    exclusive: bool = False
    """Its coupons are used alone."""

    @property
    def left_minor(self) -> int:
        """What rooms can still receive."""
        return self.budget_minor - self.lent_minor

    @property
    def summary(self) -> GrantSummary:
        """What its grants show."""
        return GrantSummary(
            campaign=self.campaign,
            title=self.title,
            discount_minor=self.discount_minor,
            threshold_minor=self.threshold_minor,
            currency=self.currency,
            arrivals_needed=self.arrivals_needed,
            ends_ms=self.ends_ms,
            shop=self.shop if self.funder == "merchant" else "",
            percent_ppm=self.percent_ppm,
            exclusive=self.exclusive,
        )

    def runs_at(self, at_ms: int) -> bool:
        """Whether coupons are given out at a time."""
        return self.starts_ms <= at_ms < self.ends_ms


class Coupon(Struct, frozen=True, kw_only=True):
    """What checkout needs to know of a grant."""

    grant: str
    campaign: str
    funder: str
    """merchant or platform."""
    shop: str
    """The merchant who pays, if it is one."""
    discount_minor: int
    threshold_minor: int
    currency: str
    percent_ppm: int = 0
    exclusive: bool = False


class CouponDrop(Struct, frozen=True, kw_only=True):
    """Coupons about to be offered to a room."""

    drop: str
    room: RoomId
    summary: GrantSummary
    funder: str
    count: int
    per_person: int
    """Grants of the campaign that one person may have."""
    ends_ms: int
    """Until when they can be claimed; ``summary.ends_ms`` tells how long they can be used."""


class LockedGrant(Struct, frozen=True, kw_only=True):
    """A share's coupon before the friends have come."""

    grant: GrantId
    room: RoomId
    owner: PersonId
    summary: GrantSummary
    funder: str
    per_person: int


class Budget(Struct, frozen=True, kw_only=True):
    """A campaign's money on one shard; available + reserved + spent = budget."""

    budget: int
    available: int
    reserved: int
    """What the active and reserved grants are worth."""
    spent: int


class BudgetAudit(Budget, frozen=True, kw_only=True):
    """A budget counted twice: by its counters and by walking its grants."""

    grants_worth: int
    stuck: int
    """Reserved grants whose order is not open."""

    def violations(self) -> list[str]:
        """The laws that do not hold; empty when all is well."""
        laws = {
            "available + reserved + spent = budget": self.budget
            == self.available + self.reserved + self.spent,
            "nothing is negative": min(self.available, self.reserved, self.spent) >= 0,
            "grants add up to reserved": self.grants_worth == self.reserved,
            "reserved grants belong to open orders": self.stuck == 0,
        }
        return [law for law, holds in laws.items() if not holds]


class Campaigns(Protocol):
    """The home of campaigns and their budgets."""

    async def add(self, campaign: Campaign) -> None:
        """Adds a campaign; one with this id is left as it is."""
        ...

    async def find(self, campaign: CampaignId) -> Campaign:
        """One campaign.

        Raises:
            NotFound: ``campaign_not_found``.
        """
        ...

    async def of_shop(self, shop: ShopId, at_ms: int) -> list[Campaign]:
        """A shop's campaigns that run at a time, the one that ends first at the head."""
        ...

    async def lend(self, campaign: CampaignId, transfer: str, amount_minor: int, at_ms: int) -> None:
        """Takes money out of a budget for a room, once per transfer.

        Raises:
            Conflict: ``budget_spent`` with what is ``left_minor``; ``key_reused``: the transfer was another
                amount.
            NotFound: ``campaign_not_found``.
        """
        ...


class Wallets(Protocol):
    """Grants and the budgets behind them; each call is atomic and safe to repeat."""

    async def allot(
        self, room: RoomId, campaign: CampaignId, transfer: str, amount_minor: int, ends_ms: int
    ) -> Budget:
        """Adds money to the budget that serves a room, once per transfer; what is left at its end goes back.

        Raises:
            Conflict: ``key_reused``: the transfer was another amount.
        """
        ...

    async def drop(self, drop: CouponDrop, epoch: str, expected_offset: int, event: bytes) -> int:
        """Offers coupons and appends ``coupon.dropped``; answers the event's offset.

        Raises:
            Stale: the room has moved on and nothing was written; look again and repeat.
            Conflict: ``budget_spent``.
        """
        ...

    async def claim(self, drop: str, person: PersonId, room: RoomId) -> GrantCard:
        """Takes a coupon of a room's drop; a second claim answers the first one's grant.

        Raises:
            NotFound: ``drop_not_found``, also where it is another room's.
            Conflict: ``coupons_gone``, ``drop_over`` or ``coupon_limit_reached``.
        """
        ...

    async def create_locked(self, locked: LockedGrant) -> GrantCard:
        """A share's coupon; one per owner, campaign and room, a repeat answers it."""
        ...

    async def count_arrival(
        self, grant: GrantId, person: PersonId, lent_minor: int = 0
    ) -> tuple[GrantCard, str]:
        """Counts a verified arrival once per person; unlocks the grant when enough have come.

        ``lent_minor`` is what the campaign has lent for this grant; it is added to the budget once.
        Answers the grant and what happened: counted, unlocked, repeat, unfunded (nothing was counted: the
        money is missing, lend and repeat), ended (it was no longer locked).

        Raises:
            Conflict: ``own_arrival``.
        """
        ...

    async def coupons(self, grants: Sequence[GrantId]) -> list[Coupon | None]:
        """What checkout needs of each grant, in one round trip."""
        ...

    async def sweep(self, shard: Shard, count: int) -> int:
        """Expires grants whose time is over; answers how many.

        What is left of a campaign that is over leaves the shard as ``budget.returned``.
        """
        ...

    async def audit(self, room: RoomId, campaign: CampaignId) -> BudgetAudit:
        """Counts a budget twice."""
        ...


class ShareRewards:
    """Unlocks the coupons of those who share, with money that is lent when a friend has come."""

    def __init__(self, campaigns: Campaigns, wallets: Wallets, clock: Clock) -> None:
        self._campaigns = campaigns
        self._wallets = wallets
        self._clock = clock

    async def count_arrival(self, grant: GrantId, person: PersonId) -> str:
        """Counts a verified arrival once per person; answers what happened.

        Raises:
            Conflict: ``budget_spent``: nothing was counted, a later visit may unlock the coupon;
                ``own_arrival``.
        """
        card, what = await self._wallets.count_arrival(grant, person)
        if what == "unfunded":
            amount = card.discount_minor
            await self._campaigns.lend(CampaignId(card.campaign), grant, amount, self._clock())
            card, what = await self._wallets.count_arrival(grant, person, amount)
        return what
