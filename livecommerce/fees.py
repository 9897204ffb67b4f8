"""What platform, creator and payment provider take of an order: dated rates by category, and overrides.

The moment of the tap chooses. The rates found are kept in the order, so no later change touches it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from msgspec import Struct

from livecommerce.money import PPM

ALWAYS_MS = 0
NEVER_MS = 1 << 62


class ShareRates(Struct, frozen=True, kw_only=True):
    """Parts of a fee base; ``None`` leaves a part as it is."""

    commission_ppm: int | None = None
    technical_fee_ppm: int | None = None
    creator_ppm: int | None = None


class CategoryRates(ShareRates, frozen=True, kw_only=True):
    """The rates of a category, from a time until its next ones say something else."""

    category: str = ""
    """Empty: of every category, as far as its own rates say nothing else."""
    from_ms: int = ALWAYS_MS


class Override(ShareRates, frozen=True, kw_only=True):
    """Other rates for the orders of a campaign, of a segment, or of both, in a stretch of time."""

    tag: str
    campaign: str | None = None
    segment: str | None = None
    from_ms: int = ALWAYS_MS
    to_ms: int = NEVER_MS
    """The first moment in which it no longer holds."""

    def holds(self, at_ms: int) -> bool:
        """Whether a moment is in its stretch of time."""
        return self.from_ms <= at_ms < self.to_ms

    def concerns(self, occasion: Occasion) -> bool:
        """Whether it is about an order."""
        return (
            self.holds(occasion.at_ms)
            and self.campaign in (None, *occasion.campaigns)
            and self.segment in (None, occasion.segment)
        )


class PaymentFee(Struct, frozen=True, kw_only=True):
    """What the payment provider keeps of what is paid, and who bears it; one for all lines of an order."""

    from_ms: int = ALWAYS_MS
    fee_ppm: int = 6_000
    bearer: str = "merchant"
    """merchant or platform."""


class Occasion(Struct, frozen=True, kw_only=True):
    """What of an order decides about its rates, beside its goods."""

    at_ms: int
    """The buyer's tap."""
    campaigns: tuple[str, ...] = ()
    """Of the coupons that are used."""
    segment: str | None = None


class Rates(Struct, frozen=True, kw_only=True):
    """The shares of a line's fee base that are not the merchant's or the host shop's."""

    commission_ppm: int
    technical_fee_ppm: int
    creator_ppm: int

    @property
    def taken_ppm(self) -> int:
        """All of them."""
        return self.commission_ppm + self.technical_fee_ppm + self.creator_ppm

    def under(self, override: Override | None) -> Rates:
        """The rates where an override replaces some of them."""
        if override is None:
            return self
        commission, technical, creator = (
            override.commission_ppm,
            override.technical_fee_ppm,
            override.creator_ppm,
        )
        return Rates(
            commission_ppm=self.commission_ppm if commission is None else commission,
            technical_fee_ppm=self.technical_fee_ppm if technical is None else technical,
            creator_ppm=self.creator_ppm if creator is None else creator,
        )

    def beside(self, brand_ppm: int) -> Rates:
        """The rates where a guest brand has promised the show's shop a share.

        A promise is older than rates that were raised since, so it is kept: what is more than the whole is
        taken off the commission first, then off the technical fee, then off the creator's share.
        """
        left = PPM - brand_ppm
        creator = min(self.creator_ppm, left)
        technical = min(self.technical_fee_ppm, left - creator)
        commission = min(self.commission_ppm, left - creator - technical)
        return Rates(commission_ppm=commission, technical_fee_ppm=technical, creator_ppm=creator)


class RateBook(Struct, frozen=True, kw_only=True):
    """All rates there are, past and planned.

    Law: rates without a category hold from the beginning on and say every share; at no moment do the shares
    of a category, overridden or not, add up to more than the whole (see ``excesses``).
    """

    rates: tuple[CategoryRates, ...]
    payment: tuple[PaymentFee, ...] = (PaymentFee(),)
    overrides: tuple[Override, ...] = ()
    """The first that concerns an order holds for it."""

    @property
    def categories(self) -> tuple[str, ...]:
        """Those with rates of their own, and the empty one."""
        return tuple(sorted({"", *(rates.category for rates in self.rates)}))

    def override_of(self, occasion: Occasion) -> Override | None:
        """What replaces rates in an order."""
        return next((one for one in self.overrides if one.concerns(occasion)), None)

    def rates_at(self, category: str, at_ms: int, override: Override | None = None) -> Rates:
        """The rates of a category at a time."""
        usual = Rates(
            commission_ppm=self._share("commission_ppm", category, at_ms),
            technical_fee_ppm=self._share("technical_fee_ppm", category, at_ms),
            creator_ppm=self._share("creator_ppm", category, at_ms),
        )
        return usual.under(override)

    def payment_at(self, at_ms: int) -> PaymentFee:
        """The payment fee at a time."""
        return max((fee for fee in self.payment if fee.from_ms <= at_ms), key=lambda fee: fee.from_ms)

    def excesses(self) -> Iterator[tuple[str, int, Override | None, Rates]]:
        """Category, time, override and rates wherever shares are more than the whole."""
        for at_ms, category, override, rates in self._all_rates(ALWAYS_MS):
            if rates.taken_ppm > PPM:
                yield category, at_ms, override, rates

    def most_brand_ppm(self, at_ms: int) -> int:
        """What a guest brand can leave to the show's shop at most, whatever is sold from a time on."""
        return PPM - max(rates.taken_ppm for _, _, _, rates in self._all_rates(at_ms))

    def _all_rates(self, from_ms: int) -> Iterator[tuple[int, str, Override | None, Rates]]:
        """Every rates that will hold for something from a time on; between two moments nothing changes."""
        for at_ms in sorted({from_ms, *(moment for moment in self._moments() if moment > from_ms)}):
            overrides = (None, *(one for one in self.overrides if one.holds(at_ms)))
            for category in self.categories:
                usual = self.rates_at(category, at_ms)
                for override in overrides:
                    yield at_ms, category, override, usual.under(override)

    def _moments(self) -> Collection[int]:
        return {
            *(rates.from_ms for rates in self.rates),
            *(moment for one in self.overrides for moment in (one.from_ms, one.to_ms)),
        }

    def _share(self, name: str, category: str, at_ms: int) -> int:
        own = self._latest(name, category, at_ms)
        if own is None:
            own = self._latest(name, "", at_ms)
        assert own is not None  # noqa: S101 - the book's law
        return own

    def _latest(self, name: str, category: str, at_ms: int) -> int | None:
        """What a category's rates last said of a share."""
        said = (
            (rates.from_ms, share)
            for rates in self.rates
            if rates.category == category
            and rates.from_ms <= at_ms
            and (share := getattr(rates, name)) is not None
        )
        return max(said, default=(0, None))[1]


RatesInForce = Callable[[], RateBook]
"""Answers the rates that the operator has set; asked anew for each order."""

BUILT_IN = RateBook(
    rates=(
        CategoryRates(commission_ppm=50_000, technical_fee_ppm=6_000, creator_ppm=200_000),
        CategoryRates(category="fresh-food", commission_ppm=20_000),
        CategoryRates(category="electronics", commission_ppm=30_000),
        CategoryRates(category="jewelry", commission_ppm=100_000, technical_fee_ppm=10_000),
    )
)
"""What holds where the operator has set nothing."""


def built_in() -> RateBook:
    """The built-in rates, as a source of rates."""
    return BUILT_IN
