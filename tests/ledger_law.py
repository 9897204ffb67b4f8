"""The ledger's laws on random orders, as many as one likes.

``python -m tests.ledger_law --orders 1000000``: every entry balances, shares add up to the cent, and an order
that is refunded in any number of parts, settled somewhere between or never, leaves zero on every account.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from random import Random

from msgspec.structs import replace
from rich.console import Console
from rich.progress import track

from livecommerce.ledger.entries import entries_of
from livecommerce.ledger.entry import Entry, defect
from livecommerce.ledger.facts import Fact, Refund, Settlement
from livecommerce.orders import ConfirmedOrder, LineRates, OrderLine, OrderTerms
from tests.orders import a_line, an_order

LARGEST_MINOR = 10**7


class LawBroken(AssertionError):
    """An order whose entries do not add up; the message has all of it."""


def check_orders(random: Random, count: int) -> Iterator[None]:
    """Draws and checks so many orders, one a step.

    Raises:
        LawBroken: the first one that breaks a law.
    """
    for _ in range(count):
        _check(_history(random))
        yield


def _check(facts: list[Fact]) -> None:
    left: Counter[str] = Counter()
    for told in range(1, len(facts) + 1):
        for entry in entries_of(facts[:told]):
            wrong = defect(entry)
            if wrong:
                raise LawBroken(f"{wrong}: {facts[:told]}")
            _count(left, entry)
    if any(left.values()):
        raise LawBroken(f"{+left} {-left} left of {facts}")


def _count(left: Counter[str], entry: Entry) -> None:
    for posting in entry.postings:
        left[posting.account] += posting.debit_minor - posting.credit_minor


def _history(random: Random) -> list[Fact]:
    """An order, refunded to the last cent in parts; some are settled before, between or after them."""
    order = _order(random)
    cuts = sorted(random.randint(0, order.total_minor) for _ in range(random.randint(0, 4)))
    parts = [high - low for low, high in zip([0, *cuts], [*cuts, order.total_minor], strict=True)]
    facts: list[Fact] = [
        Refund(order="order", refund=f"r{number}", amount_minor=part, currency="CNY", reason="", at_ms=2)
        for number, part in enumerate(parts)
    ]
    if random.random() < 0.5:
        facts.insert(random.randint(0, len(facts)), Settlement(order="order", at_ms=3))
    return [order, *facts]


def _order(random: Random) -> ConfirmedOrder:
    terms = OrderTerms(
        commission_ppm=random.randint(20_000, 100_000),
        technical_fee_ppm=random.randint(6_000, 10_000),
        creator_ppm=random.randint(0, 300_000),
        brand_ppm=random.randint(0, 200_000),
        payment_fee_ppm=random.randint(0, 20_000),
        payment_fee_bearer=random.choice(("merchant", "platform")),
    )
    lines = [_line(random, number) for number in range(1, random.choice((1, 1, 1, 2, 3)) + 1)]
    return an_order(*lines, terms=terms, host_shop=random.choice(("shop", "show")))


def _line(random: Random, number: int) -> OrderLine:
    gross = int(LARGEST_MINOR ** random.random())
    merchant = random.randint(0, gross) if random.random() < 0.3 else 0
    platform = random.randint(0, gross - merchant) if random.random() < 0.3 else 0
    shipping = random.choice((0, 0, 800))
    line = a_line(number, gross, merchant, platform)
    rates = LineRates(
        commission_ppm=random.randint(20_000, 100_000),
        technical_fee_ppm=random.randint(6_000, 10_000),
        brand_ppm=random.randint(0, 200_000),
    )
    return replace(line, rates=rates, shipping_minor=shipping, paid_minor=line.paid_minor + shipping)


def main() -> None:
    """Checks as many orders as were asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    console = Console(stderr=True)
    for _ in track(
        check_orders(Random(options.seed), options.orders), "Orders", options.orders, console=console
    ):
        pass
    console.print(f"{options.orders} random orders (seed {options.seed}): every law holds.")


if __name__ == "__main__":
    main()
