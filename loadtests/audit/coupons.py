"""The laws of coupons: a budget is money in three places, and never more than it is."""

from __future__ import annotations

from collections import Counter

from loadtests.audit.evidence import BudgetCount, Stores, Verdict


def budgets_are_kept(stores: Stores) -> Verdict:
    """Each shard's part adds up; all parts together are within the campaign; what is spent is in orders."""
    violations = [
        f"campaign {count.campaign} on shard {count.shard}: {wrong}"
        for count in stores.budgets
        for wrong in _wrongs(count)
    ]
    lent, spent = Counter[str](), Counter[str]()
    for count in stores.budgets:
        lent[count.campaign] += count.budget
        spent[count.campaign] += count.spent
    for campaign, amount in lent.items():
        if campaign in stores.campaigns and amount > stores.campaigns[campaign]:
            violations.append(f"campaign {campaign}: rooms got {amount} of {stores.campaigns[campaign]}")
    given = _discounts(stores)
    violations += [
        f"campaign {campaign}: {spent[campaign]} is spent, orders were lowered by {given[campaign]}"
        for campaign in sorted(spent.keys() | given.keys())
        if spent[campaign] != given[campaign]
    ]
    return Verdict("coupon budgets are kept", len(stores.budgets), tuple(violations))


def _wrongs(count: BudgetCount) -> list[str]:
    places = (count.available, count.reserved, count.spent)
    wrongs = {
        f"{sum(places)} is somewhere, the budget is {count.budget}": sum(places) != count.budget,
        f"a counter is below zero: {places}": min(places) < 0,
        f"{count.reserved} is reserved, coupons are worth {count.worth_of_grants}": (
            count.reserved != count.worth_of_grants
        ),
        f"{count.stuck_grants} coupons are reserved for orders that have ended": count.stuck_grants > 0,
    }
    return [wrong for wrong, is_so in wrongs.items() if is_so]


def _discounts(stores: Stores) -> Counter[str]:
    discounts: Counter[str] = Counter()
    for order in stores.orders:
        discounts.update(order.discounts)
    return discounts
