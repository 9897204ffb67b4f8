"""``livecommerce ledger rates``: what platform, creator and payment provider take, now or at another time.

Exit codes: 0 the rates hold, 1 the file is wrong.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.table import Table

from livecommerce.clock import now_ms
from livecommerce.fees import NEVER_MS, Override, PaymentFee, RateBook, Rates
from livecommerce.gateway.current_rates import load_rates, rates_at_start
from livecommerce.rates_file import BadRates, percent
from livecommerce.settings import Settings

if TYPE_CHECKING:
    from argparse import _SubParsersAction

HOLDS, WRONG = 0, 1

console = Console(highlight=False, soft_wrap=True)


class RatesInSight(Struct, frozen=True, kw_only=True):
    """What holds at a time, and which overrides hold then or are still to come."""

    source: str
    at_ms: int
    categories: dict[str, Rates]
    """The empty one is every category that is not named."""
    payment: PaymentFee
    overrides: tuple[Override, ...]
    most_brand_ppm: int
    """What a guest brand can leave to the show's shop."""


def add_rates_command(
    actions: _SubParsersAction[argparse.ArgumentParser], time_ms: Callable[[str], int]
) -> None:
    """Adds ``rates`` to the ledger's command line."""
    rates = actions.add_parser("rates", help="what is taken of an order, now or at another time")
    rates.add_argument("--at", dest="at_ms", type=time_ms, metavar="TIME")
    rates.add_argument("--check", type=Path, metavar="FILE", help="look at a file before it is put in place")
    rates.add_argument("--json", action="store_true", help="print one JSON document")
    rates.set_defaults(run=_rates)


def _rates(settings: Settings, options: argparse.Namespace) -> int:
    try:
        source, book = _book(settings, options.check)
    except BadRates as error:
        _complain(error, as_json=options.json)
        return WRONG
    seen = _in_sight(source, book, now_ms() if options.at_ms is None else options.at_ms)
    if options.json:
        sys.stdout.write(msgspec.json.encode(seen).decode() + "\n")
    else:
        _show(seen)
    return HOLDS


def _book(settings: Settings, check: Path | None) -> tuple[str, RateBook]:
    if check is not None:
        return str(check), load_rates(check)
    book = rates_at_start(settings.rates_file, optional=settings.rates is None)
    return str(settings.rates_file) if settings.rates_file.exists() else "built in", book


def _in_sight(source: str, book: RateBook, at_ms: int) -> RatesInSight:
    return RatesInSight(
        source=source,
        at_ms=at_ms,
        categories={category: book.rates_at(category, at_ms) for category in book.categories},
        payment=book.payment_at(at_ms),
        overrides=tuple(one for one in book.overrides if at_ms < one.to_ms),
        most_brand_ppm=book.most_brand_ppm(at_ms),
    )


def _show(seen: RatesInSight) -> None:
    console.print(f"{seen.source}, at {_time(seen.at_ms)}")
    table = Table("category", "commission", "technical fee", "creator")
    for category, rates in seen.categories.items():
        shares = (rates.commission_ppm, rates.technical_fee_ppm, rates.creator_ppm)
        table.add_row(category or "every other", *map(percent, shares))
    console.print(table)
    console.print(f"payment fee {percent(seen.payment.fee_ppm)}, borne by the {seen.payment.bearer}")
    console.print(f"a guest brand can leave {percent(seen.most_brand_ppm)} to the show's shop")
    for one in seen.overrides:
        console.print(_sentence(one))


def _sentence(one: Override) -> str:
    named = {"campaign": one.campaign, "segment": one.segment}
    whose = ", ".join(f"{name} {value}" for name, value in named.items() if value)
    begin = f"from {_time(one.from_ms)}" if one.from_ms else "from the beginning"
    end = f" to {_time(one.to_ms)}" if one.to_ms < NEVER_MS else ""
    given = {
        "commission": one.commission_ppm,
        "technical fee": one.technical_fee_ppm,
        "creator": one.creator_ppm,
    }
    shares = ", ".join(f"{name} {percent(ppm)}" for name, ppm in given.items() if ppm is not None)
    return f"override {one.tag}: {whose}, {begin}{end}: {shares}"


def _complain(error: BadRates, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(msgspec.json.encode({"problems": error.problems}).decode() + "\n")
    else:
        sys.stderr.writelines(f"{problem}\n" for problem in error.problems)


def _time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
