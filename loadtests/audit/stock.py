"""The laws of stock: counted from captured money first, then on the counters themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from loadtests.audit.evidence import Evidence, StockCount, StoredOrder, Stores, Verdict
from loadtests.audit.money import Account, paid


def not_oversold(evidence: Evidence, accounts: Mapping[str, Account]) -> Verdict:
    """Units that are paid for, beside units that were on offer."""
    units: Counter[str] = Counter()
    for purchase in paid(evidence, accounts):
        units[purchase.sale] += purchase.qty
    violations = tuple(
        f"sale {sale}: {paid} units are paid for, {evidence.stock.get(sale, 0)} were on offer"
        for sale, paid in units.items()
        if paid > evidence.stock.get(sale, 0)
    )
    return Verdict("nothing is oversold", units.total(), violations)


def within_limit(evidence: Evidence, accounts: Mapping[str, Account]) -> Verdict:
    """Units that each buyer paid for, beside what each may have."""
    units: Counter[tuple[str, str]] = Counter()
    for purchase in paid(evidence, accounts):
        units[purchase.sale, purchase.buyer] += purchase.qty
    violations = tuple(
        f"sale {sale}: buyer {buyer} has paid for {paid} units, the limit is {evidence.limits[sale]}"
        for (sale, buyer), paid in units.items()
        if paid > evidence.limits.get(sale, paid)
    )
    return Verdict("no buyer is above the limit", len(units), violations)


def adds_up(counts: Sequence[StockCount]) -> Verdict:
    """Every unit is in one place, and what is held is what open orders hold."""
    violations = tuple(f"sale {count.sale}: {wrong}" for count in counts for wrong in _wrongs(count))
    return Verdict("stock adds up on every counter", len(counts), violations)


def _wrongs(count: StockCount) -> list[str]:
    places = (count.available, count.held, count.sold, count.returned)
    wrongs = {
        f"{sum(places)} units are somewhere, {count.allocated} were allocated": sum(places)
        != count.allocated,
        f"a counter is below zero: {places}": min(places) < 0,
        f"{count.held} units are held, open orders hold {count.held_by_orders}": count.held
        != count.held_by_orders,
        f"buyers have {count.units_of_buyers} units, {count.held + count.sold} are held or sold": (
            count.units_of_buyers != count.held + count.sold
        ),
        f"a buyer has {count.most_of_one_buyer} units, the limit is {count.limit}": (
            count.limit > 0 and count.most_of_one_buyer > count.limit
        ),
        f"{count.stray_deadlines} orders that have ended still have a deadline": count.stray_deadlines > 0,
        f"{count.orders_without_deadline} open orders have no deadline": count.orders_without_deadline > 0,
    }
    return [wrong for wrong, is_so in wrongs.items() if is_so]


def sold_is_ordered(stores: Stores) -> Verdict:
    """What Valkey counts as sold is in SQL as orders, unit for unit."""
    ordered = _units(stores.orders)
    violations = tuple(
        f"sale {count.sale}: {count.sold} units are sold, orders in SQL have {ordered[count.sale]}"
        for count in stores.stock
        if count.sold != ordered[count.sale]
    )
    return Verdict("units sold are units of orders", sum(count.sold for count in stores.stock), violations)


def _units(orders: Sequence[StoredOrder]) -> Counter[str]:
    units: Counter[str] = Counter()
    for order in orders:
        units.update(order.units)
    return units
